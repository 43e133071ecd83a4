"""The segmented corpus."""

from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import pytest

from enricher import parallel
from enricher.errors import TrainingFailed
from enricher.records import Document
from enricher.text import Lexicon, open_analyzer
from enricher.training.corpus import MAX_LINE_WORDS, SegmentedCorpus, segment
from tests.corpora import documents

FIELDS = ("title", "text")


def test_every_content_word_is_written_and_counted_once(tmp_path: Path) -> None:
    """Counts, document frequencies and the file tell the same."""
    stream = list(documents(50))
    corpus = segment(stream, FIELDS, open_analyzer(), tmp_path)
    analyzer = open_analyzer()
    expected = [[word for field in FIELDS for word in analyzer.content_words(d.text(field))] for d in stream]
    written = corpus.path.read_text(encoding="utf-8").split()
    assert sorted(written) == sorted(word for words in expected for word in words)
    assert corpus.counts.total() == corpus.tokens == len(written)
    assert corpus.document_frequencies["ocean"] == sum("ocean" in words for words in expected)
    assert (corpus.documents, corpus.language) == (50, "zh")
    assert corpus.lines == len(corpus.path.read_text(encoding="utf-8").splitlines())
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.txt"]


def test_the_order_of_the_documents_is_lost_and_reproducible(tmp_path: Path) -> None:
    """Sorted sources must not leave the model fitted to the last of them."""
    stream = [Document(str(n), {"text": f"word{n:04}x"}) for n in range(2000)]
    orders = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        orders.append(segment(stream, ("text",), open_analyzer(), tmp_path / name).path.read_text().split())
    assert orders[0] == orders[1]
    late = sum(int(word[4:8]) >= 1000 for word in orders[0][:1000])
    assert 400 < late < 600


def test_a_sample_is_learned_from_and_everything_is_counted(tmp_path: Path) -> None:
    """Only the file is smaller; backgrounds are sampled like documents."""
    corpora = []
    for max_tokens in (0, 1000):
        folder = tmp_path / str(max_tokens)
        folder.mkdir()
        backgrounds = [Document(f"b{n}", {"text": "background words here"}) for n in range(200)]
        stream = documents(200)
        corpora.append(
            segment(stream, FIELDS, open_analyzer(), folder, backgrounds=backgrounds, max_tokens=max_tokens)
        )
    whole, sampled = corpora
    written = Counter(sampled.path.read_text(encoding="utf-8").split())
    assert sampled.learned_counts == written and written.total() == sampled.learned_tokens
    assert 900 < sampled.learned_tokens <= 1000 < whole.learned_tokens == whole.tokens
    assert "background" in written and "ocean" in written
    learned = {"path", "lines", "learned_counts", "learned_tokens"}
    for field in fields(SegmentedCorpus):
        same = getattr(whole, field.name) == getattr(sampled, field.name)
        assert same == (field.name not in learned), field.name
    assert whole.counts == whole.learned_counts


@pytest.mark.parametrize("max_tokens", [0, 1000])
@pytest.mark.usefixtures("eager_workers")
def test_workers_change_nothing_in_the_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, max_tokens: int
) -> None:
    """File, counts in their order, and fingerprint are the same: so is the model then."""
    monkeypatch.setattr(parallel, "BATCH_DOCUMENTS", 16)
    lexicon = Lexicon.of(["分布式事务", "tide table"])
    corpora = []
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        folder.mkdir()
        analyzer = open_analyzer(lexicon=lexicon)
        corpora.append(segment(documents(200), FIELDS, analyzer, folder, workers, max_tokens=max_tokens))
    one, two = corpora
    assert one.path.read_bytes() == two.path.read_bytes()
    assert list(one.counts.items()) == list(two.counts.items())
    assert one.document_frequencies == two.document_frequencies
    assert replace(one, path=two.path) == two


def test_long_documents_are_parted_into_lines(tmp_path: Path) -> None:
    """So that no line is cut by the training library, and long documents are mixed too."""
    text = "ocean tide " * MAX_LINE_WORDS
    corpus = segment([Document("1", {"text": text})], ("text",), open_analyzer(), tmp_path)
    assert corpus.lines == 2
    assert {len(line.split()) for line in corpus.path.read_text().splitlines()} == {MAX_LINE_WORDS}


def test_the_fingerprint_follows_ids_and_texts(tmp_path: Path) -> None:
    """Another order, id or text is another corpus; another field of the source is not."""

    def fingerprint(*stream: Document) -> str:
        return segment(stream, ("text",), open_analyzer(), tmp_path).fingerprint

    first, second = Document("1", {"text": "ocean"}), Document("2", {"text": "tide"})
    assert fingerprint(first, second) == fingerprint(Document("1", {"text": "ocean", "more": 1}), second)
    assert len({fingerprint(first, second), fingerprint(second, first), fingerprint(first)}) == 3


def test_nothing_to_learn_from_is_a_sentence(tmp_path: Path) -> None:
    """With the number of documents."""
    with pytest.raises(TrainingFailed, match="2 documents"):
        segment([Document("1", {"text": ""}), Document("2", {})], FIELDS, open_analyzer(), tmp_path)
