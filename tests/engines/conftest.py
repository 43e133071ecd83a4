import pytest

pytest.register_assert_rewrite(
    "tests.engines.congruence",
    "tests.engines.congruence_fields",
    "tests.engines.congruence_search",
    "tests.engines.congruence_vectors",
)
