"""Whether two layouts enrich documents differently."""

from enricher.records import IndexLayout
from enricher.text.analysis import STRIP_HTML


def difference(present: IndexLayout, wanted: IndexLayout) -> str | None:
    """Describe the first difference between two layouts that changes documents; None if there is none.

    Does not compare the models. What `present` does not record counts as equal.
    """
    if present.fields != wanted.fields:
        return f"its enriched fields are {', '.join(present.fields)}, not {', '.join(wanted.fields)}"
    recorded = present.enrichments
    if recorded is not None and wanted.enrichments is not None:
        if recorded.keys() != wanted.enrichments.keys():
            return f"its plug-ins are {', '.join(recorded)}, not {', '.join(wanted.enrichments)}"
        for name, settings in wanted.enrichments.items():
            for key in sorted({*settings, *recorded[name]}):
                before, now = recorded[name].get(key), settings.get(key)
                if before != now:
                    return f"its setting {name}.{key} is {before!r}, not {now!r}"
    before_kinds, now_kinds = (
        {path: kind.written_as for path, kind in layout.mapping.items()} for layout in (present, wanted)
    )
    if before_kinds != now_kinds:
        other = sorted(before_kinds.items() ^ now_kinds.items())
        return f"its plug-ins add different fields ({', '.join(dict.fromkeys(path for path, _ in other))})"
    for path in present.dimensions.keys() & wanted.dimensions.keys():
        held, given = present.dimensions[path], wanted.dimensions[path]
        if held != given:
            return f"its vectors {path!r} have {held} dimensions, not {given}"
    if (STRIP_HTML in present.segmenter) != (STRIP_HTML in wanted.segmenter):
        before, now = ("true", "false") if STRIP_HTML in present.segmenter else ("false", "true")
        return f"it has strip_html = {before}, not {now}"
    if present.model_version is None and wanted.model_version is None:
        return _other_segmenter(present, wanted)
    return None


def _other_segmenter(present: IndexLayout, wanted: IndexLayout) -> str | None:
    """Describe the first difference between the segmenters of two layouts without a model."""
    for name, before in present.segmenter.items():
        now = wanted.segmenter.get(name)
        if before != now:
            return f"its texts were segmented with {name} {before}, not {now}"
    return None
