"""The plug-in `keywords`: what every document is about, for facets and filters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from enricher.keywords import Method
from enricher.loaded_model import Model
from enricher.plugins.registry import PluginContext, typed_settings
from enricher.records import (
    KEYWORD_WEIGHTS,
    KEYWORDS,
    AnalyzedDocument,
    FieldKind,
)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    top: Annotated[int, Meta(ge=1, description="Keywords of a document at most.")] = 10
    method: Annotated[Method, Meta(description="`phrases`, or `published`: log p(text|word).")] = "phrases"


@dataclass(frozen=True)
class Keywords:
    """`keywords`: exact values for facets and filters; `keyword_weights`: the same with their scores."""

    model: Model
    title_field: str | None
    settings: Settings
    name: str = "keywords"

    @property
    def document_settings(self) -> Mapping[str, object]:
        return msgspec.structs.asdict(self.settings)

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
