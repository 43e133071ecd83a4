"""Documents some of which hold terms that a general dictionary cuts up."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from enricher.records import Document
from tests.corpora import TOPICS, documents

TERMS = ("变压器故障", "执行合同", "ocean wave", "5G基站")
"""Han words, a phrase with a space, and a word of both scripts."""
SENTENCES = (
    ("昨夜发生变压器故障，调度已经恢复负荷。", "电网"),
    ("法院执行合同，并判决赔偿。", "法律"),
    ("An Ocean  wave moved the vessel near the reef.", "ocean"),
    ("新的5G基站接入电网。", "电网"),
    ("变压器的故障与5G网络的基站都被记录。", "电网"),  # none of the terms
)
"""Each with the topic of the words around it."""
EVERY = 9
"""One document of so many holds a term, or almost."""


def documents_with_terms(number: int) -> Iterator[Document]:
    """Some of the documents are one of the sentences, amid words of its topic."""
    chance = random.Random(2)
    for place, document in enumerate(documents(number)):
        if place % EVERY:
            yield document
        else:
            sentence, topic = SENTENCES[place // EVERY % len(SENTENCES)]
            beside = " ".join(chance.choices(TOPICS[topic], k=8))
            yield Document(document.id, {**document.source, "text": f"{beside}。{sentence} {beside}"})


def write_review(path: Path, words: Sequence[str], state: str = "accept") -> Path:
    """A file of words with one decision."""
    path.write_text("word\tstate\n" + "".join(f"{word}\t{state}\n" for word in words), encoding="utf-8")
    return path
