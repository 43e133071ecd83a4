"""Choose the fields of an index whose text is enriched (rules: `enricher.recipe`)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from enricher.errors import IndexConflict, UsageError
from enricher.recipe.text_fields import DEFAULT_FIELDS, SAMPLE, TextFields, check_no_overlap, choose_fields
from enricher.records import SearchEngine, title_of
from enricher.sources import index_names


@dataclass(frozen=True, slots=True)
class NamedFields:
    """The fields that the user named with --title-field and --text-field; None if not named."""

    title: str | None = None
    text: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that were named, the title first."""
        return tuple(name for name in (self.title, self.text) if name is not None)

    def in_place_of(self, fields: Sequence[str]) -> tuple[str, ...]:
        """`fields` with the named title instead of their title, and the named text instead of all others."""
        if not self.names:
            return tuple(fields)
        title = self.title or title_of(fields) or DEFAULT_FIELDS[0]
        texts = [self.text] if self.text is not None else [one for one in fields if one != title_of(fields)]
        return tuple(dict.fromkeys((title, *texts)))


NOTHING_NAMED = NamedFields()


def fields_of_index(engine: SearchEngine, index: str) -> TextFields:
    """The text fields of any index: those that it records, else those chosen from its mapping and a sample.

    Raises IndexNotFound.
    """
    try:
        return TextFields(engine.layout(index).fields)
    except IndexConflict:
        return choose_fields(engine.text_fields(index), engine.sample(index, SAMPLE))


def fields_of_indexes(engine: SearchEngine, indexes: Sequence[str]) -> TextFields:
    """The text fields of several indexes. Raises UsageError if they differ."""
    found = [fields_of_index(engine, index) for index in indexes]
    for index, fields in zip(indexes, found, strict=True):
        if fields.names != found[0].names:
            raise UsageError(
                f"The texts of {indexes[0]!r} are in {', '.join(found[0].names)}, those of {index!r} in "
                f"{', '.join(fields.names)}. Name the fields with --title-field and --text-field."
            )
    left_out = dict.fromkeys(name for fields in found for name in fields.left_out)
    return replace(found[0], left_out=tuple(left_out))


def fields_of_sources(open_engine: Callable[[], SearchEngine], sources: Sequence[str]) -> TextFields | None:
    """The text fields of the indexes among the sources; None if all sources are files."""
    indexes = index_names(sources)
    return fields_of_indexes(open_engine(), indexes) if indexes else None


def chosen_fields(
    named: NamedFields, source: TextFields | None, *preferred: Sequence[str] | None
) -> tuple[str, ...]:
    """The fields to enrich, the title first.

    named: from the command line. preferred: from the table of enricher.toml, then from the record of the
    index; None or empty if there are none. source: of the indexes that the documents are read from; None if
    they are read from files. Raises UsageError if one field is inside another.
    """
    default = next(filter(None, preferred), source.names if source is not None else DEFAULT_FIELDS)
    fields = named.in_place_of(default)
    check_no_overlap(fields)
    return fields


def field_notes(fields: Sequence[str], source: TextFields | None) -> list[str]:
    """Messages to the user about fields that were chosen automatically: which are enriched, which are not."""
    if source is None or not source.chosen:
        return []
    others = [name for name in (*source.names, *source.left_out) if name not in fields]
    left_out = f"; {', '.join(others)} left out" if others else ""
    return [
        f"The enriched fields are {', '.join(fields)}{left_out}. To choose other fields, use "
        "--title-field and --text-field, or `fields` in enricher.toml."
    ]
