"""Which fields of an index hold the text that is enriched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from enricher.errors import IndexConflict, UsageError
from enricher.recipe.text_fields import DEFAULT_FIELDS, SAMPLE, TextFields, check_no_overlap, choose_fields
from enricher.records import SearchEngine, title_of
from enricher.sources import index_names


@dataclass(frozen=True, slots=True)
class NamedFields:
    """The fields that a user has named on the command line, None where not."""

    title: str | None = None
    text: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Those that were named."""
        return tuple(name for name in (self.title, self.text) if name is not None)

    def in_place_of(self, fields: Sequence[str]) -> tuple[str, ...]:
        """Fields, with those that were named in place of their title, and of all their texts."""
        if not self.names:
            return tuple(fields)
        title = self.title or title_of(fields) or DEFAULT_FIELDS[0]
        texts = [self.text] if self.text is not None else [one for one in fields if one != title_of(fields)]
        return tuple(dict.fromkeys((title, *texts)))


NOTHING_NAMED = NamedFields()


def fields_of_index(engine: SearchEngine, index: str) -> TextFields:
    """The text fields of an index by the rule above, whoever made it. Raises IndexNotFound."""
    try:
        return TextFields(engine.layout(index).fields)
    except IndexConflict:
        return choose_fields(engine.text_fields(index), engine.sample(index, SAMPLE))


def fields_of_indexes(engine: SearchEngine, indexes: Sequence[str]) -> TextFields:
    """The text fields that several indexes share. UsageError where they have others."""
    found = [fields_of_index(engine, index) for index in indexes]
    for index, fields in zip(indexes, found, strict=True):
        if fields.names != found[0].names:
            raise UsageError(
                f"The texts of {indexes[0]!r} are in {', '.join(found[0].names)}, those of {index!r} in "
                f"{', '.join(fields.names)}: name the fields with --title-field and --text-field."
            )
    left_out = dict.fromkeys(name for fields in found for name in fields.left_out)
    return replace(found[0], left_out=tuple(left_out))


def fields_of_sources(open_engine: Callable[[], SearchEngine], sources: Sequence[str]) -> TextFields | None:
    """The text fields of the indexes among sources; None where all sources are files."""
    indexes = index_names(sources)
    return fields_of_indexes(open_engine(), indexes) if indexes else None


def chosen_fields(
    named: NamedFields, source: TextFields | None, *preferred: Sequence[str] | None
) -> tuple[str, ...]:
    """The fields to enrich by the rule above.

    preferred: those of the table and those that the index records; source: those of the indexes that the
    documents come from. None where there are none.
    """
    default = next(filter(None, preferred), source.names if source is not None else DEFAULT_FIELDS)
    fields = named.in_place_of(default)
    check_no_overlap(fields)
    return fields


def field_notes(fields: Sequence[str], source: TextFields | None) -> list[str]:
    """What the user should know of the fields of an index that another program made: which are enriched, and
    which text is left out.
    """
    if source is None or not source.chosen:
        return []
    others = [name for name in (*source.names, *source.left_out) if name not in fields]
    left_out = f"; {', '.join(others)} left out" if others else ""
    return [
        f"The enriched fields are {', '.join(fields)}{left_out}. --title-field and --text-field, or `fields` "
        "in enricher.toml, name others."
    ]
