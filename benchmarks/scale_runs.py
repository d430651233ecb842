"""Stores of many runs: how time, memory and files grow, and the figures of docs/scale.md.

    python benchmarks/scale_runs.py [--runs N...] [--seeded N] [--folder DIR] [--write FILE]

Runs are drawn from the sample runs: the first 150 rows of each, hard links, a run.json of its own,
twenty to a job. Every look is taken by a process of its own. In stores of more runs than
``--seeded`` each sample is judged once and what is found is taken for its copies, whose rows are
the same; all else is done in full. Processor seconds tell more than seconds on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scale.copies import add_runs, templates

HERE = Path(__file__).parent
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
LOOKS = (
    ("list", "listing"),
    ("cold", "judging all"),
    ("again", "again, nothing new"),
    ("more", "again, 1 % new"),
    ("table", "reading the table"),
    ("page", "dashboard, first page"),
    ("bare", "the same without a table"),
)
Figures = dict[str, dict[str, Any]]


def look(name: str, store: Path, of: Path) -> dict[str, Any]:
    path = os.pathsep.join([str(HERE), *filter(None, sys.path)])
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    command = [sys.executable, "-m", "scale.many_runs", name, str(store), str(of)]
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def measure(folder: Path, n: int, *, seeded: bool) -> Figures:
    of = templates(HERE.parent / "sample_runs", folder / "templates")
    store = folder / f"runs-{n}"
    add_runs(store, of, 0, n)
    found: Figures = {}

    def note(name: str, asked: str) -> None:
        found[name] = look(asked, store, folder / "templates")
        print(f"{n:,} runs, {name}: {json.dumps(found[name])}", flush=True)

    note("list", "list")
    note("bare", "page")
    note("cold", "seeded" if seeded else "cold")
    note("again", "again")
    add_runs(store, of, n, n + n // 100)
    note("more", "again")
    note("table", "table")
    note("page", "page")
    table = store / ".lrwatch-verdicts" / "verdicts.parquet"
    found["size"] = {"bytes": table.stat().st_size / found["table"]["n"]}
    return found


def lines(figures: dict[int, Figures], n_seeded: int) -> list[str]:
    heading = ("", "runs", "seconds", "processor", "ms a run", "memory, MB", "opened", "listed")
    made = [f"| {' | '.join(heading)} |", f"|{'---|' * len(heading)}"]
    for name, words in LOOKS:
        for n, found in figures.items():
            one = found[name]
            mark = " (rows of copies not read)" if name == "cold" and n > n_seeded else ""
            made.append(
                f"| {words}{mark} | {n:,} | {one['seconds']:.3g} | {one['processor']:.3g} "
                f"| {1e3 * one['processor'] / n:.3g} | {one['memory']:,.0f} "
                f"| {one['opened']:,} | {one['listed']:,} |"
            )
    sizes = ", ".join(f"{found['size']['bytes']:,.0f} at {n:,}" for n, found in figures.items())
    return [*made, "", f"Bytes of the table a run: {sizes}."]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, nargs="+", default=[1_000])
    parser.add_argument("--seeded", type=int, default=10_000, help="stores larger than this")
    parser.add_argument("--folder", type=Path, help="where the stores are made, and stay")
    parser.add_argument("--write", type=Path, metavar="FILE", help="between the marks in FILE")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        figures = {n: measure(folder, n, seeded=n > given.seeded) for n in given.runs}
    text = "\n".join(lines(figures, given.seeded))
    print(text)
    if given.write is not None:
        page = given.write.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        given.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", "utf-8")


if __name__ == "__main__":
    main()
