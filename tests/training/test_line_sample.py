"""The random sample of lines: uniform, reproducible, bounded on disk."""

from pathlib import Path

import pytest

from enricher.training import line_sample
from enricher.training.line_sample import JoinedLines, LineSample


def sample(folder: Path, lines: list[str], max_tokens: int) -> JoinedLines:
    """The joined sample of some lines."""
    folder.mkdir(exist_ok=True)
    with LineSample(folder, max_tokens) as kept:
        for line in lines:
            kept.add(line)
        return kept.join()


def numbered(number: int, words: int = 5) -> list[str]:
    """Different lines of as many words."""
    return [" ".join([f"w{n}"] * words) for n in range(number)]


def read(joined: JoinedLines) -> list[str]:
    return joined.path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("max_tokens", [0, 500_000, 10**12])
def test_without_a_bound_or_below_it_every_line_is_kept_once(tmp_path: Path, max_tokens: int) -> None:
    """In another order."""
    lines = numbered(3000)
    joined = sample(tmp_path, lines, max_tokens)
    found = read(joined)
    assert found != lines and sorted(found) == sorted(lines)
    assert (joined.lines, joined.tokens) == (3000, 15_000)
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.txt"]


@pytest.mark.parametrize("max_tokens", [100, 1_000, 7_003, 49_999])
def test_a_sample_has_as_many_words_as_asked_for(tmp_path: Path, max_tokens: int) -> None:
    """Up to the length of the next line, and no line twice."""
    lines = numbered(10_000)
    joined = sample(tmp_path, lines, max_tokens)
    found = read(joined)
    assert max_tokens - 5 < joined.tokens <= max_tokens
    assert joined.tokens == sum(len(line.split()) for line in found)
    assert len(set(found)) == len(found) == joined.lines
    assert set(found) <= set(lines)
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.txt"]


def test_a_sample_is_uniform_over_a_sorted_corpus(tmp_path: Path) -> None:
    """Every tenth of 50,000 lines gives about a tenth of the sample, and so does every tenth of its order."""
    number, size = 50_000, 5_000
    found = [int(line.split()[0][1:]) for line in read(sample(tmp_path, numbered(number, 1), size))]
    assert len(found) == size
    tenths = [0] * 10
    for place in found:
        tenths[place * 10 // number] += 1
    # The count of a tenth has a standard deviation of 20: six of them.
    assert all(380 < count < 620 for count in tenths), tenths
    first_half = found[: size // 2]
    assert 0.45 < sum(place < number // 2 for place in first_half) / len(first_half) < 0.55


def test_words_of_long_and_short_lines_are_equally_likely(tmp_path: Path) -> None:
    """Half of the words in lines of 100, half in lines of 2: so it is in the sample."""
    lines = [" ".join(["long"] * 100)] * 2_000 + [" ".join(["short"] * 2)] * 100_000
    found = " ".join(read(sample(tmp_path, lines, 100_000))).split()
    assert 0.45 < found.count("long") / len(found) < 0.55


def test_a_smaller_sample_is_a_part_of_a_larger_one(tmp_path: Path) -> None:
    """The same lines first: so figures of samples of several sizes can be compared."""
    lines = numbered(20_000)
    small, large = (read(sample(tmp_path / str(size), lines, size)) for size in (4_000, 40_000))
    assert large[: len(small)] == small


def test_the_same_lines_give_the_same_sample(tmp_path: Path) -> None:
    """Byte by byte."""
    lines = numbered(5_000)
    one, two = (sample(tmp_path / name, lines, 3_000).path.read_bytes() for name in ("one", "two"))
    assert one == two


def test_the_disk_holds_little_more_than_the_sample(tmp_path: Path) -> None:
    """At every moment of a corpus fifty times as long: twice the sample, one pile and buffers."""
    lines, size = numbered(40_000, 25), 20_000
    bytes_of_word = 6
    largest = 0
    with LineSample(tmp_path, size) as kept:
        for number, line in enumerate(lines):
            kept.add(line)
            if number % 97 == 0:
                largest = max(largest, sum(path.stat().st_size for path in tmp_path.iterdir()))
        assert len(list(tmp_path.iterdir())) <= line_sample.PILES
        joined = kept.join()
    assert joined.tokens == size
    assert largest < 2 * size * bytes_of_word + line_sample.PILES * 8192


@pytest.mark.parametrize("max_tokens", [1, 10])
def test_a_sample_smaller_than_every_line_has_one_line(tmp_path: Path, max_tokens: int) -> None:
    """So that there is always something to learn from."""
    joined = sample(tmp_path, numbered(1_000, 100), max_tokens)
    assert (joined.lines, joined.tokens) == (1, 100)


def test_words_of_any_characters_come_back(tmp_path: Path) -> None:
    """Also characters that Python, but no text file, takes for the end of a line."""
    lines = ["数据库 事务", "a\x85b c\u2028d", "é 😀", "x\x0by"]
    joined = sample(tmp_path, lines, 0)
    assert sorted(joined.path.read_text(encoding="utf-8").split("\n")) == sorted([*lines, ""])


def test_an_error_closes_all_files(tmp_path: Path) -> None:
    """The folder can be removed by whoever made it."""
    kept = LineSample(tmp_path, 10)
    with pytest.raises(ValueError, match="stopped"), kept:
        kept.add("a b")
        raise ValueError("stopped")
    with pytest.raises(ValueError, match="closed"):
        for _ in range(100):
            kept.add("a b")
