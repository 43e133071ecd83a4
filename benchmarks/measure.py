"""What all benchmarks share: comparisons that take turns, processes that are watched, a table."""

import json
import os
import platform
import statistics
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

MAX_LINE_CHARACTERS = 120
ROOT = Path(__file__).resolve().parent.parent
COLUMNS = ("work", "ours", "competitor", "its time", "ratio", "goal", "met")


@dataclass
class Comparison:
    """Times of our work and a competitor's, in seconds a unit, measured in turn.

    at_most: the ratio of the medians, ours to theirs, that is the goal.
    """

    work: str
    competitor: str
    at_most: float
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def measure(
        self, ours: Callable[[], float], theirs: Callable[[], float], repetitions: int = 7
    ) -> "Comparison":
        """Run both in turn; each answers how many units it did."""
        for _ in range(repetitions):
            for side, run in ((self.ours, ours), (self.theirs, theirs)):
                start = time.perf_counter()
                units = run()
                side.append((time.perf_counter() - start) / units)
        return self

    @property
    def ratio(self) -> float:
        return statistics.median(self.ours) / statistics.median(self.theirs)

    @property
    def met(self) -> bool:
        return self.ratio <= self.at_most

    def row(self) -> Sequence[str]:
        return (
            self.work,
            spread(self.ours),
            self.competitor,
            spread(self.theirs),
            as_ratio(self.ratio),
            as_goal(self.at_most),
            verdict(self.met),
        )


@dataclass(frozen=True)
class Figure:
    """One number with an upper limit."""

    work: str
    value: float
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        return self.value <= self.limit

    def row(self) -> Sequence[str]:
        value, limit = (f"{number:.3g} {self.unit}" for number in (self.value, self.limit))
        return (self.work, value, "", "", "", f"{limit} or less", verdict(self.met))


Row = Comparison | Figure
Series = dict[str, list[tuple[int, float]]]
"""The lines of a plot: cost against size."""


def verdict(met: bool) -> str:
    """Whether a goal is met, as tables say it."""
    return "yes" if met else "**no**"


def spread(seconds: Sequence[float]) -> str:
    """Median and quartiles in milliseconds, or seconds where they are long."""
    middle = statistics.median(seconds)
    unit, factor = ("ms", 1e3) if middle < 1 else ("s", 1)
    if len(seconds) < 2:
        return f"{middle * factor:.3g} {unit}"
    low, _, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return f"{middle * factor:.3g} {unit} ({low * factor:.3g} to {high * factor:.3g})"


def as_ratio(ratio: float) -> str:
    """Of its time, or how many times as fast."""
    return f"{ratio:.2f}× its time" if ratio > 0.4 else f"{_times(1 / ratio)}× as fast"


def _times(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def as_goal(ratio: float) -> str:
    return f"{ratio:.3g}× or less" if ratio > 0.4 else f"{1 / ratio:,.3g}× as fast"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def wrapped(page: str) -> str:
    """A page of Markdown with its prose wrapped at MAX_LINE_CHARACTERS; tables, code and links stay."""
    lines, is_code = [], False
    for line in page.split("\n"):
        is_code ^= line.startswith("```")
        if len(line) <= MAX_LINE_CHARACTERS or is_code or line.startswith(("|", " ", "!")):
            lines.append(line)
        else:
            indent = "  " if line.startswith("- ") else ""
            lines += textwrap.wrap(
                line,
                MAX_LINE_CHARACTERS,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def machine() -> str:
    """What the figures were measured on, and with."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(
        f"{name} {metadata.version(name)}" for name in ("numpy", "numba", "faiss-cpu", "gensim", "tantivy")
    )
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB; "
        f"Python {platform.python_version()}, {libraries}; commit {commit()}"
    )


def commit() -> str:
    """The commit of the code that runs, and whether it was changed since."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "enricher", "indexer", "benchmarks")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


@dataclass
class Run:
    """A finished process: wall-clock seconds, what it printed, and the most memory (bytes) of it and
    its children: anonymous, and resident, in which mapped files count too.
    """

    seconds: float = 0.0
    output: str = ""
    anonymous: int = 0
    resident: int = 0

    def watch(self, process: "subprocess.Popen[str]") -> None:
        """Look at the memory of a running process, twenty times a second."""
        while process.poll() is None:
            pids = family(process.pid)
            self.anonymous = max(self.anonymous, sum(memory(pid, "RssAnon") for pid in pids))
            self.resident = max(self.resident, sum(memory(pid, "VmRSS") for pid in pids))
            time.sleep(0.05)


def run(*command: str) -> Run:
    """Run a command to its end. Raises CalledProcessError after printing what it said."""
    result = Run()
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        watcher = threading.Thread(target=result.watch, args=(process,), daemon=True)
        watcher.start()
        result.output, errors = process.communicate()
        result.seconds = time.perf_counter() - start
        watcher.join()
    if process.returncode:
        sys.stderr.write(errors)
        raise subprocess.CalledProcessError(process.returncode, command)
    return result


def command_line(
    *words: str,
    models: Path,
    index: Path | None = None,
    url: str | None = None,
    config: Path | None = None,
) -> Run:
    """Run the command line as a user would, on an embedded index or on the engine of a URL."""
    url = f"tantivy:{index}" if index else url
    engine = ("--engine", url) if url else ()
    settings = ("--config", str(config)) if config else ()
    return run(sys.executable, "-m", "indexer", "--models", str(models), *engine, *settings, *words)


def script(source: str, *arguments: str) -> dict[str, float]:
    """Run a piece of Python in a process of its own; it prints one JSON object."""
    answer: dict[str, float] = json.loads(run(sys.executable, "-c", source, *arguments).output)
    return answer


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def memory(pid: int, kind: str) -> int:
    """RssAnon or VmRSS of a process in bytes, 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(kind)), 0)
