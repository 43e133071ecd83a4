"""The plug-in `tokens`: the words of every enriched field, which every search needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from enricher.plugins.families import family_mapping, family_values
from enricher.plugins.registry import PluginContext, typed_settings
from enricher.records import (
    TOKENS,
    AnalyzedDocument,
    FieldKind,
    Token,
)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """It has none."""


@dataclass(frozen=True)
class Tokens:
    """`all.tokens`: the words of all enriched fields, for a white-space analyzer.

    With a single field it is `tokens.<field>`. `own`: the fields whose words are also indexed by themselves.
    """

    fields: tuple[str, ...]
    own: tuple[str, ...] = ()
    name: str = "tokens"
    document_settings: ClassVar[Mapping[str, object]] = {}

    @property
    def mapping(self) -> Mapping[str, FieldKind]:
        return family_mapping(TOKENS, self.fields, FieldKind.WORDS, self.own)

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> list[dict[str, object]]:
        return [family_values(TOKENS, document, self._words, self.own) for document in documents]

    @staticmethod
    def _words(tokens: Sequence[Token]) -> str:
        return " ".join([token[0] for token in tokens])


def tokens(context: PluginContext) -> Tokens:
    typed_settings(Settings, context.settings)
    return Tokens(context.fields, context.fields if context.per_field else ())
