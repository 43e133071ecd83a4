"""The instruments that measure mining and applying."""

import gzip
import json
from pathlib import Path

import numpy as np

from benchmarks import applying, fitted_vectors, ngram_scale
from enricher.model.neighbors import unit


def test_the_large_text_is_made_of_real_sentences(tmp_path: Path) -> None:
    """It has the size that was asked for, different documents, and is the same every time."""
    corpus = tmp_path / "zh/corpus_one"
    corpus.mkdir(parents=True)
    texts = ["他来了。我走了！\n好吗？完", "It was 3.5 m. Was it? Yes."]
    with gzip.open(corpus / "corpus.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
    sentences = list(ngram_scale._sentences(tmp_path, "zh/corpus_*"))
    assert [one.strip() for one in sentences] == [
        "他来了。", "我走了！", "好吗？", "完", "It was 3.5 m.", "Was it?", "Yes.",
    ]  # fmt: skip
    paths = [tmp_path / name for name in ("one", "other")]
    for path in paths:
        ngram_scale.write(sentences, 20_000, path)
    documents = [json.loads(line) for line in paths[0].read_text(encoding="utf-8").splitlines()]
    written = sum(len(one["text"].encode()) for one in documents)
    assert 20_000 <= written < 21_000 and len({one["text"] for one in documents}) == len(documents)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_n_grams_of_a_file_are_counted(tmp_path: Path) -> None:
    """In characters and in words."""
    path = tmp_path / "documents.jsonl"
    path.write_text(json.dumps({"text": "深海热泉 green tea leaves。"}) + "\n", encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8") * 6, encoding="utf-8")
    han = ngram_scale.count("Chinese, characters", path)
    assert (han["tokens"], han["ngrams"]) == (24, 4 + 3 + 2 + 1)
    latin = ngram_scale.count("English, words", path)
    assert latin["tokens"] == 30 and latin["least"][:3] == [6, 6, 6]


def test_documents_with_a_word_are_compared_and_some_others() -> None:
    """Whatever the case, and with a space within the word."""
    documents = [{"text": text} for text in ("用 5G 基站", "五个基站", "ＴＣＰ连接", "别的")]
    found = applying._compared(["5g基站", "tcp连接"], documents)
    assert found[:2] == [documents[0], documents[2]]
    assert len(found) == 4


def test_the_trained_vector_shares_all_of_its_nearest_words() -> None:
    """And the opposite one shares none of them, of more than twice ten words."""
    units = unit(np.random.default_rng(1).normal(size=(30, 4)).astype(np.float32))
    pairs = [(row, np.zeros(1, np.int32)) for row in range(5)]
    assert fitted_vectors._shared(units, pairs, units[:5]).startswith("1.000")
    assert fitted_vectors._shared(units, pairs, -units[:5]).startswith("0.000")
