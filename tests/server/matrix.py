"""Run the tests of servers on every supported server, one after the other, and write docs/support.md.

Usage: python -m tests.server.matrix [NAME ...], with names of releases such as opensearch-2.19.1. Only all of
them together write the page. It ends with 1 if a test fails.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.server.conftest import NOT_ON_OPENSEARCH
from tests.server.distribution import RELEASES, Release

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "support.md"
CONGRUENCE = "tests/engines/test_congruence.py"

FEATURES = {
    "documents, searches, filters, facets, sort orders, phrases, vectors": (CONGRUENCE,),
    "the ranking of the embedded engine": (
        "tests/server/test_parity.py",
        "tests/server/test_enriched_search.py",
    ),
    "the requests of a search, and `--show-query`": (
        "tests/server/test_search_requests.py",
        "tests/server/test_search_options.py",
    ),
    "types of fields": ("tests/server/test_server_field_types.py", "tests/server/test_fields.py"),
    "reindexing beside a writer": (
        "tests/server/reindex/test_copying.py",
        "tests/server/reindex/test_workers.py",
        "tests/server/reindex/test_preflight.py",
    ),
    "killed jobs": ("tests/server/reindex/test_kills.py",),
    "rollback": ("tests/server/reindex/test_rollback.py",),
    "migration into another cluster": ("tests/server/reindex/test_migration.py",),
    "enrichment in place": ("tests/server/reindex/test_in_place.py",),
    "`enricher follow`": ("tests/server/reindex/test_follow.py",),
    "lost connections, refused writes": (
        "tests/server/test_bulk_faults.py",
        "tests/server/reindex/test_faults.py",
    ),
    "evaluation, the gate": ("tests/server/test_evaluate.py",),
    "the service over HTTP": ("tests/server/test_service.py",),
}
"""What is supported, and the files that test it."""

HEAD = """# Supported servers

Written by `make matrix`, which runs the tests of every feature on every server. A cell is the number of tests
that pass; after a + that of tests that do not apply to this server, for the reasons below.

"""


@dataclass
class Outcome:
    """What became of the tests of a feature on a server."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def cell(self) -> str:
        if self.failed:
            return f"**{len(self.failed)} of {self.passed + len(self.failed)} fail**"
        return f"{self.passed} + {len(self.reasons)}" if self.reasons else str(self.passed)


def main(names: Sequence[str]) -> int:
    releases = [release for release in RELEASES if not names or release.name in names]
    if len(releases) != len(names or RELEASES):
        print(f"The releases are {', '.join(one.name for one in RELEASES)}.", file=sys.stderr)
        return 2
    found = {release: outcomes_of(release) for release in releases}
    table = table_of(found)
    print(table)
    if not names:
        PAGE.write_text(HEAD + table, encoding="utf-8")
    failed = [name for outcomes in found.values() for one in outcomes.values() for name in one.failed]
    print(*failed, sep="\n")
    return 1 if failed else 0


def outcomes_of(release: Release) -> dict[str, Outcome]:
    """Run the tests of all features on a release."""
    others = [file for files in FEATURES.values() for file in files if file != CONGRUENCE]
    environment = {**os.environ, "ENRICHER_TEST_SERVER": release.name}
    pytest = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        results: list[tuple[str, ElementTree.Element]] = []
        for arguments in ([CONGRUENCE, "-k", f"[{release.family}"], others):
            command = [*pytest, f"--junitxml={report}", *arguments]
            subprocess.run(command, cwd=ROOT, env=environment, check=False)
            cases = ElementTree.parse(report).iter("testcase")
            results += [(case.get("classname", "").replace(".", "/") + ".py", case) for case in cases]
    outcomes = {}
    for feature, files in FEATURES.items():
        outcomes[feature] = outcome = Outcome()
        for file, case in results:
            if file in files:
                _add(outcome, case)
    return outcomes


def _add(outcome: Outcome, case: ElementTree.Element) -> None:
    """Count a test."""
    if case.find("failure") is not None or case.find("error") is not None:
        outcome.failed.append(f"{case.get('classname')}::{case.get('name')}")
    elif (skipped := case.find("skipped")) is not None:
        reason = skipped.get("message", "")
        if reason.startswith(NOT_ON_OPENSEARCH):  # others are skipped for lack of text or of a server
            outcome.reasons.append(reason.removeprefix(NOT_ON_OPENSEARCH))
    else:
        outcome.passed += 1


def table_of(found: dict[Release, dict[str, Outcome]]) -> str:
    """The table of features and servers, and why tests do not apply."""
    names = {"elasticsearch": "Elasticsearch", "opensearch": "OpenSearch"}
    heads = [f"{names[release.family]} {release.version}" for release in found]
    lines = [f"| Feature | {' | '.join(heads)} |", f"|---{'|---:' * len(heads)}|"]
    for feature in FEATURES:
        cells = [outcomes[feature].cell for outcomes in found.values()]
        lines.append(f"| {feature} | {' | '.join(cells)} |")
    for head, outcomes in zip(heads, found.values(), strict=True):
        reasons = [reason for outcome in outcomes.values() for reason in outcome.reasons]
        if reasons:
            lines += ["", f"Not on {head}:", ""]
            lines += [f"- {reason} ({reasons.count(reason)})" for reason in dict.fromkeys(reasons)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
