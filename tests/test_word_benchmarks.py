"""The instruments that measure senses, neighbours and related words."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import enricher
from benchmarks import pseudowords, related_words, wordpairs
from benchmarks.pseudowords import Merging, MergingAnalyzer, Occurrence, occurrences, recovered
from enricher.model.relatedness import Relatedness
from enricher.model.senses import word_groups
from enricher.text import open_analyzer
from tests.corpora import TOPICS


def test_merged_words_are_one_word_in_the_text() -> None:
    """And the others stay as they were cut."""
    analyzer = MergingAnalyzer(open_analyzer(), {"ocean": "ocean_garden", "garden": "ocean_garden"})
    assert analyzer.content_words("the ocean, a reef and the garden") == [
        "ocean_garden",
        "reef",
        "ocean_garden",
    ]


def test_contexts_are_the_words_around_without_the_pseudo_word() -> None:
    """With the sense that stood there, at most WINDOW words on either side."""
    before, after = [f"b{n}" for n in range(12)], [f"a{n}" for n in range(12)]
    [found, none] = occurrences(
        [[*before, "one", *after, "other"], ["one"]], [("one", "other"), ("x", "y")], random.Random(1)
    )
    assert none == [] and Counter(item.sense for item in found) == {0: 2, 1: 1}
    contexts = {tuple(item.context) for item in found if item.sense == 0}
    assert contexts == {(*before[2:], *after[:10]), ()}
    [second] = [item.context for item in found if item.sense == 1]
    assert list(second) == after[2:]


def test_pairs_are_of_two_lexicons(tmp_path: Path) -> None:
    """Each word once, of middle frequency, and none that stands in both lists."""
    (tmp_path / "sea.txt").write_text("reef\ntide\nrare\nboth\n")
    (tmp_path / "green.txt").write_text("leaf\nroot\nboth\n")
    counts = Counter(dict.fromkeys(["reef", "tide", "leaf", "root", "both"], 60), rare=3)
    pairs = Merging("any", (), ("sea.txt", "green.txt")).pairs(counts, tmp_path)
    assert len(pairs) == 2 and {a for a, _ in pairs} == {"reef", "tide"}
    assert {b for _, b in pairs} == {"leaf", "root"}
    other = Merging("any", ()).pairs(counts, tmp_path)
    assert len({word for pair in other for word in pair}) == 2 * len(other)


def test_a_sense_is_recovered_where_its_group_fits(model: enricher.Model) -> None:
    """All of the contexts of two topics; none where the labels of the test are exchanged."""
    row = model.word2vec.row("ocean")
    groups = word_groups(model.word2vec, row, Relatedness())
    chance = random.Random(4)
    made = [
        Occurrence(sense, chance.sample(sorted(set(TOPICS[topic]) - {"ocean"}), 4))
        for sense, topic in enumerate(("ocean", "garden"))
        for _ in range(15)
    ]
    wrong = [Occurrence(1 - one.sense, one.context) for one in made]
    for fits in (pseudowords.by_information, pseudowords.by_cosine):
        right = recovered(model.word2vec, groups, made, made, fits)
        assert right >= 25 and recovered(model.word2vec, groups, made, wrong, fits) == 30 - right


def test_correlations_are_of_known_pairs(model: enricher.Model) -> None:
    """A judgement that goes as the cosine does correlates fully with it."""
    words = model.words[:12]
    cosine = {word: {n.word: n.cosine for n in model.neighbors(word, len(model.words))} for word in words}
    pairs = [(a, b, cosine[a][b]) for a in words for b in words if a < b]
    found = wordpairs.correlations(model.word2vec, [*pairs, ("zzz", words[0], 9.0)])
    assert found.cosine == pytest.approx(1.0, abs=1e-3) and found.known == len(pairs)
    assert -1 < found.information < 1 and -1 < found.outputs < 1
    upside_down = wordpairs.correlations(model.word2vec, [(a, b, -score) for a, b, score in pairs])
    assert upside_down.cosine == pytest.approx(-1.0, abs=1e-3)


def test_the_output_vector_is_the_slope_of_the_probability(model: enricher.Model) -> None:
    """At 0, where every branch has the same share, log p(y|v) grows by half the product with v."""
    words = model.word2vec
    rows = np.arange(5, dtype=np.int32)
    outputs = wordpairs.output_vectors(words, rows)
    step = np.random.default_rng(1).normal(size=words.vectors.shape[1]).astype(np.float32) * 1e-3
    for row, output in zip(rows, outputs, strict=True):
        assert words.tree is not None and words.nodes is not None
        signs = [(1 - 2 * code, words.nodes[node]) for node, code in words.tree.path(int(row))]
        rise = sum(np.log(0.5) * -1 - np.log1p(np.exp(-sign * float(step @ node))) for sign, node in signs)
        assert rise == pytest.approx(0.5 * float(step @ output), rel=1e-2, abs=1e-6)


def test_judgements_are_counted_where_there_are_some() -> None:
    """What nobody has judged is marked, and not counted."""
    judged = {("a", "b"): True, ("a", "c"): False}
    pairs = [("a", "b"), ("a", "c"), ("a", "d")]
    assert related_words.share(pairs, judged) == 0.5 and related_words.share([("a", "d")], judged) == 0.0
    assert [related_words.shown(*pair, judged) for pair in pairs] == ["b", "(c)", "d?"]


def test_the_sheet_is_shuffled_and_the_same_every_time() -> None:
    """So that neither formula nor rank can be seen in it."""
    pairs = {(word, other) for word in "abcdef" for other in "uvwxyz"}
    lines = related_words.sheet(pairs).splitlines()
    assert {tuple(line.split("\t")) for line in lines} == pairs and len(lines) == 36
    assert lines != sorted(lines) and related_words.sheet(pairs).splitlines() == lines


def test_every_judgement_is_of_a_word_of_the_table_and_stands_once() -> None:
    """The file beside the command."""
    lines = related_words.JUDGEMENTS.read_text(encoding="utf-8").splitlines()
    pairs = [tuple(line.split("\t")[:2]) for line in lines]
    assert len(pairs) == len(set(pairs)) == len(related_words.read_judgements())
    assert {word for word, _ in pairs} == set(related_words.WORDS)
    assert {line.split("\t")[2] for line in lines} == {"0", "1"}
