"""A list of terms to be judged blind: of the ranking and of the contrast alone, mixed.

    enricher vocabulary mine … --limit 100000 --out all.tsv
    python -m benchmarks.blind_terms all.tsv terms.txt key.tsv

terms.txt has the terms in a random order, one a line, for somebody who must not know where they come from.
The judge writes 1 or 0 and a tab before each. `python -m benchmarks.blind_terms --count terms.txt key.tsv`
then counts the true terms of each list.
"""

import random
import sys
from collections import Counter
from pathlib import Path

from enricher.vocabulary.review_file import read_review

DEPTH, SAMPLE, SEED = 500, 100, 20
RANKING, CONTRAST = "ranking", "contrast"


def write_list(mined: Path, terms: Path, key: Path) -> None:
    """Draw SAMPLE terms of the first DEPTH of both lists, and write them mixed, with a key."""
    chance = random.Random(SEED)
    found = read_review(mined).candidates
    by_contrast = sorted(found, key=lambda one: -float(one.evidence["contrast"]))
    drawn: dict[str, list[str]] = {}
    for name, ranked in ((RANKING, found), (CONTRAST, by_contrast)):
        for word in chance.sample([one.word for one in ranked[:DEPTH]], SAMPLE):
            drawn.setdefault(word, []).append(name)
    words = sorted(drawn)
    chance.shuffle(words)
    terms.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    key.write_text("".join(f"{word}\t{','.join(drawn[word])}\n" for word in words), encoding="utf-8")


def count(terms: Path, key: Path) -> dict[str, int]:
    """How many terms of each list were judged true."""
    judged = dict(reversed(line.split("\t", 1)) for line in terms.read_text(encoding="utf-8").splitlines())
    found: Counter[str] = Counter()
    for line in key.read_text(encoding="utf-8").splitlines():
        word, names = line.split("\t")
        for name in names.split(","):
            found[name] += judged[word] == "1"
    return dict(found)


if __name__ == "__main__":
    if sys.argv[1] == "--count":
        print(count(*map(Path, sys.argv[2:])))
    else:
        write_list(*map(Path, sys.argv[1:]))
