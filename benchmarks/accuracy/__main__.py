"""How often verdicts are right, on runs from sources that they were not fitted to.

::

    python -m benchmarks.accuracy report CORPUS...   docs/accuracy.md, tables in docs/verdicts.md
    python -m benchmarks.accuracy fit CORPUS...      lrwatch/diagnosis/model.json from all runs
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks.accuracy import (
    by_verdict,
    corpus,
    fit,
    page,
    peers,
    pictures,
    public_logs,
    report,
    siblings,
    table,
    within,
)

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "lrwatch" / "diagnosis" / "model.json"


def main() -> int:
    given = _arguments()
    rows = table.build(corpus.read(given.corpora), jobs=given.jobs)
    if given.what == "fit":
        fit.write(fit.fit(rows), MODEL)
        return 0
    fitted = report.left_out(given.corpora, rows, jobs=given.jobs)
    measured = report.measure(given.corpora, fitted, jobs=given.jobs)
    drawn = pictures.draw(measured, given.corpora, given.to.parent / "images")
    written = page.write(
        measured,
        peers=peers.figures(given.peers, given.corpora),
        logs=public_logs.judge(given.logs) if given.logs else None,
        drawn=drawn,
        beside=siblings.left_out(siblings.drawn(given.corpora, fitted, jobs=given.jobs)),
        within=within.measure(given.corpora, rows, jobs=given.jobs),
    )
    given.to.write_text(written, encoding="utf-8")
    by_verdict.write(measured, ROOT / "docs" / "verdicts.md")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=["report", "fit"])
    parser.add_argument("corpora", nargs="+", type=Path, help="folders with runs.parquet")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "accuracy.md")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    for name, what in (("peers", "adapters of other detectors"), ("logs", "logs of other tools")):
        known = os.environ.get(f"LRWATCH_{name.upper()}")
        parser.add_argument(f"--{name}", type=Path, default=known, help=f"folder with {what}")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
