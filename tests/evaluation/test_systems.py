"""The plain systems and RM3: their words and weights."""

import pytest

from enricher.evaluation.baselines import BaselineFields, grams, plain_systems
from enricher.evaluation.rm3 import FeedbackQueries, interpolate, relevance_model
from enricher.records import Document, Frequencies, Hit, QueryTerm
from enricher.text import open_analyzer

ANALYZER = open_analyzer()


def test_characters_and_pairs_of_runs_and_other_words_as_they_are() -> None:
    """A run of one character is that character."""
    assert grams("用SQL查询数据", 1) == ["用", "sql", "查", "询", "数", "据"]
    assert grams("用SQL查询数据，锁", 2) == ["用", "sql", "查询", "询数", "数据", "锁"]
    assert grams("", 2) == []


@pytest.mark.parametrize(
    ("language", "titled", "names"),
    [
        ("zh", True, ["bm25", "bm25-unigram", "bm25-bigram", "bm25-fields"]),
        ("zh", False, ["bm25", "bm25-unigram", "bm25-bigram"]),
        ("en", True, ["bm25", "bm25-stem", "bm25-fields"]),
        ("en", False, ["bm25", "bm25-stem"]),
    ],
)
def test_every_plain_system_that_applies_searches_a_field_that_is_filled(
    language: str, titled: bool, names: list[str]
) -> None:
    """Under the names of the contract."""
    assert language in ("zh", "en")
    systems = plain_systems(ANALYZER, "zh" if language == "zh" else "en", titled, "i")
    assert [system.name for system in systems] == names
    mapping = BaselineFields(("title", "text"), "zh" if language == "zh" else "en", titled, 100).mapping
    families = {path.split(".")[0] for path in mapping}
    assert {term.field for system in systems for term in system.query("tide").terms} == families


def test_stop_words_are_left_out_and_repeated_words_weigh_more() -> None:
    """Of documents and of queries."""
    words, stems, *_ = (system.query for system in plain_systems(ANALYZER, "en", False, "i"))
    assert words("the tides of the tides, and reefs").terms == (
        QueryTerm("tides", 2.0, field="words"),
        QueryTerm("reefs", 1.0, field="words"),
    )
    assert [term.term for term in stems("the tides").terms] == ["tide"]
    assert words("of the").terms == ()
    fields = BaselineFields(("title", "text"), "en", True, 100)
    document = Document("d", {"title": "The tides", "text": "and running reefs"})
    analyzed = ANALYZER.analyze(document, fields.fields)
    assert fields.enrich([analyzed]) == [
        {
            "words": "tides running reefs",
            "stems": "tide run reef",
            "tokens": {"title": "tides", "text": "running reefs"},
        }
    ]


def test_the_relevance_model_by_hand() -> None:
    """a: 3·2/4 + 1·1/4, b: 3·2/4, c: 1·3/4, over their sum 4."""
    documents = [({"a": 2, "b": 2}, 3.0), ({"a": 1, "c": 3}, 1.0)]
    assert relevance_model(documents) == pytest.approx({"a": 0.4375, "b": 0.375, "c": 0.1875})
    assert relevance_model(documents, terms=2) == pytest.approx({"a": 1.75 / 3.25, "b": 1.5 / 3.25})
    assert relevance_model([({}, 3.0)]) == {}


def test_a_document_is_cut_to_its_most_frequent_words_before_it_is_weighed() -> None:
    """As Anserini does; words of equal count in the order of the alphabet."""
    assert relevance_model([({"z": 3, "b": 1, "a": 1}, 1.0)], terms=2) == pytest.approx(
        {"z": 0.75, "a": 0.25}
    )


def test_query_and_model_are_mixed_half_and_half() -> None:
    """Both sum to 1 before."""
    mixed = interpolate({"a": 2.0, "q": 2.0}, {"a": 0.5, "c": 0.5})
    assert mixed == pytest.approx({"a": 0.5, "q": 0.25, "c": 0.25})
    assert sum(mixed.values()) == pytest.approx(1)


def test_feedback_terms_come_from_the_text_of_the_first_hits() -> None:
    """But for common words, stop words, numbers and single characters."""
    hits = [
        Hit("1", 2.0, {"title": "Reef", "text": "the tide and 1998 corals x water"}),
        Hit("2", 1.0, {"text": "tide water", "title": None}),
    ]
    counts = {"water": 90}
    asked: list[int] = []

    def search(query: object, top: int) -> list[Hit]:
        asked.append(top)
        return hits

    feedback = FeedbackQueries(
        ANALYZER,
        ("title", "text"),
        plain_systems(ANALYZER, "en", True, "i")[0].query,
        search,
        lambda words: Frequencies(100, tuple(counts.get(word, 5) for word in words)),
    )
    found = {term.term: term for term in feedback.query("tide charts").terms}
    weights = {"tide": 2 / 3 + 1, "reef": 2 / 3, "corals": 2 / 3}
    assert {word: term.weight for word, term in found.items()} == pytest.approx(
        {
            "tide": 0.25 + 0.5 * weights["tide"] / 3,
            "charts": 0.25,
            "reef": 0.5 * weights["reef"] / 3,
            "corals": 0.5 * weights["corals"] / 3,
        }
    )
    assert {word for word, term in found.items() if term.origin == "rm3"} == {"reef", "corals"}
    assert asked == [10]
    assert feedback.query("of the").terms == () and asked == [10]
