"""Phrases and roles of words, counted in text."""

import math
import random
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

import enricher
from enricher.errors import BundleInvalid
from enricher.model.usage import MAX_PHRASE_WORDS, Role, Usage, key_of, phrase_keys
from enricher.records import Document
from enricher.text import is_lexical, open_analyzer
from enricher.training import mining
from enricher.training.mining import MIN_OCCURRENCES, mine, mine_word_runs


def key_of_phrase(*words: str) -> int:
    """The key by which a phrase is found."""
    keys = np.array([key_of(word) for word in words], np.uint64)
    return int(phrase_keys(keys)[len(words) - 1][0])


def row_of(usage: Usage, *words: str) -> int:
    """The row of a phrase, −1 where it was not kept."""
    return int(usage.find(np.array([key_of_phrase(*words)], np.uint64))[0])


def counted(documents: list[list[list[str]]]) -> dict[tuple[str, ...], tuple[int, float]]:
    """The same by plain loops: phrase → documents and boundary_entropy."""
    places: defaultdict[tuple[str, ...], list[tuple[int, str, str]]] = defaultdict(list)
    for number, runs in enumerate(documents):
        for run_number, words in enumerate(runs):
            beside = [f"|{number}.{run_number}.<", *words, f"|{number}.{run_number}.>"]
            for start in range(len(words)):
                for end in range(start + 1, min(start + MAX_PHRASE_WORDS, len(words)) + 1):
                    if all(map(is_lexical, words[start:end])):
                        places[tuple(words[start:end])].append((number, beside[start], beside[end + 1]))
    return {
        phrase: (
            len({place[0] for place in found}),
            min(entropy([place[1] for place in found]), entropy([place[2] for place in found])),
        )
        for phrase, found in places.items()
        if len(found) >= MIN_OCCURRENCES
    }


def entropy(words: list[str]) -> float:
    """In nats."""
    return -sum(n / len(words) * math.log(n / len(words)) for n in Counter(words).values())


def test_phrases_equal_those_of_a_plain_count() -> None:
    """The kept phrases, their document frequencies and boundary entropies."""
    chance = random.Random(3)
    words = ["事务", "索引", "水", "heat", "transfer", "the", "的", "12"]
    documents = [
        [chance.choices(words, k=chance.randrange(1, 12)) for _ in range(chance.randrange(4))]
        for _ in range(60)
    ]
    usage, wanted = mine_word_runs(documents), counted(documents)
    assert max(map(len, wanted)) >= 3
    assert len(usage.keys) == len(wanted)
    for phrase, (number, boundary_entropy) in wanted.items():
        row = row_of(usage, *phrase)
        assert row >= 0
        assert usage.frequencies[row] == number
        assert usage.boundary_entropy[row] == pytest.approx(boundary_entropy, abs=1e-6)
    assert row_of(usage, "the") == row_of(usage, "的", "事务") == -1


def test_contexts_distinguish_nouns_verbs_and_adjectives() -> None:
    """A noun follows a determiner, a verb precedes one, an adjective precedes another word."""
    line = ["the", "large", "reef", "shows", "a", "pattern", "because", "we", "show", "the", "reef"]
    usage = mine_word_runs([[line]] * 30)
    reef, shows, large = map(usage.roles, ("reef", "shows", "large"))
    assert 0.6 > reef[Role.DETERMINED] > 0.4 > shows[Role.DETERMINED]
    assert shows[Role.VERBAL] > 0.8 > 0.1 > large[Role.VERBAL]
    assert large[Role.BEFORE] > 0.8 and large[Role.AFTER] < 0.1


def test_an_unknown_word_has_the_shares_of_its_ending() -> None:
    """Stabilise is a verb because standardise and realise are; without a likeness it is like all words."""
    lines = [f"we {verb} the reef".split() for verb in ("standardise", "realise", "organise")] * 10
    lines += [f"the {noun} of".split() for noun in ("station", "nation", "motion")] * 10
    usage = mine_word_runs([lines])
    assert usage.roles("stabilise")[Role.VERBAL] > 0.7 > usage.roles("xyz")[Role.VERBAL]
    assert usage.roles("station")[Role.VERBAL] < 0.1
    assert usage.roles("ration")[Role.DETERMINED] > 0.7


def test_documents_past_the_word_limit_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time and memory are bounded for a corpus of any size."""
    monkeypatch.setattr(mining, "MAX_SAMPLE_WORDS", 50)
    assert mine_word_runs([[["事务", "索引"]]] * 1000).documents == 17


def test_documents_without_words_give_empty_tables() -> None:
    """No documents, empty documents, or only stop words."""
    for documents in ([], [[]], [[[]]], [[["the", "of"]]]):
        usage = mine_word_runs(documents)
        assert len(usage.keys) == 0 and row_of(usage, "事务") == -1
        assert usage.roles("reef").shape == (len(Role),)


def test_the_number_of_workers_does_not_change_the_tables(tmp_path: Path) -> None:
    """Opened tables equal the written ones."""
    documents = [
        Document(str(n), {"title": "Heat transfer", "text": f"热传导方程，the heat transfer {n}."})
        for n in range(300)
    ]
    one, two = (mine(documents, ("title", "text"), open_analyzer(), workers) for workers in (1, 2))
    one.write(tmp_path)
    opened = Usage.open(tmp_path, one.documents)
    for other in (two, opened):
        assert other.documents == 300
        for field in ("keys", "frequencies", "boundary_entropy", "role_keys", "role_shares"):
            assert np.array_equal(getattr(one, field), getattr(other, field))
    assert one.frequencies[row_of(one, "heat", "transfer")] == 300


def test_damaged_tables_are_rejected(tmp_path: Path) -> None:
    """They are missing, truncated, or differ in length."""
    usage = mine_word_runs([[["事务", "索引"]]] * 5)
    usage.write(tmp_path)
    np.save(tmp_path / "phrase_freedom.npy", np.zeros(9, np.float32))
    with pytest.raises(BundleInvalid, match="differ in number"):
        Usage.open(tmp_path, 5)
    (tmp_path / "phrase_freedom.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(BundleInvalid, match="cannot be read"):
        Usage.open(tmp_path, 5)
    (tmp_path / "phrase_freedom.npy").unlink()
    with pytest.raises(BundleInvalid, match="cannot be read"):
        Usage.open(tmp_path, 5)


def test_a_trained_model_has_usage_tables(model: enricher.Model) -> None:
    """Its tables are in the bundle, and those of the documents that it was trained on."""
    usage = model.bundle.usage
    assert usage is not None and usage.documents > 0
    assert row_of(usage, "数据库") >= 0
