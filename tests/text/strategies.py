"""Texts that are hard on an analyzer, for property tests."""

from hypothesis import settings
from hypothesis import strategies as st

_PARTS = [
    "机器学习", "网络安全", "北京大学的", "二〇二四年", "人々", "，", "。", "（", "）", "……", "——", "　",
    "ＡＢＣ", "１２３", "５Ｇ", "ｶﾞｲﾄﾞ", "データを", "らーめん", "한국어", "ㄱㅏ", "хлеб", "ὈΔΟΣ", "Σ",
    "ς", "ﺳﻼﻡ", "שלום", "हिन्दी", "ภาษาไทย", "İstanbul", "ﬁnal", "㈱", "①", "½", "㎏", "℃", "e\u0301",
    "\u0301", "\u0316", "\u3099", "カ", "\u200b", "\u00ad", "\ufeff", "\u200f", "\ufe0f",
    "1\ufe0f\u20e3", "😀", "👩\u200d🔬", "\ud800", "\udfff", "\0", "∅", "C++", "C#", "F#", ".NET",
    "c++11", "don't", "company’s", "'s", "'", "3.14", "1,000", "100,2000", "8.19.21", "iPhone15",
    "covid-19", "max_result_window", "a/b", "x" * 70, "字" * 70, "1.1" * 40, " ", "\n", "\t", "\u2028",
    ".", ",", "+", "#", "\U00020000", "\ufa0e", "葛\U000e0100", "type 2 diabetes", "Type  2\tDiabetes",
    "node.js", "5G网络",
]  # fmt: skip

_PIECES = st.one_of(st.sampled_from(_PARTS), st.text(max_size=4), st.characters())

TEXTS = st.lists(_PIECES, max_size=14).map("".join)
"""Texts of many scripts, full-width forms, ligatures, invisible and broken characters."""

PROPERTY = settings(max_examples=300, deadline=None)
"""Many examples, and no deadline: the first one loads a dictionary."""
