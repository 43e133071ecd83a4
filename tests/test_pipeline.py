"""From documents to an index, on the embedded engine."""

import multiprocessing
import pickle
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import enricher
from enricher import parallel
from enricher.bundle.store import BundleStore
from enricher.enrichment import DocumentEnricher, EnricherRecipe
from enricher.errors import EngineUnavailable, IndexConflict, SourceError
from enricher.plugins import PluginContext, load_enrichments
from enricher.recipe.differences import difference
from enricher.records import (
    Document,
    FieldKind,
    IndexLayout,
    Rejection,
    SearchEngine,
    SearchRequest,
    fingerprint,
)
from enricher.search.opened import open_index
from enricher.settings import IndexConfiguration
from enricher.text import Analyzer, open_analyzer
from enricher.training.train import train_bundle
from indexer.engines import open_engine
from indexer.engines.fields import Preparation, Prepared
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.pipeline import index_documents, prepare_index
from tests.conftest import SMALL
from tests.corpora import documents

FIELDS = ("title", "text")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[SearchEngine]:
    """An embedded engine in a folder of its own."""
    opened = open_engine(f"tantivy:{tmp_path / 'index'}")
    yield opened
    opened.close()


@pytest.fixture
def chain(models: Path, model: enricher.Model) -> DocumentEnricher:
    """The default enrichments on the small model."""
    return EnricherRecipe(models, model.version, FIELDS, IndexConfiguration()).open()


def test_every_document_is_read_or_rejected(engine: SearchEngine, chain: DocumentEnricher) -> None:
    """Read = written + rejected, and what was rejected is handed over."""
    prepare_index(engine, "docs", chain.layout())
    seen: list[Rejection] = []
    stream = [*documents(20), Rejection("x.jsonl:4", "bad", "{"), *documents(25)]
    report = index_documents(engine, "docs", stream, chain, seen.append)
    assert (report.written, report.rejected, report.duplicates) == (45, 1, 20)
    assert [item.where for item in seen] == ["x.jsonl:4"]
    assert engine.count("docs") == 25


