"""References in long texts."""

import pytest

import enricher
from enricher.keywords.references import reference_spans
from enricher.records import Document

BODY = "The coral reef grows in warm water, and the tide moves sand over the coral reef.\n" * 80
ENTRIES = "".join(
    f"[{number}] A. Lantern, B. K. Harbour. On the growth of sediment traps. Tea Press, {1980 + number}.\n"
    for number in range(1, 20)
)


def dropped(text: str) -> list[str]:
    """The parts of a text that are references."""
    return [text[start:end] for start, end in reference_spans(text)]


@pytest.mark.parametrize("heading", ["References", "7. REFERENCES", "Bibliography", "参考文献"])
def test_the_list_at_the_end_is_found_by_its_heading(heading: str) -> None:
    """From the heading to the end of the text."""
    text = f"{BODY}{heading}\n{ENTRIES}"
    (found,) = dropped(text)
    assert found == text[text.index(heading.split()[-1]) :]


def test_an_appendix_after_the_list_stays() -> None:
    """The list ends where it begins."""
    (found,) = dropped(f"{BODY}References\n{ENTRIES}Appendix A\nThe tide tables.")
    assert found == f"References\n{ENTRIES}"


def test_names_before_et_al_are_found() -> None:
    """With those that `and` or a comma joins to them."""
    text = f"{BODY}Harbour and Lantern et al. [3] count reefs. The work of Sandford et al is older.\n{BODY}"
    assert dropped(text) == ["Harbour and Lantern et al.", "Sandford et al"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"References\n{ENTRIES[:400]}",
        f"{BODY}References to coral reefs are rare in books about the tide.\n{BODY[:2000]}",
        f"References\n{ENTRIES}{BODY}{BODY}",
        f"{BODY}The references follow from A. and B. and C. in 1999, 2001 and 2003.",
    ],
)
def test_other_text_stays(text: str) -> None:
    """Short texts, prose about references, and a list in the first half, as in a table of contents."""
    assert dropped(text) == []


def test_references_hold_no_keywords(model: enricher.Model) -> None:
    """No name and no title of them becomes one; the words of the text do, by either method."""
    text = f"{BODY}Harbour et al. grow. Harbour et al. count.\nReferences\n{ENTRIES}"
    document = model.analyzer.analyze(Document("1", {"text": text}), ("text",))
    for method in ("phrases", "published"):
        [found] = model.document_keywords([document], 20, method, None)
        words = {word for keyword in found for word in keyword.text.split()}
        assert "reef" in words or "coral" in words
        assert not words & {"lantern", "harbour", "sediment", "tea", "press"}
