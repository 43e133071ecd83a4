"""The dictionary of the package jieba: Chinese words with their frequencies and part-of-speech tags."""

from dataclasses import dataclass
from functools import cache

from enricher.text.normalize import normalize
from enricher.text.segmentation import dictionary_file


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Frequencies and tags by word. total: the sum of the frequencies."""

    frequencies: dict[str, int]
    tags: dict[str, str]
    total: int


@cache
def dictionary() -> Dictionary:
    """Read the dictionary, once."""
    frequencies: dict[str, int] = {}
    tags: dict[str, str] = {}
    with dictionary_file("jieba").open(encoding="utf-8") as lines:
        for line in lines:
            word, frequency, tag = line.split()
            name = normalize(word)
            frequencies[name] = int(frequency)
            tags[name] = tag
    return Dictionary(frequencies, tags, sum(frequencies.values()))