def test_of_equal_ids_the_last_wins_also_across_batches(
    engine: SearchEngine, chain: DocumentEnricher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the size of a batch."""
    monkeypatch.setattr(parallel, "BATCH_DOCUMENTS", 2)
    prepare_index(engine, "docs", chain.layout())
    stream = [Document("a", {"text": f"version {n}"}) for n in range(5)] + [Document("b", {"text": "other"})]
    report = index_documents(engine, "docs", stream, chain, lambda _: None)
    assert report.duplicates == 4
    assert {d.id: d.source["text"] for d in engine.read("docs")} == {"a": "version 4", "b": "other"}


def test_the_enrichment_names_its_model_and_the_text_it_was_made_from(chain: DocumentEnricher) -> None:
    """So that staleness can be seen."""
    document = Document("1", {"title": "事务", "text": "索引", "other": 1})
    (added,) = chain.enrich([document])
    assert added["model"] == chain.model_version
    assert added["fingerprint"] == fingerprint(document, FIELDS)
    moved = Document("1", {"title": "事务索引", "text": ""})
    assert fingerprint(moved, FIELDS) != fingerprint(document, FIELDS)
    assert fingerprint(Document("2", dict(document.source) | {"other": 2}), FIELDS) == fingerprint(
        document, FIELDS
    )


def test_an_index_of_another_model_or_other_fields_is_refused(
    engine: SearchEngine, chain: DocumentEnricher
) -> None:
    """Versions are never mixed in silence."""
    prepare_index(engine, "docs", chain.layout())
    prepare_index(engine, "docs", chain.layout())
    other = DocumentEnricher(chain.analyzer, FIELDS, chain.enrichments, "another-version")
    with pytest.raises(IndexConflict, match="another-version"):
        prepare_index(engine, "docs", other.layout())
    fewer = DocumentEnricher(chain.analyzer, FIELDS, chain.enrichments[:1], chain.model_version)
    with pytest.raises(IndexConflict, match="its plug-ins are"):
        prepare_index(engine, "docs", fewer.layout())


def test_an_index_without_a_model_has_a_sentence_of_its_own(
    engine: SearchEngine, chain: DocumentEnricher
) -> None:
    """And so has one with a model that is to get documents without: both name the option."""
    plain = DocumentEnricher(chain.analyzer, FIELDS, chain.enrichments, None)
    prepare_index(engine, "plain", plain.layout())
    with pytest.raises(IndexConflict, match=r"'plain' was made without a model: add --no-enrichment, or"):
        prepare_index(engine, "plain", chain.layout())
    prepare_index(engine, "docs", chain.layout())
    with pytest.raises(IndexConflict, match=f"'docs' .*{chain.model_version}: omit --no-enrichment, or"):
        prepare_index(engine, "docs", plain.layout())


class LateEngine(TantivyEngine):
    """An engine that first sees no index, because another process makes it just afterwards."""

    asked = 0

    def exists(self, index: str) -> bool:
        self.asked += 1
        return self.asked > 1 and super().exists(index)


def test_an_index_that_another_process_made_meanwhile_is_taken(
    engine: SearchEngine, chain: DocumentEnricher, tmp_path: Path
) -> None:
    """It is checked as one that was there; a name that is taken otherwise is still refused."""
    engine.create("docs", chain.layout())
    late = LateEngine(tmp_path / "index")
    prepare_index(late, "docs", chain.layout())
    other = DocumentEnricher(chain.analyzer, FIELDS, chain.enrichments, "another-version")
    with pytest.raises(IndexConflict, match="another-version"):
        prepare_index(LateEngine(tmp_path / "index"), "docs", other.layout())


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), SourceError("The file ends in the middle.")])
def test_what_was_written_stays_when_the_reading_ends_early(
    engine: SearchEngine, chain: DocumentEnricher, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    """After an interrupt, or documents that cannot be read, what was said to be written is there."""
    monkeypatch.setattr(parallel, "BATCH_DOCUMENTS", 10)
    prepare_index(engine, "docs", chain.layout())
    said: list[int] = []
    kept: list[int] = []

    def stream() -> Iterator[Document]:
        yield from documents(35)
        raise failure

    with pytest.raises(type(failure)):
        index_documents(engine, "docs", stream(), chain, lambda _: None, said.append, on_failure=kept.append)
    assert said == [10, 20, 30]
    assert kept == [30] and engine.count("docs") == 30


def test_after_a_full_disk_the_documents_that_are_there_are_told(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those that were written and are lost; with more room the same again writes all of them."""
    monkeypatch.setattr(parallel, "BATCH_DOCUMENTS", 20)
    enricher = EnricherRecipe(small_disk, None, FIELDS, IndexConfiguration(enrichments=("tokens",))).open()
    chance, ballast = random.Random(5), small_disk / "ballast"
    words = [[f"{chance.getrandbits(40):x}" for _ in range(500)] for _ in range(400)]

    def stream() -> Iterator[Document]:
        for number, text in enumerate(words):
            yield Document(str(number % 390), {"text": " ".join(text)})

    kept: list[int] = []
    for index, seconds in (("often", 0.0), ("never", 1e9)):  # a commit after every batch, and none
        opened = TantivyEngine(small_disk / "index", heap_bytes=15_000_000, commit_seconds=seconds)
        prepare_index(opened, index, enricher.layout())
        ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 1_200_000))
        with pytest.raises(EngineUnavailable, match="is full"):
            index_documents(opened, index, stream(), enricher, lambda _: None, on_failure=kept.append)
        assert kept[-1] == opened.count(index)
        opened.close()
        ballast.unlink()
        opened = TantivyEngine(small_disk / "index", heap_bytes=15_000_000)
        report = index_documents(opened, index, stream(), enricher, lambda _: None)
        assert report.distinct == opened.count(index) == 390
        opened.close()
        opened.drop(index)
    assert kept[0] > 0 and kept[1] == 0


class Recorder(TantivyEngine):
    """An engine that also keeps what it was given, in order."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.given: list[Prepared | Rejection] = []

    def write_prepared(self, index: str, prepared: Preparation) -> list[Rejection]:
        for some in prepared:
            self.given += some
        return super().write_prepared(index, prepared)


@pytest.mark.usefixtures("eager_workers")
def test_workers_change_nothing_in_the_index(
    chain: DocumentEnricher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same documents with the same enrichment, written in the same order; of equal ids the last wins."""
    monkeypatch.setattr(parallel, "BATCH_DOCUMENTS", 16)
    odd = {"id": "odd", "title": "事务", "text": None, "list": [1, 2.5, None, {"a": True}], "n": 2**70}
    stream = [*documents(150), Document("odd", odd), Rejection("x:1", "bad", "{"), *documents(120, seed=8)]
    given, reports, seen = [], [], []
    for workers in (1, 2):
        engine = Recorder(tmp_path / f"index-{workers}")
        prepare_index(engine, "docs", chain.layout())
        rejected: list[Rejection] = []
        report = index_documents(engine, "docs", stream, chain, rejected.append, workers=workers)
        given.append(engine.given)
        reports.append((report.written, report.rejected, report.distinct, report.duplicates))
        seen.append((rejected, {d.id: d.source for d in engine.read("docs")}))
        engine.close()
    assert given[0] == given[1] and len(given[0]) == 271
    assert reports[0] == reports[1] and seen[0] == seen[1]


