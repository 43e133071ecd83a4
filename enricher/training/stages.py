"""The stages of a training. Each stage writes some files of the bundle; a killed training can be resumed.

A stage has a name, the stages whose files it reads, and a marker file `NAME.json`. The marker is written
when all files of the stage are complete, and contains the facts that go into the manifest. A stage with a
marker is not run again.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from enricher.bundle.bundle import read_word2vec, write_word2vec
from enricher.bundle.manifest import TextVectorFacts, UsageFacts
from enricher.decoding import decode_json
from enricher.files import write_atomically
from enricher.model.near_words import build_near_words
from enricher.model.related_table import build_table
from enricher.model.relatedness import Relatedness
from enricher.model.text_vectors.vectors import write_text_vectors
from enricher.model.usage import Usage
from enricher.model.word2vec import Word2Vec
from enricher.text import Lexicon, lexicon_text
from enricher.training.sample import SegmentedSample

Progress = Callable[[str, int, int], None]
"""Called with the current step, the amount done, and the total (0 if unknown)."""

WORD2VEC, RELATED, NEAR, USAGE, TEXT_VECTORS, LEXICON = (
    "word2vec", "related words", "near words", "usage", "text vectors", "lexicon",
)  # fmt: skip
FILES = "bundle"


class Word2VecFacts(msgspec.Struct, frozen=True):
    """What a trained model is besides its arrays."""

    documents: int
    training: Mapping[str, Any]


@dataclass(slots=True)
class Draft:
    """An unfinished bundle.

    folder: contains the markers, and the subfolder of its `files`. facts: what the finished stages returned.
    """

    folder: Path
    progress: Progress
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> Path:
        return self.folder / FILES

    def marker(self, stage: str) -> Path:
        return self.folder / f"{stage.replace(' ', '_')}.json"

    def word2vec(self) -> Word2Vec:
        """The word2vec model that the first stage wrote, memory-mapped."""
        facts: Word2VecFacts = self.facts[WORD2VEC]
        return read_word2vec(self.files, facts.documents, facts.training)

    def reports(self, what: str) -> Callable[[int, int], None]:
        """A progress callback for one stage. what: the name of the step, shown to the user."""
        return lambda done, total: self.progress(what, done, total)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a training.

    inputs: the stages whose files it reads. run: writes its files, and returns the facts for the manifest, of
    the type `facts`, or None.
    """

    name: str
    inputs: tuple[str, ...]
    run: Callable[[Draft], object]
    facts: Any = None


def run_stages(draft: Draft, stages: Sequence[Stage]) -> None:
    """Run the stages without a marker, in order, and collect the facts of all stages in the draft."""
    if not draft.marker(stages[0].name).exists():
        shutil.rmtree(draft.files, ignore_errors=True)
        draft.files.mkdir()
    for stage in stages:
        marker = draft.marker(stage.name)
        if not marker.exists():
            write_atomically(marker, msgspec.json.encode(stage.run(draft)))
        draft.facts[stage.name] = decode_json(stage.facts, marker.read_bytes())


# ------------------------------------------------------------------ the stages


def word2vec_stage(make: Callable[[], Word2Vec]) -> Stage:
    """Write the word2vec model (words, counts, vectors, tree or output vectors) and its neighbor index."""

    def run(draft: Draft) -> object:
        word2vec = make()
        write_word2vec(draft.files, word2vec)
        return Word2VecFacts(word2vec.documents, dict(word2vec.training))

    return Stage(WORD2VEC, (), run, Word2VecFacts)


def related_words_stage() -> Stage:
    """Write the table of related words, if the model has a tree. An interrupted table is resumed."""

    def run(draft: Draft) -> None:
        word2vec = draft.word2vec()
        if word2vec.tree is not None and word2vec.tree.inner_nodes:
            build_table(draft.files, word2vec, Relatedness(), draft.reports("relating words"))

    return Stage(RELATED, (WORD2VEC,), run)


def near_words_stage() -> Stage:
    """Write the table of near words. An interrupted table is resumed."""

    def run(draft: Draft) -> None:
        build_near_words(draft.files, draft.word2vec().vectors, draft.reports("finding near words"))

    return Stage(NEAR, (WORD2VEC,), run)


def usage_stage(mine: Callable[[], Usage]) -> Stage:
    """Write the usage statistics: phrases of the training text, and the contexts of English words."""

    def run(draft: Draft) -> object:
        draft.progress("collecting phrases", 0, 0)
        usage = mine()
        usage.write(draft.files)
        return UsageFacts(usage.documents)

    return Stage(USAGE, (), run, UsageFacts)


def text_vectors_stage(sample: Callable[[], SegmentedSample], real_titles: bool) -> Stage:
    """Write the text vectors, tuned on a sample of the documents; nothing if the sample is too small."""

    def run(draft: Draft) -> object:
        from enricher.training.tuning import tune  # it imports scipy, which takes time

        tuned = tune(draft.word2vec(), sample(), real_titles, draft.reports("tuning"))
        if tuned is None:
            return None
        query, text = (tuned.query_vectors, tuned.query_weights), (tuned.text_vectors, tuned.text_weights)
        write_text_vectors(draft.files, tuned.features, query, text)
        return TextVectorFacts(mean_length=tuned.mean_length, loss=tuned.loss, has_learned=tuned.has_learned)

    return Stage(TEXT_VECTORS, (WORD2VEC,), run, TextVectorFacts | None)


def lexicon_stage(lexicon: Lexicon) -> Stage:
    """Write the user's lexicon, if it has words."""

    def run(draft: Draft) -> None:
        if lexicon.words:
            (draft.files / "lexicon.txt").write_text(lexicon_text(lexicon), encoding="utf-8")

    return Stage(LEXICON, (), run)
