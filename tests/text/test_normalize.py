"""The one form of every text, and the way back to the original."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from enricher.text import normalize, normalize_with_offsets
from enricher.text.normalize import original_end
from tests.text.strategies import PROPERTY, TEXTS

# The planes that hold characters.
ASSIGNED = [*range(0x34000), *range(0xE0000, 0xE0200)]

# What the normaliser does beyond NFKC and lower case.
FOLDED = str.maketrans({"ς": "σ", "’": "'", "\0": "\ufffd"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＡＢＣ（１２３），ｘ", "abc(123),x"),
        ("ﬁnal ㈱ ½ ㎏", "final (株) 1⁄2 kg"),
        ("Cafe\u0301", "café"),
        ("ΟΔΟΣ οδος", "οδοσ οδοσ"),
        ("company’s", "company's"),
        ("机\u200b器\ufeff so\u00adft", "机器 soft"),
        ("a\ud800b\0c", "a\ufffdb\ufffdc"),
        ("國語", "國語"),
        ("", ""),
    ],
)
def test_writes_a_word_in_one_way(text: str, expected: str) -> None:
    """Width, ligatures, case, sigma, apostrophes and invisible characters do not tell words apart."""
    assert normalize(text) == expected


def test_every_character_keeps_its_form() -> None:
    """Each single character normalises to what a second normalisation leaves alone."""
    for point in ASSIGNED:
        once = normalize(chr(point))
        assert normalize(once) == once, hex(point)


def test_characters_taken_for_single_are_single() -> None:
    """What the fast path takes for one character in, one character out, is that for every character."""
    for point in ASSIGNED:
        normalized, offsets = normalize_with_offsets(chr(point))
        if offsets is None:
            assert len(normalized) == 1, hex(point)


@PROPERTY
@given(TEXTS)
@example("İ\u0316\u0301")
@example("a" + "\u0344" * 40)
def test_is_idempotent(text: str) -> None:
    """Normalising twice is normalising once."""
    once = normalize(text)
    assert normalize(once) == once


@PROPERTY
@given(st.text(st.characters(exclude_categories=["Cs", "Cf", "Cn", "Mn", "Me"]), max_size=40))
def test_is_nfkc_and_lower_case(text: str) -> None:
    """Apart from what is folded on purpose the form is NFKC of the lower case of NFKC."""
    lower = unicodedata.normalize("NFKC", text).lower().translate(FOLDED)
    assert normalize(text) == unicodedata.normalize("NFKC", lower)


@PROPERTY
@given(TEXTS)
def test_offsets_lead_back(text: str) -> None:
    """Offsets never fall, cover the text, and each span's original normalises to what holds the span."""
    normalized, offsets = normalize_with_offsets(text)
    assert normalized == normalize(text)
    if offsets is None:
        assert len(normalized) == len(text)
        return
    assert len(offsets) == len(normalized) + 1
    assert list(offsets) == sorted(offsets)
    assert offsets[-1] == len(text)
    for start in range(0, len(normalized), 3):
        end = min(start + 4, len(normalized))
        assert normalized[start:end] in normalize(text[offsets[start] : original_end(offsets, end)])


def test_full_width_forms_keep_the_fast_path() -> None:
    """Chinese with full-width punctuation, letters and digits needs no table of offsets."""
    assert normalize_with_offsets("第１章：ＡＢＣ（测试），“引用”。！？、；") == (
        "第1章:abc(测试),“引用”。!?、;",
        None,
    )


def test_many_marks_on_one_letter() -> None:
    """A character keeps thirty marks and a hundred thousand of them take no quadratic time."""
    text = "a" + "\u0316\u0301" * 50_000 + "b"
    normalized, offsets = normalize_with_offsets(text)
    assert len(normalized) <= 32
    assert offsets is not None
    assert offsets[-1] == len(text)
