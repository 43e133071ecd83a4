"""enricher.toml."""

from pathlib import Path

import pytest

from enricher.errors import ConfigurationError
from enricher.settings import Configuration, IndexConfiguration, read_configuration


def configured(tmp_path: Path, text: str) -> Configuration:
    """The configuration that a file of this text gives."""
    path = tmp_path / "enricher.toml"
    path.write_text(text, encoding="utf-8")
    return read_configuration(path)


def test_the_first_pattern_that_fits_wins_and_a_name_before_patterns(tmp_path: Path) -> None:
    """Whichever of the names of an index fits; an index without a table has the defaults."""
    configuration = configured(
        tmp_path,
        """
        [index."news-*"]
        fields = ["headline", "body"]
        rewriters = []
        [index."news-2020"]
        enrichments = ["tokens", "keywords"]
        settings.keywords.top = 3
        strip_html = true
        """,
    )
    assert configuration.for_index("news-2020").strip_html
    assert not configuration.for_index("news-1").strip_html
    assert configuration.for_index("news-1") == IndexConfiguration(("headline", "body"), rewriters=())
    assert configuration.for_index("news-2020").enrichments == ("tokens", "keywords")
    assert configuration.for_index("news-2020").settings == {"keywords": {"top": 3}}
    assert configuration.for_index("other") == IndexConfiguration()
    assert configuration.table_of("other") is None
    assert configuration.for_index("alias", "news-2020").settings == {"keywords": {"top": 3}}
    assert configuration.for_index("news-1", "news-2020").settings == {"keywords": {"top": 3}}
    assert configuration.for_index("alias", "news-1").rewriters == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("index = 3", "index must be a table, not 3"),
        ("[gateway]", "it has no setting 'gateway'; there are index, serve"),
        ("index.a = 1", "index.a must be a table, not 1"),
        ('[index."a"]\nfield = ["x"]', "index.a has no setting 'field'; there are fields, enrichments, "),
        ('[index."a"]\nfields = "x"', "index.a.fields must be a list, not the string 'x'"),
        ('[index."a"]\nsettings = {keywords = 3}', "index.a.settings.keywords must be a table, not 3"),
        ('[index."a"]\nfields = []', "fields must be a list of 1 or more, not an empty list"),
        ('[index."a"]\nstrip_html = 1', "strip_html must be true or false, not 1"),
        ('[index."a"]\nstrip_html = "yes"', "strip_html must be true or false, not the string 'yes'"),
        ('[index."a"]\nfields = [""]', r"fields\[0\] must be a string of 1 character or more, not ''"),
        ('[index."a"]\nenrichments = []', "index.a.enrichments must name 'tokens'"),
        ('[index."a"]\nrewriters = ["subwords", "subwords"]', "index.a.rewriters names 'subwords' twice"),
        ('[index."a"]\nsettings.keyword.top = 3', "index.a.settings.keyword has no effect"),
        (
            '[index."a"]\nrewriters = []\nsettings.relatedness.terms = 3',
            "index.a.settings.relatedness has no effect",
        ),
        ('[index."a-*"]\nsettings.mine.x = nan', r'index."a-\*".settings.mine.x must be a finite number'),
        ("not toml at all", "cannot be read"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, said: str) -> None:
    """By file and key."""
    with pytest.raises(ConfigurationError, match=rf"enricher\.toml.*{said}"):
        configured(tmp_path, text)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    """Only the default may be missing."""
    with pytest.raises(ConfigurationError, match=r"absent\.toml"):
        read_configuration(tmp_path / "absent.toml")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_matter(tmp_path: Path, encoding: str) -> None:
    """Nor are the line ends of Windows."""
    path = tmp_path / "enricher.toml"
    path.write_bytes('[index."新闻-*"]\r\nenrichments = ["tokens", "keywords"]\r\n'.encode(encoding))
    assert read_configuration(path).for_index("新闻-1").enrichments == ("tokens", "keywords")


@pytest.mark.parametrize("content", [b'[index."caf\xe9"]\n', b"\xff\n\xfe\n", bytes(range(256))])
def test_a_configuration_that_is_no_utf_8_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    """Which names the file."""
    (tmp_path / "enricher.toml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"enricher.toml"):
        read_configuration(tmp_path / "enricher.toml")
