"""The documents: what is derived is up to date, and what they point at is there."""

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest

from enricher.errors import ConfigurationError
from enricher.plugins import keywords, typed_settings
from enricher.settings import IndexConfiguration, read_configuration

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|work|opt|Users|usr|var)/")
COMMAND = re.compile(r"^## (enricher[^\n]*)\n\n```text\n(.*?)^```$", re.M | re.S)
CODE_NAME = re.compile(r"`((?:enricher|indexer|docs|examples|models?|engines)/[\w/.-]+)`")


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The script docs/generate.py."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["cli.md", "settings.md", "enricher.schema.json", "openapi.json"])
def test_a_generated_page_is_up_to_date(generator: ModuleType, name: str) -> None:
    """`make docs` would change nothing."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == generator.PAGES[name](), "Run `make docs`."


def test_the_help_of_every_command_has_an_example(generator: ModuleType) -> None:
    """That begins with the command's own words."""
    helps = dict(COMMAND.findall(generator.command_line()))
    assert {"enricher train", "enricher models list", "enricher search", "enricher doctor"} <= set(helps)
    for command, text in helps.items():
        if "COMMAND [ARGS]" in text:
            continue
        example = re.search(r"Example: enricher (?:--\S+ \S+ )*(.*)", text)
        assert example is not None, f"{command} has no example"
        assert f"enricher {example[1]}".startswith(command), f"{command} shows {example[0]}"


def test_every_command_is_described_in_one_line_of_eighty_columns(generator: ModuleType) -> None:
    """No description is cut, and arguments stand in the usage as they are typed."""
    helps = dict(COMMAND.findall(generator.command_line()))
    for command, text in helps.items():
        assert max(map(len, text.splitlines())) <= 80, command
        if command.split()[1:2] != ["models"]:
            assert "{" not in text.splitlines()[0], command
    listed = helps["enricher"].partition("Commands:\n")[2].splitlines()
    assert len(listed) > 7 and not [line for line in listed if "..." in line and "models" not in line]


def test_every_key_and_setting_is_explained(generator: ModuleType) -> None:
    """And none that does not exist."""
    page = generator.settings()
    assert list(generator.plugin_settings()) == sorted(generator.plugin_settings())
    for plugin, kind in generator.plugin_settings().items():
        for key in kind.__struct_fields__:
            assert f"| `{plugin}` | `{key}` |" in page
    for key in IndexConfiguration.__struct_fields__:
        assert f"| `{key}` |" in page


EXAMPLE = re.search(r"^```toml\n(.*?)^```$", (ROOT / "docs" / "settings.md").read_text("utf-8"), re.M | re.S)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("[", "[index.docs.settings.mine]\nanything = [1]\n["),
        ("top = 5", "top = 0"),
        ("top = 5", 'top = "5"'),
        ("top = 5", "tops = 5"),
        ("top = 5", 'method = "rake"'),
        ("fields", "field"),
        ('["title", "text"]', "[]"),
        ('["title", "text"]', '["text", "text"]'),
        ('"tokens", ', ""),
        ("[index", "[indexes"),
    ],
)
def test_the_schema_of_the_configuration_is_what_is_read(tmp_path: Path, old: str, new: str) -> None:
    """It accepts the example and refuses every mistake that is refused."""
    assert EXAMPLE is not None
    text = EXAMPLE[1].replace(old, new, 1)
    (tmp_path / "enricher.toml").write_text(text, encoding="utf-8")
    schema = json.loads((ROOT / "docs" / "enricher.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    fits = jsonschema.Draft202012Validator(schema).is_valid(tomllib.loads(text))
    try:
        table = read_configuration(tmp_path / "enricher.toml").for_index("news-1")
        typed_settings(keywords.Settings, table.settings["keywords"])
    except ValueError as error:
        assert not fits, error
    except ConfigurationError as error:
        assert not fits or "mine" in str(error), error
    else:
        assert fits


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link is a file of the repository."""
    for target, _ in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).resolve().exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_path_of_one_machine(page: Path) -> None:
    """A reader's folders are not ours."""
    assert MACHINE_PATH.findall(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", ["architecture.md", "methods.md"])
def test_files_that_are_named_exist(name: str) -> None:
    """A module that moves takes its mention along."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    named = set(CODE_NAME.findall(text))
    assert named
    for path in named:
        if path.startswith("models/"):
            continue
        places = [ROOT / path, ROOT / "enricher" / path, ROOT / "indexer" / path]
        assert any(place.exists() for place in places), f"{name} names {path}"


def test_the_lock_file_names_no_registry_and_no_folder() -> None:
    """Only names and exact versions."""
    lines = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8").splitlines()
    assert lines
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", line) for line in lines)
