"""What a content security policy must allow for a map: its own script and style, by their hashes."""

import base64
import hashlib
from importlib.resources import files


def own_sources() -> tuple[str, str]:
    """What a content security policy calls the script and the style of every map."""
    folder = files("enricher.library.maps") / "pages"
    script, style = ((folder / name).read_text(encoding="utf-8") for name in ("map.js", "map.css"))
    return f"'sha256-{_hash(script)}'", f"'sha256-{_hash(style)}'"


def _hash(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")
