"""The collections on which relevance is measured, made from the evaluation data.

Judged ones are taken as they are. Collections of known items are made from texts that have titles: a
query is a title, and relevant is the one text that it came from, which is indexed without it; in their
harder form only the last third of every text is indexed. Changed ones are judged collections whose
texts lost something that the models learn from: sentence marks, real titles, or all but one sentence.
"""

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from enricher.errors import SourceError
from enricher.text import open_analyzer
from enricher.text.scripts import HAN

JUDGED, KNOWN_ITEMS, CHANGED = "judged", "known items", "changed"
"""The kinds of collections."""

MOST_QUERIES = 1_000
MOST_DOCUMENTS = 60_000
NEWS = 8_000
"""Documents of the news, which are drawn at random."""
SEED = 5

FEWEST_TITLE_WORDS = 2
SHORTEST_TEXT = 40
LONGEST_TAIL = 400
LABELS = 200
"""Titles that are labels are numbered up to this, then from one again."""

SENTENCE = re.compile(rf".+?(?:[。！？；]+|[.!?;]+(?=[\s{HAN}]|$)|\n+|$)", re.DOTALL)
MARKS = re.compile(r"[^\w\s]|_")
OPENINGS = (
    "The|An?|In|This|These|We|It|For|With|To|On|As|At|By|Of|If|Our|Two|From|When|While|There|Many|Most|Some"
    "|Several|Given|Since|Recent|Recently|Using|Based|Although|One|New|Presents|Describes|Discusses"
    "|Considers|Proposes|Investigates|Addresses|Examines|Reports|Deals|Studies|Due"
)
TITLE_AND_TEXT = re.compile(rf"(?P<title>\S+(?: \S+){{2,24}}?) (?P<text>(?:{OPENINGS}) .+)", re.DOTALL)
"""A title in lower case that runs into its text: the first capital of a word that opens sentences."""


@dataclass(frozen=True, slots=True)
class Item:
    """A document; the title is empty where there is none."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a collection holds. queries: id → text; judgements: query id → document id → grade."""

    documents: tuple[Item, ...]
    queries: Mapping[str, str]
    judgements: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class CollectionRecipe:
    """How a collection is made from the evaluation data.

    texts: where its documents come from; collections of the same texts are no proof of each other.
    """

    name: str
    kind: str
    texts: str
    make: Callable[[Path], Contents]

    def backgrounds(self, data: Path) -> list[Path]:
        """The corpora of its language, but for that of its own texts."""
        language = self.name.partition("/")[0]
        found = sorted((data / language).glob("corpus_*/corpus.jsonl.gz"))
        return [path for path in found if path.parent != data / self.texts]


def judged(folder: str, qrels: str, data: Path) -> Contents:
    """A judged collection, with the queries that have a relevant document in it."""
    documents = tuple(read_items(data / folder / "docs.jsonl.gz"))
    texts = {str(line["id"]): str(line["text"]) for line in read_lines(data / folder / "queries.jsonl.gz")}
    judgements: dict[str, dict[str, int]] = {}
    for line in opened(data / folder / qrels).read_text(encoding="utf-8").splitlines():
        query, _, document, grade = line.split()
        judgements.setdefault(query, {})[document] = int(grade)
    there = {item.id for item in documents}
    found = {
        query: grades
        for query, grades in judgements.items()
        if query in texts and any(grade > 0 and name in there for name, grade in grades.items())
    }
    return Contents(documents, {query: texts[query] for query in found}, found)


def known_items(file: str, most: int | None, data: Path) -> Contents:
    """Titles as queries; `most` documents are drawn at random where the number is given."""
    items = [parted(item) for item in read_items(data / file)]
    if most is not None and len(items) > most:
        items = random.Random(SEED).sample(items, most)
    often = Counter(item.title for item in items)
    analyzer = open_analyzer()
    queries = {
        item.id: item.title
        for item in items
        if often[item.title] == 1
        and len(item.text) > SHORTEST_TEXT
        and len(set(analyzer.content_words(item.title))) >= FEWEST_TITLE_WORDS
    }
    documents = tuple(replace(item, title="") for item in items)
    return Contents(documents, queries, {name: {name: 1} for name in queries})


def parted(item: Item) -> Item:
    """Title and text apart where they run together, or where the text begins with the title."""
    text = item.text.strip()
    if item.title:
        return replace(item, text=text.removeprefix(item.title).lstrip())
    found = TITLE_AND_TEXT.match(text)
    return replace(item, title=found["title"], text=found["text"]) if found else item


