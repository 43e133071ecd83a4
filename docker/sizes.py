#!/usr/bin/env python3
"""Print what each package of an installation costs, as a table of Markdown, the largest first.

Usage: sizes.py PREFIX, the folder that dependencies.sh and install.sh have filled. Packages under 1 MB are
added up.
"""

import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

HERE = Path(__file__).parent
MEGABYTE = 1e6


def size(package: Distribution) -> int:
    """Bytes of all files of a package, with the bytecode."""
    files = [Path(str(package.locate_file(file))) for file in package.files or ()]
    return sum(file.stat().st_size for file in files if file.is_file())


def name_of(package: Distribution) -> str:
    """The name of a package as lock files write it."""
    return package.metadata["Name"].lower().replace("_", "-")


def main(prefix: Path) -> int:
    folders = [str(folder) for folder in prefix.glob("lib/python3*/site-packages")]
    sizes = {name_of(package): size(package) for package in distributions(path=folders)}
    if not sizes:
        print(f"No packages are in {prefix}.", file=sys.stderr)
        return 1
    training = set((HERE / "training-only.txt").read_text(encoding="utf-8").split())
    large = {name: size for name, size in sizes.items() if size >= MEGABYTE}
    print("| Package | MB | Needed to serve |\n|---|---|---|")
    for name, found in sorted(large.items(), key=lambda item: -item[1]):
        print(f"| {name} | {found / MEGABYTE:.0f} | {'no' if name in training else 'yes'} |")
    small = sum(sizes.values()) - sum(large.values())
    print(f"| {len(sizes) - len(large)} others | {small / MEGABYTE:.0f} | yes |")
    unneeded = sum(size for name, size in sizes.items() if name in training)
    total = sum(sizes.values())
    print(f"| total | {total / MEGABYTE:.0f} | {(total - unneeded) / MEGABYTE:.0f} |")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: sizes.py PREFIX")
    sys.exit(main(Path(sys.argv[1])))