@pytest.mark.usefixtures("eager_workers")
def test_what_was_written_stays_when_workers_are_at_it(
    engine: SearchEngine, chain: DocumentEnricher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt ends them, and all that was said to be written is there."""
    monkeypatch.setattr(parallel, "BATCH_DOCUMENTS", 10)
    prepare_index(engine, "docs", chain.layout())
    said: list[int] = []

    def progress(written: int) -> None:
        said.append(written)
        if written == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_documents(engine, "docs", documents(300), chain, lambda _: None, progress, workers=2)
    assert multiprocessing.active_children() == []
    assert said == [10, 20, 30] and engine.count("docs") == 30


def test_only_what_a_recipe_opened_is_copied_to_a_worker(chain: DocumentEnricher) -> None:
    """The copy enriches alike; plug-ins themselves are never copied."""
    stream = list(documents(5))
    assert pickle.loads(pickle.dumps(chain)).enrich(stream) == chain.enrich(stream)
    by_hand = DocumentEnricher(chain.analyzer, FIELDS, chain.enrichments, chain.model_version)
    with pytest.raises(TypeError, match="opened from a recipe"):
        pickle.dumps(by_hand)


def test_the_report_tells_documents_from_repetitions(engine: SearchEngine, chain: DocumentEnricher) -> None:
    """Distinct documents are those that the index got; the refused are none of them."""
    prepare_index(engine, "docs", chain.layout())
    sources: list[tuple[str, dict[str, object]]] = [
        ("a", {"text": "one"}),
        ("a", {"text": "two"}),
        ("b", {"": 1}),
        ("b", {"text": "three"}),
        ("c", {"": 1}),
        ("\ud800", {"text": "four"}),
        ("\ufffd", {"text": "five"}),
    ]
    stream = [Document(id_, source) for id_, source in sources]
    report = index_documents(engine, "docs", stream, chain, lambda _: None)
    assert (report.written, report.rejected) == (5, 2)
    assert (report.distinct, report.duplicates) == (3, 2)
    assert engine.count("docs") == report.distinct


def test_two_plugins_may_not_add_one_field(chain: DocumentEnricher) -> None:
    """The sentence names the second."""
    twice = DocumentEnricher(chain.analyzer, FIELDS, [*chain.enrichments, chain.enrichments[0]], None)
    with pytest.raises(IndexConflict, match=r"'tokens'.*'all\.tokens'"):
        twice.layout()


def test_what_is_too_long_is_counted(engine: SearchEngine) -> None:
    """A field beyond the analyser's limit is indexed up to it, and said."""
    analyzer = open_analyzer(limit=1000)
    short = DocumentEnricher(analyzer, ("text",), _words(analyzer), None)
    prepare_index(engine, "docs", short.layout())
    report = index_documents(
        engine,
        "docs",
        [Document("1", {"text": "word " * 5000}), Document("2", {"text": "word"})],
        short,
        lambda _: None,
    )
    assert (report.written, report.truncated) == (2, 1)
    assert engine.layout("docs").mapping["tokens.text"] is FieldKind.WORDS


def _words(analyzer: Analyzer) -> list[object]:
    context = PluginContext(("text",), analyzer)
    return load_enrichments(IndexConfiguration(enrichments=("tokens",)), context)  # type: ignore[return-value]


def test_layouts_differ_in_fields_plugins_and_settings() -> None:
    """The first difference is named with both values; what was not recorded is taken as equal."""
    kept = IndexLayout(
        ("title", "text"), {"keywords": FieldKind.KEYWORD}, "m1", enrichments={"keywords": {"top": 2}}
    )
    silent = replace(kept, enrichments=None)
    assert difference(kept, kept) is None
    assert difference(silent, kept) is None and difference(kept, silent) is None
    assert difference(kept, replace(kept, model_version="m2")) is None
    other = replace(kept, fields=("text",))
    assert difference(kept, other) == "its enriched fields are title, text, not text"
    other = replace(kept, enrichments={"keywords": {"top": 9}})
    assert difference(kept, other) == "its setting keywords.top is 2, not 9"
    other = replace(kept, enrichments={"keywords": {"top": 2}, "mine": {}})
    assert difference(kept, other) == "its plug-ins are keywords, not keywords, mine"
    other = replace(silent, mapping={"keywords": FieldKind.STORED})
    assert difference(silent, other) == "its plug-ins add different fields (keywords)"


def test_texts_without_a_model_are_cut_by_one_segmenter() -> None:
    """A model says by itself how its texts are cut."""
    kept = IndexLayout(("text",), {}, segmenter={"segmenter.version": "1"})
    other = replace(kept, segmenter={"segmenter.version": "2"})
    assert difference(kept, other) == "its texts were segmented with segmenter.version 1, not 2"
    assert difference(replace(kept, model_version="m"), replace(other, model_version="m")) is None


HTML = (
    '<div class="post"><h1>数据库</h1><p>数据<b>库</b>的索引&nbsp;与caf&eacute;很快</p><br></div>'
    "<script>var coral = 1 < 2;</script><p>数据库的日志</p>"
)


@pytest.mark.parametrize("with_model", [True, False])
def test_html_is_stripped_where_the_configuration_says_so(
    engine: SearchEngine, models: Path, model: enricher.Model, with_model: bool
) -> None:
    """For every enrichment, and the words searched and marked are those of what a reader sees."""
    enrichments = ("tokens", "subwords", "keywords", "vector") if with_model else ("tokens", "subwords")
    chosen = IndexConfiguration(fields=("text",), enrichments=enrichments, rewriters=(), strip_html=True)
    version = model.version if with_model else None
    step = EnricherRecipe(models, version, ("text",), chosen).open()
    document = Document("1", {"text": HTML})
    [stripped] = step.enrich([document])
    for noise in ("div", "class", "post", "nbsp", "coral", "eacute"):
        assert noise not in str(stripped)
    assert "数据库" in str(stripped["tokens"]) and "café" in str(stripped["tokens"])
    [plain] = step.enrich([Document("1", {"text": "数据库\n数据库的索引 与café很快\n数据库的日志"})])
    assert {k: v for k, v in stripped.items() if k != "fingerprint"} == {
        k: v for k, v in plain.items() if k != "fingerprint"
    }
    prepare_index(engine, "web", step.layout())
    index_documents(engine, "web", [document], step, lambda _: None)
    opened = open_index(engine, "web", lambda version: enricher.load(models, version))
    query = opened.query("café")
    [hit] = opened.search(SearchRequest(query)).hits
    assert "<em>caf&eacute;</em>很快" in opened.highlights(hit, query)[0]
    assert not opened.search(SearchRequest(opened.query("div"))).hits


def test_an_index_is_not_filled_by_the_other_way_with_html(
    engine: SearchEngine, models: Path, model: enricher.Model
) -> None:
    """IndexConflict says which way it was made."""
    plain, stripping = (
        EnricherRecipe(
            models, None, FIELDS, IndexConfiguration(enrichments=("tokens",), strip_html=strip)
        ).open()
        for strip in (False, True)
    )
    prepare_index(engine, "plain", plain.layout())
    prepare_index(engine, "web", stripping.layout())
    prepare_index(engine, "web", stripping.layout())
    with pytest.raises(IndexConflict, match="strip_html = false"):
        prepare_index(engine, "plain", stripping.layout())
    with pytest.raises(IndexConflict, match="strip_html = true"):
        prepare_index(engine, "web", plain.layout())


def test_a_model_learns_no_markup_where_it_is_stripped(tmp_path: Path) -> None:
    """And it is opened as it was trained, so that keywords of HTML are words of the text."""
    store = BundleStore(tmp_path)
    texts = [f'<div class="post">coral <b>reef</b>&nbsp;{n % 7} tide. Harbour wall</div>' for n in range(60)]
    learned = [Document(str(n), {"text": text}) for n, text in enumerate(texts)]
    store.activate(
        train_bundle(store, learned, ("text",), open_analyzer(strip_html=True), replace(SMALL, tuning=True))
    )
    opened = enricher.load(tmp_path)
    assert {"coral", "reef"} <= set(opened.words) and not {"div", "class", "nbsp"} & set(opened.words)
    assert opened.analyzer.strips_html
    assert not opened.stripping_html(False).analyzer.strips_html
