"""The stages by which a bundle is made: each writes some files, and a killed training goes on after the last.

A stage has a name, the stages whose files it reads, and a marker: `NAME.json` beside the files, written when
all files of the stage are whole, with the facts that the manifest records of them. Stages that are marked are
not run again. A bundle that is derived from another begins with the other's files, and runs the stages whose
inputs have changed.
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
from enricher.training.sample import CutSample

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and of how much (0: not known)."""

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
    """A bundle that is being made.

    folder: holds the markers, and in `files` the files of the bundle. facts: what the stages that are done
    answered.
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
        """The words and weights that the first stage wrote, their arrays mapped."""
        facts: Word2VecFacts = self.facts[WORD2VEC]
        return read_word2vec(self.files, facts.documents, facts.training)

    def reports(self, what: str) -> Callable[[int, int], None]:
        """The progress of one stage, under the words that a user sees."""
        return lambda done, total: self.progress(what, done, total)


@dataclass(frozen=True, slots=True)
class Stage:
    """One step.

    inputs: the stages whose files it reads. run: writes its files, and answers the facts for the manifest, of
    the type `facts`, or None.
    """

    name: str
    inputs: tuple[str, ...]
    run: Callable[[Draft], object]
    facts: Any = None


def run_stages(draft: Draft, stages: Sequence[Stage]) -> None:
    """Run the stages that are not marked as done, in order; facts of all of them are in the draft then."""
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
    """Words, counts, vectors and the tree or the output vectors; their index of neighbours."""

    def run(draft: Draft) -> object:
        word2vec = make()
        write_word2vec(draft.files, word2vec)
        return Word2VecFacts(word2vec.documents, dict(word2vec.training))

    return Stage(WORD2VEC, (), run, Word2VecFacts)


def related_words_stage() -> Stage:
    """The table of related words, where the model has a tree. A table that was begun is completed."""

    def run(draft: Draft) -> None:
        word2vec = draft.word2vec()
        if word2vec.tree is not None and word2vec.tree.inner_nodes:
            build_table(draft.files, word2vec, Relatedness(), draft.reports("relating words"))

    return Stage(RELATED, (WORD2VEC,), run)


def near_words_stage() -> Stage:
    """The words near every word by cosine. A table that was begun is completed."""

    def run(draft: Draft) -> None:
        build_near_words(draft.files, draft.word2vec().vectors, draft.reports("finding near words"))

    return Stage(NEAR, (WORD2VEC,), run)


def usage_stage(mine: Callable[[], Usage]) -> Stage:
    """Which phrases the words form in the training text, and in what company they stand."""

    def run(draft: Draft) -> object:
        draft.progress("collecting phrases", 0, 0)
        usage = mine()
        usage.write(draft.files)
        return UsageFacts(usage.documents)

    return Stage(USAGE, (), run, UsageFacts)


def text_vectors_stage(sample: Callable[[], CutSample], real_titles: bool) -> Stage:
    """The vectors of texts, tuned on a sample of the documents; no file where it is too small."""

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
    """The user's own words, where there are any."""

    def run(draft: Draft) -> None:
        if lexicon.words:
            (draft.files / "lexicon.txt").write_text(lexicon_text(lexicon), encoding="utf-8")

    return Stage(LEXICON, (), run)
