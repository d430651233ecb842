"""The figures of docs/alerts.md.

::

    python -m benchmarks.alerts [CORPUS...] [--no-soak] [--write docs/alerts.md]

A corpus is a folder with runs.parquet and steps.parquet, as for ``benchmarks.accuracy``; without
one, the sample runs alone are judged.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.alerts import quality, soak

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("corpora", nargs="*", type=Path, metavar="CORPUS")
    parser.add_argument("--no-soak", action="store_true")
    parser.add_argument("--write", type=Path, metavar="FILE", help="between the marks in FILE")
    given = parser.parse_args()
    lines = table("Sample runs", quality.on_samples(ROOT / "sample_runs"))
    if given.corpora:
        names = ", ".join(f"`{folder.name}`" for folder in given.corpora)
        lines += table(f"Labelled runs: {names}", quality.on_corpus(given.corpora))
    if not given.no_soak:
        lines += table("Many live runs, one watcher", soak.soak())
    text = "\n".join(lines)
    print(text)
    if given.write:
        page = given.write.read_text(encoding="utf-8")
        head, tail = page.partition(BEGIN)[0], page.partition(END)[2]
        given.write.write_text(f"{head}{BEGIN}\n\n{text}\n{END}{tail}", encoding="utf-8")


def table(title: str, figures: dict[str, str]) -> list[str]:
    rows = [f"| {name} | {value} |" for name, value in figures.items()]
    return [f"| {title} | |", "|---|---|", *rows, ""]


if __name__ == "__main__":
    main()
