"""Plug-ins by name."""

from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from typing import Annotated, Any, ClassVar

import pytest
from msgspec import Meta

import enricher
from enricher.errors import ConfigurationError, PluginError
from enricher.plugins import (
    PluginContext,
    enrich,
    load_enrichments,
    load_rewriters,
    registry,
    rewrite,
    typed_settings,
)
from enricher.records import (
    AnalyzedDocument,
    Document,
    FieldKind,
    Frequencies,
    Query,
    QueryTerm,
    VectorEnrichment,
)
from enricher.settings import IndexConfiguration
from enricher.text import open_analyzer

FIELDS = ("title", "text")


@pytest.fixture
def context(model: enricher.Model) -> PluginContext:
    """What plug-ins are built with."""
    return PluginContext(FIELDS, model.analyzer, model)


def analyzed(context: PluginContext, **source: str) -> AnalyzedDocument:
    """A document with its tokens."""
    return context.analyzer.analyze(Document("1", source), FIELDS)


def test_the_built_in_enrichments_fill_the_fields_that_they_map(context: PluginContext) -> None:
    """Words, sub-words, keywords with weights; every field of the index, also an empty one."""
    plugins = load_enrichments(IndexConfiguration(), context)
    mapping = {name: kind for plugin in plugins for name, kind in plugin.mapping.items()}
    assert mapping == {
        "all.tokens": FieldKind.WORDS,
        "subwords.title": FieldKind.TERMS,
        "all.subwords": FieldKind.TERMS,
        "keywords": FieldKind.KEYWORD,
        "keyword_weights": FieldKind.STORED,
        "expansion.high": FieldKind.EXACT,
        "expansion.middle": FieldKind.EXACT,
        "expansion.low": FieldKind.EXACT,
        "vector": FieldKind.VECTOR,
    }
    added: dict[str, Any] = {"all": {}}
    for plugin in plugins:
        one = plugin.enrich([analyzed(context, text="事务 running")])[0]
        added["all"] |= one.pop("all", {})  # type: ignore[attr-defined]
        added |= one
    [dimensions] = [plugin.dimensions for plugin in plugins if isinstance(plugin, VectorEnrichment)]
    assert dimensions == {"vector": len(added["vector"])}
    assert added["all"] == {"tokens": ["事务 running"], "subwords": ["事 务 事务 run"]}
    assert plugins[0].enrich([analyzed(context, title="a", text="b")])[0]["all"] == {"tokens": ["a", "b"]}
    assert added["subwords"] == {"title": ""}
    assert set(added["keywords"]) == {"事务", "running"}
    assert [weight["text"] for weight in added["keyword_weights"]] == added["keywords"]


def test_the_words_of_each_field_are_indexed_by_themselves_on_request(context: PluginContext) -> None:
    """With `per_field` every family has all fields; then only these have positions."""
    plugins = load_enrichments(IndexConfiguration(per_field=True), replace(context, per_field=True))
    mapping = {name: kind for plugin in plugins[:2] for name, kind in plugin.mapping.items()}
    assert mapping == {
        "tokens.title": FieldKind.WORDS,
        "tokens.text": FieldKind.WORDS,
        "all.tokens": FieldKind.TERMS,
        "subwords.title": FieldKind.TERMS,
        "subwords.text": FieldKind.TERMS,
        "all.subwords": FieldKind.TERMS,
    }
    added = plugins[0].enrich([analyzed(context, title="a", text="b")])[0]
    assert added == {"tokens": {"title": "a", "text": "b"}, "all": {"tokens": ["a", "b"]}}


def test_settings_reach_their_plugin(context: PluginContext) -> None:
    """The number of keywords and the weight of added words."""
    settings = {"keywords": {"top": 1}, "relatedness": {"terms": 2, "weight": 1}}
    configuration = IndexConfiguration(settings=settings)
    keywords = load_enrichments(configuration, context)[2]
    assert len(keywords.enrich([analyzed(context, text="事务 索引 日志")])[0]["keywords"]) == 1  # type: ignore[arg-type]
    rewriter = load_rewriters(configuration, context)[2]
    added = rewriter.rewrite(Query("事务", (QueryTerm("事务"),))).terms[1:]
    assert len(added) == 2 and added[0].weight <= 1.0 and max(term.weight for term in added) == 1.0


@pytest.mark.parametrize(
    ("name", "table", "said"),
    [
        ("keywords", {"tops": 1}, "no setting 'tops'; there are top, method"),
        ("keywords", {"top": "3"}, "top must be a whole number, not the string '3'"),
        ("expansion", {"weight": True}, "weight must be a number, not true"),
        ("keywords", {"top": 0}, "top must be 1 or more, not 0"),
        ("keywords", {"method": "rake"}, "method must be phrases or published, not 'rake'"),
        ("tokens", {"top": 1}, "no setting 'top'; there are none"),
    ],
)
def test_a_wrong_setting_names_the_plugin_and_the_key(
    context: PluginContext, name: str, table: dict[str, object], said: str
) -> None:
    """In one sentence."""
    with pytest.raises(ConfigurationError, match=f"'{name}'.*{said}"):
        load_enrichments(IndexConfiguration(settings={name: table}), context)


