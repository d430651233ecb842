"""How often verdicts are right, on runs of tasks that they were not fitted to.

::

    python -m benchmarks.accuracy report CORPUS...   the figures, and docs/accuracy.md
    python -m benchmarks.accuracy fit CORPUS...      lrwatch/diagnosis/model.json from all runs
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.accuracy import corpus, fit, report, table

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "lrwatch" / "diagnosis" / "model.json"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=["report", "fit"])
    parser.add_argument("corpora", nargs="+", type=Path, help="folders with runs.parquet")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "accuracy.md")
    given = parser.parse_args()
    rows = table.build(corpus.read(given.corpora))
    if given.what == "fit":
        fit.write(fit.fit(rows), MODEL)
        return 0
    report.write(report.measure(given.corpora, rows), given.to)
    return 0


if __name__ == "__main__":
    sys.exit(main())
