"""The plug-in `keywords`: what every document is about, for facets and filters."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from enricher.keywords import METHODS
from enricher.loaded_model import Model
from enricher.plugins.registry import PluginContext, typed_settings
from enricher.records import (
    KEYWORD_WEIGHTS,
    KEYWORDS,
    AnalyzedDocument,
    FieldKind,
)


@dataclass(frozen=True)
class Settings:
    top: int = 10
    method: str = "phrases"

    def __post_init__(self) -> None:
        if self.top < 1:
            raise ValueError(f"top must be 1 or more, not {self.top}.")
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, not {self.method!r}.")


@dataclass(frozen=True)
class Keywords:
    """`keywords`: exact values for facets and filters; `keyword_weights`: the same with their scores."""

    model: Model
    title_field: str | None
    settings: Settings
    name: str = "keywords"

    @property
    def document_settings(self) -> Mapping[str, object]:
        return asdict(self.settings)

    @property
    def mapping(self) -> Mapping[str, FieldKind]:
        return {KEYWORDS: FieldKind.KEYWORD, KEYWORD_WEIGHTS: FieldKind.STORED}

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> list[dict[str, object]]:
        found = self.model.document_keywords(
            documents, self.settings.top, self.settings.method, self.title_field
        )
        return [
            {
                KEYWORDS: [keyword.text for keyword in keywords],
                KEYWORD_WEIGHTS: [{"text": k.text, "weight": round(k.score, 4)} for k in keywords],
            }
            for keywords in found
        ]


def keywords(context: PluginContext) -> Keywords:
    return Keywords(context.model(), context.title_field, typed_settings(Settings, context.settings))