@dataclass(frozen=True)
class Theirs:
    """Settings of somebody else's plug-in."""

    limit: Annotated[int, Meta(ge=1)] = 3
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.limit == 13:
            raise ValueError("limit must not be 13.")


def test_settings_of_a_plugin_may_be_a_dataclass() -> None:
    """With limits beside its fields, and checks of its own."""
    assert typed_settings(Theirs, {"tags": ["a"]}) == Theirs(3, ("a",))
    for table, said in (
        ({"limit": 0}, "limit must be 1 or more, not 0."),
        ({"limit": 13}, "limit must not be 13."),
        ({"tags": [3]}, "tags[0] must be a string, not 3."),
        ({"tag": []}, "it has no setting 'tag'; there are limit, tags."),
    ):
        with pytest.raises(ValueError, match=r".") as failure:
            typed_settings(Theirs, table)
        assert str(failure.value) == said


@pytest.mark.parametrize(
    ("name", "table", "said"),
    [
        ("subwords", {"stem": -0.5}, "0 or more"),
        ("relatedness", {"terms": -1}, "0 or more"),
        ("relatedness", {"weight": -0.5}, "0 or more"),
        ("relatedness", {"alpha": float("nan")}, "alpha must be a finite number, not nan"),
    ],
)
def test_a_setting_out_of_range_is_found_before_any_search(
    context: PluginContext, name: str, table: dict[str, object], said: str
) -> None:
    """It is the configuration's fault, not the query's."""
    with pytest.raises(ConfigurationError, match=f"'{name}'.*{said}"):
        load_rewriters(IndexConfiguration(settings={name: table}), context)


def test_an_unknown_name_lists_what_is_installed(context: PluginContext) -> None:
    """So that a typing error is seen at once."""
    with pytest.raises(
        ConfigurationError, match=r"'token'.*expansion, keywords, relatedness, subwords, tokens"
    ):
        load_enrichments(IndexConfiguration(enrichments=("token",)), context)


def subword_terms(
    context: PluginContext, text: str, typed_word: str = "x", **settings: float
) -> list[QueryTerm]:
    """What the rewriter adds to a query of one word."""
    configuration = IndexConfiguration(rewriters=("subwords",), settings={"subwords": settings})
    (rewriter,) = load_rewriters(configuration, context)
    typed = Query(text, (QueryTerm(typed_word),))
    query = rewriter.rewrite(typed)
    assert query.terms[:1] == typed.terms
    return list(query.terms[1:])


