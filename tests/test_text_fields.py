"""Detect the text fields of foreign documents, and reject fields that would lose text."""

import pytest

from enricher.errors import UsageError
from enricher.recipe.text_fields import (
    DEFAULT_FIELDS,
    check_fields,
    check_no_overlap,
    choose_fields,
    words_in,
)
from enricher.records import Document

PROSE = "The database writes its log before it commits the transaction."
ZH = "数据库先写日志，再提交事务，断电以后按日志恢复。"


def sample(*sources: dict[str, object]) -> list[Document]:
    return [Document(str(number), source) for number, source in enumerate(sources)]


@pytest.mark.parametrize(
    ("source", "names", "left_out"),
    [
        ({"subject": "Logs", "body": PROSE}, ("subject", "body"), ()),
        ({"title": "Logs", "content": PROSE}, ("title", "content"), ()),
        ({"title": "first", "text": "neural network"}, ("title", "text"), ()),
        ({"article": {"headline": "Logs", "body": ["one", "two"]}}, ("article.headline", "article.body"), ()),
        ({"author": "Li Na", "notes": PROSE, "lang": "en"}, ("notes",), ("author", "lang")),
        ({"名称": "日志", "正文": ZH, "作者": "李娜"}, ("名称", "正文"), ("作者",)),
        ({"long": PROSE * 5, "short": PROSE}, ("short", "long"), ()),
        ({"code": "x1", "city": "Basel"}, ("code", "city"), ()),
        (
            {"name": "Tea", "author": {"name": "Li Na"}, "note": PROSE},
            ("name", "note"),
            ("author.name",),
        ),
    ],
)
def test_fields_are_chosen_by_name_and_by_length(
    source: dict[str, object], names: tuple[str, ...], left_out: tuple[str, ...]
) -> None:
    """Titles and texts by their usual names, others where they hold several words; the title comes first."""
    paths = [
        f"{name}.{inner}" if isinstance(value, dict) else name
        for name, value in source.items()
        for inner in (value if isinstance(value, dict) else [""])
    ]
    chosen = choose_fields(paths, sample(source))
    assert (chosen.names, chosen.left_out) == (names, left_out)
    assert chosen.chosen


def test_a_field_that_the_sample_lacks_is_chosen_by_its_name() -> None:
    """A body that only later documents have is enriched too."""
    chosen = choose_fields(["title", "body", "isbn"], sample({"title": "Logs"}))
    assert chosen.names == ("title", "body")


def test_texts_that_the_mapping_does_not_name_are_found_in_the_documents() -> None:
    """As in an index whose mapping is not dynamic; title and text count whatever their type is."""
    assert choose_fields([], sample({"headline": "Logs", "story": PROSE})).names == ("headline", "story")
    assert choose_fields(["body"], sample({"title": "a keyword", "body": PROSE})).names == ("title", "body")
    assert choose_fields([], []).names == DEFAULT_FIELDS


def test_fields_that_would_lose_the_text_of_documents_are_rejected() -> None:
    """The message names the other fields and the options. A small share of such documents is accepted."""
    lost, kept = {"headline": "a headline", "body": PROSE}, {"title": "", "text": PROSE}
    with pytest.raises(UsageError, match=r"1 of 2 documents of it would lose .*body, headline.*--text-field"):
        check_fields(sample(lost, kept), ("title", "text"), (), "it")
    check_fields(sample(lost, *[kept] * 40), ("title", "text"), (), "it")
    for decided in ({"named": ("text",)}, {"named": (), "is_decided": True}):
        (note,) = check_fields(sample(lost, kept), ("title", "text"), where="it", **decided)  # type: ignore[arg-type]
        assert note.startswith("1 of 2 documents of it have no text, but there is text in body, headline")


def test_a_text_in_another_field_is_reported() -> None:
    """A document with only its title in an enriched field is found only by its title."""
    (note,) = check_fields(sample({"title": "Logs", "body": PROSE}), ("title", "text"), (), "it")
    assert "have no text, but there is text in body, which is not searched" in note
    assert check_fields(sample({"title": "Logs", "lang": "en"}), ("title", "text"), (), "it") == []
    assert check_fields(sample({"title": "Logs", "text": ""}), ("title", "text"), (), "it") == []


def test_a_title_is_a_short_field_of_most_documents() -> None:
    """A field of a single document is not the title."""
    first = {"kopf": "Ein Kopf mit vier Worten", "inhalt": PROSE, "fuss": "noch ein kurzer Satz"}
    chosen = choose_fields(["fuss", "inhalt", "kopf"], sample(first, *[{**first, "fuss": None}] * 3))
    assert chosen.names == ("kopf", "fuss", "inhalt")


@pytest.mark.parametrize("source", [{"title": "", "note": PROSE}, {"year": 2024}, {"lang": "en"}])
def test_documents_without_text_are_accepted(source: dict[str, object]) -> None:
    """An empty field counts as present, and a code is not text."""
    check_fields(sample(source), ("title", "text"), (), "it")


def test_a_named_field_that_no_document_has_is_rejected() -> None:
    """The message lists the existing fields. An empty field exists."""
    with pytest.raises(UsageError, match=r"None of the first 1 documents of it has the field 'bdy'; .*body"):
        check_fields(sample({"title": "Logs", "body": PROSE}), ("title", "bdy"), ("bdy",), "it")
    check_fields(sample({"title": "", "text": PROSE}), ("title", "text"), ("title",), "it")
    check_fields([], ("title", "bdy"), ("bdy",), "it")


def test_a_field_inside_another_is_rejected() -> None:
    """An index cannot have a text field with fields below it."""
    check_no_overlap(("page.title", "page.body", "pages"))
    with pytest.raises(UsageError, match="inside the field 'page'"):
        check_no_overlap(("page", "page.body"))


def test_words_are_counted_in_both_languages() -> None:
    """Two Han characters count as one word."""
    assert words_in("one two 三四五六") == 4
    assert words_in("") == 0