def tail(text: str) -> str:
    """The last third of the sentences, at least one, cut to LONGEST_TAIL characters."""
    found = sentences(text)
    return "".join(found[-max(1, len(found) // 3) :])[:LONGEST_TAIL]


def sentences(text: str) -> list[str]:
    """The sentences of a text, with their marks."""
    return [sentence for sentence in SENTENCE.findall(text) if sentence.strip()]


def tails(contents: Contents) -> Contents:
    """Only the ends of the texts."""
    return changed(contents, lambda place, item: replace(item, text=tail(item.text)))


def without_marks(contents: Contents) -> Contents:
    """Texts without punctuation and line breaks."""
    return changed(
        contents, lambda place, item: replace(item, text=" ".join(MARKS.sub(" ", item.text).split()))
    )


def first_sentences(most: int, contents: Contents) -> Contents:
    """The first sentence of every text, `most` characters of it, without a title."""

    def first(place: int, item: Item) -> Item:
        return replace(item, title="", text=next(iter(sentences(item.text)), "")[:most])

    return changed(contents, first)


def with_labels(form: str, contents: Contents) -> Contents:
    """Titles that are numbered labels, as of the articles of a law; a real title goes into the text."""

    def label(place: int, item: Item) -> Item:
        known = item.text.startswith(item.title)
        text = item.text if known else f"{item.title}\n{item.text}"
        return replace(item, title=form.format(place % LABELS + 1), text=text)

    return changed(contents, label)


def changed(contents: Contents, change: Callable[[int, Item], Item]) -> Contents:
    """The same queries on other documents; `change` gets the place and the document."""
    documents = (change(place, item) for place, item in enumerate(contents.documents))
    return replace(contents, documents=tuple(documents))


def bounded(contents: Contents, queries: int = MOST_QUERIES, documents: int = MOST_DOCUMENTS) -> Contents:
    """Not more queries and documents than that, drawn at random; judged documents stay."""
    names = sorted(contents.queries)
    if len(names) > queries:
        names = sorted(random.Random(SEED).sample(names, queries))
    judgements = {name: contents.judgements[name] for name in names}
    kept = contents.documents
    if len(kept) > documents:
        judged_ids = {document for grades in judgements.values() for document in grades}
        others = [item.id for item in kept if item.id not in judged_ids]
        drawn = random.Random(SEED).sample(others, max(0, documents - (len(kept) - len(others))))
        ids = judged_ids.union(drawn)
        kept = tuple(item for item in kept if item.id in ids)
    return Contents(kept, {name: contents.queries[name] for name in names}, judgements)


def write(contents: Contents, folder: Path) -> None:
    """The files that `enricher evaluate` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(
        folder / "docs.jsonl",
        (
            {"id": item.id, "text": item.text} | ({"title": item.title} if item.title else {})
            for item in contents.documents
        ),
    )
    write_lines(
        folder / "queries.jsonl", ({"id": name, "text": text} for name, text in contents.queries.items())
    )
    with (folder / "qrels.tsv").open("w", encoding="utf-8") as file:
        for query, grades in contents.judgements.items():
            file.writelines(f"{query}\t0\t{document}\t{grade}\n" for document, grade in grades.items())


def write_lines(path: Path, lines: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def opened(path: Path) -> Path:
    """The path. Raises SourceError where nothing is there."""
    if not path.is_file():
        raise SourceError(f"The evaluation data is not complete: there is no file {str(path)!r}.")
    return path


def read_lines(path: Path) -> list[dict[str, object]]:
    with gzip.open(opened(path), "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def read_items(path: Path) -> list[Item]:
    return [
        Item(str(line["id"]), str(line.get("title") or "").strip(), str(line["text"]))
        for line in read_lines(path)
    ]


Make = Callable[[Path], Contents]
Change = Callable[[Contents], Contents]


def _judged() -> list[CollectionRecipe]:
    qrels = {"en/ir_scifact": "qrels_test.tsv", "en/ir_cranfield": "qrels_no_source_docs.tsv"}
    texts = {"zh/ir_cmrc2018": "zh/corpus_wiki"}
    folders = (
        *("zh/ir_stard_law", "zh/ir_sogou_qa", "zh/ir_cmrc2018", "zh/ir_lcqmc"),
        *("en/ir_scifact", "en/ir_cranfield", "en/techdocs_opensearch"),
    )
    return [
        CollectionRecipe(
            folder, JUDGED, texts.get(folder, folder), partial(judged, folder, qrels.get(folder, "qrels.tsv"))
        )
        for folder in folders
    ]


def _known_items() -> list[CollectionRecipe]:
    files = {
        "zh/kw_csl": "docs.jsonl.gz",
        "en/kw_inspec": "docs.jsonl.gz",
        "zh/corpus_wiki": "corpus.jsonl.gz",
        "zh/corpus_news": "corpus.jsonl.gz",
    }
    found = []
    for folder, file in files.items():
        make = partial(known_items, f"{folder}/{file}", NEWS if folder == "zh/corpus_news" else None)
        found.append(CollectionRecipe(f"{folder}-titles", KNOWN_ITEMS, folder, make))
        found.append(CollectionRecipe(f"{folder}-tails", KNOWN_ITEMS, folder, _then(make, tails)))
    return found


def _changed(recipe: CollectionRecipe, label: str, longest: int) -> list[CollectionRecipe]:
    changes: dict[str, Change] = {
        "unmarked": without_marks,
        "labels": partial(with_labels, label),
        "first": partial(first_sentences, longest),
    }
    return [
        replace(recipe, name=f"{recipe.name}-{name}", kind=CHANGED, make=_then(recipe.make, change))
        for name, change in changes.items()
    ]


def _then(make: Make, change: Change) -> Make:
    return lambda data: change(make(data))


def _all() -> dict[str, CollectionRecipe]:
    """All collections by their names."""
    found = {recipe.name: recipe for recipe in [*_judged(), *_known_items()]}
    chinese = _changed(found["zh/ir_sogou_qa"], "第{}条", 30)
    english = _changed(found["en/ir_scifact"], "Section {}", 150)
    return found | {recipe.name: recipe for recipe in [*chinese, *english]}


COLLECTIONS = _all()