def test_a_query_is_also_searched_by_its_parts(
    context: PluginContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Characters and pairs of Chinese, also across words; stems of English, but for stop words."""
    monkeypatch.setattr(enricher.Model, "has_titles", False)
    found = subword_terms(context, "足球的 refugees and boats 足", han=0.25, stem=3.0, stem_pair=2.0)
    weights = {term.term: term.weight for term in found}
    assert weights == {
        "足": 0.5,
        "球": 0.25,
        "的": 0.25,
        "足球": 0.25,
        "球的": 0.25,
        "refuge": 3.0,
        "boat": 3.0,
        "refuge_boat": 2.0,
    }
    assert {(term.field, term.for_, term.origin) for term in found} == {("subwords", None, "subwords")}
    reasons = {term.term: term.because for term in found}
    assert reasons["refuge"] == "stem of refugees" and reasons["足球"] == "part of 足球"
    assert reasons["球的"] == "stands across two words"
    assert reasons["refuge_boat"] == "refuge followed by boat"


def test_parts_that_stand_nearly_everywhere_are_left_out(context: PluginContext) -> None:
    """Unless nothing else is left, or the index is so small that all do; and those that stand nowhere."""

    def counted(documents: int, **counts: int) -> PluginContext:
        return replace(
            context,
            frequencies=lambda family, terms: Frequencies(documents, tuple(counts.get(t, 0) for t in terms)),
        )

    found = {term.term for term in subword_terms(counted(1000, 足=10, 的=900, 足的=1), "足的")}
    assert found == {"足", "足的"}
    assert {term.term for term in subword_terms(counted(1000, 的=900), "的")} == {"的"}
    assert {term.term for term in subword_terms(counted(20, 足=10, 的=19), "足的")} == {"足", "的"}


def test_bigrams_within_a_word_of_the_query_may_be_frequent(context: PluginContext) -> None:
    """Not single characters, and not bigrams across words."""
    everywhere = replace(context, frequencies=lambda family, terms: Frequencies(1000, (900,) * len(terms)))
    found = subword_terms(everywhere, "数据库的", typed_word="数据库")
    assert {term.term for term in found} == {"数据", "据库"}


def test_short_texts_are_searched_by_all_parts(
    context: PluginContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However frequent they are, and by single characters most of all."""
    frequent = replace(context, frequencies=lambda family, terms: Frequencies(1000, (900,) * len(terms)))
    monkeypatch.setattr(enricher.Model, "has_titles", False)
    monkeypatch.setattr(enricher.Model, "has_short_texts", True)
    found = subword_terms(frequent, "怎么 refugees", han=0.5, short_character=2.0, stem=3.0)
    assert {term.term: term.weight for term in found} == {"怎": 2.0, "么": 2.0, "怎么": 0.5, "refuge": 3.0}


def test_vectors_weigh_less_in_the_first_ranks_where_texts_are_short(
    context: PluginContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing at ten words, their whole share from forty on, and where the length is not known."""
    [plugin] = load_rewriters(IndexConfiguration(rewriters=("vector",)), context)
    for words, head in ((5.0, 0.0), (10.0, 0.0), (25.0, 0.15), (40.0, 0.3), (400.0, 0.3), (0.0, 0.3)):
        monkeypatch.setattr(enricher.Model, "mean_words", words)
        vector = plugin.rewrite(Query("ocean tide", ())).vector
        assert vector is not None
        assert (vector.head, vector.rest) == (pytest.approx(head), 0.5)


def test_short_texts_are_not_expanded(context: PluginContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is anything written nor searched."""
    configuration = IndexConfiguration(enrichments=("tokens", "expansion"), rewriters=("expansion",))
    counted = replace(context, frequencies=lambda family, terms: Frequencies(100, (9,) * len(terms)))
    document = analyzed(context, text="ocean tide salinity")
    asked = Query("tide", (QueryTerm("tide", 1.0, "query"),))
    for words, expanded in ((14.0, False), (60.0, True)):
        monkeypatch.setattr(enricher.Model, "mean_words", words)
        [_, enrichment] = load_enrichments(configuration, counted)
        [rewriter] = load_rewriters(configuration, counted)
        assert any(enrichment.enrich([document])) is expanded
        assert (len(rewriter.rewrite(asked).terms) > 1) is expanded


def test_titles_count_where_they_share_words_with_their_texts(
    context: PluginContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Titles that only number or label do not."""
    for real, families in ((True, {"subwords", "subwords.title"}), (False, {"subwords"})):
        monkeypatch.setattr(enricher.Model, "has_titles", real)
        assert {term.field for term in subword_terms(context, "足球 refugees")} == families


def test_a_rewriter_among_the_enrichments_is_refused(context: PluginContext) -> None:
    """And the other way round."""
    with pytest.raises(ConfigurationError, match="no enrichment"):
        load_enrichments(IndexConfiguration(enrichments=("relatedness",)), context)
    with pytest.raises(ConfigurationError, match="no rewriter"):
        load_rewriters(IndexConfiguration(rewriters=("tokens",)), context)


def test_a_plugin_that_needs_a_model_says_so() -> None:
    """Keywords on an index that is only segmented."""
    context = PluginContext(FIELDS, open_analyzer())
    with pytest.raises(PluginError, match="needs a model"):
        load_enrichments(IndexConfiguration(enrichments=("keywords",)), context)


def test_a_plugin_that_cannot_be_imported_is_a_sentence(
    context: PluginContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the plug-in, not a line of code."""
    broken = EntryPoint("broken", "no_such_module:factory", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [broken])
    with pytest.raises(PluginError, match="'broken' could not be set up"):
        load_enrichments(IndexConfiguration(enrichments=("broken",)), context)


class Raises:
    """A plug-in of somebody else, which fails."""

    name = "theirs"
    mapping: ClassVar[dict[str, FieldKind]] = {"x": FieldKind.STORED}

    def __init__(self, error: Exception | None = None, answer: object = None) -> None:
        self.error, self.answer = error, answer

    def enrich(self, documents: object) -> Any:
        if self.error is not None:
            raise self.error
        return self.answer

    rewrite = enrich


@pytest.mark.parametrize(
    "error", [KeyError("x"), ZeroDivisionError("division"), RecursionError("deep"), ValueError()]
)
def test_a_plugin_that_fails_is_named(context: PluginContext, error: Exception) -> None:
    """With the kind of its error, and the traceback as a note, at any of its works."""
    document = analyzed(context, text="x")
    for work in (
        lambda: enrich(Raises(error), [document]),
        lambda: rewrite(Raises(error), Query("q", ())),
    ):
        with pytest.raises(PluginError, match=f"'theirs' failed: {type(error).__name__}") as failure:
            work()
        assert "test_registry.py" in failure.value.__notes__[0]


@pytest.mark.parametrize("answer", [[], [{}, {}], ["text"], [None]])
def test_a_plugin_must_answer_one_mapping_a_document(context: PluginContext, answer: object) -> None:
    """And a rewriter a query."""
    with pytest.raises(PluginError, match="'theirs' must answer one mapping"):
        enrich(Raises(answer=answer), [analyzed(context, text="x")])
    with pytest.raises(PluginError, match="'theirs' must answer a Query, not"):
        rewrite(Raises(answer=answer), Query("q", ()))
