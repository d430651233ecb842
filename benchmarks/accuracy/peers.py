"""Other detectors on the same runs: linters of logs, and those for which adapters are at hand.

A folder of adapters holds ``run_all.py``, which takes ``--corpus`` and ``--out`` and leaves one
``NAME.csv`` a detector, with run_id, verdict and first_alarm_step.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from benchmarks.accuracy import corpus, log_linters, score
from lrwatch.verdicts import CLASSES, Verdict


def figures(adapters: Path | None, folders: Sequence[Path]) -> pd.DataFrame:
    """One row a corpus and detector; those whose package is missing are left out."""
    rows = []
    for folder in folders:
        about = {"corpus": corpus.title(folder)}
        rows += [_judged(folder, *found) | about for found in log_linters.figures(folder)]
        if adapters is None:
            continue
        with tempfile.TemporaryDirectory() as out:
            program = str(adapters / "run_all.py")
            command = [sys.executable, program, "--corpus", str(folder), "--out", out]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            for said in sorted(Path(out).glob("*.csv")):
                rows.append(_judged(folder, said.stem, pd.read_csv(said)) | about)
    return pd.DataFrame(rows)


def _judged(folder: Path, detector: str, said: pd.DataFrame) -> dict[str, Any]:
    runs = pd.read_parquet(folder / "runs.parquet").merge(
        said.drop_duplicates("run_id"), on="run_id"
    )
    runs["n_alarms"], runs["n_steps"] = runs.first_alarm_step.notna().astype(int), 0
    known = set(get_args(Verdict))
    runs["said"] = [CLASSES[word] if word in known else "unknown" for word in runs.verdict]
    sweeps = runs[runs.kind == "grid"]
    alarms, delay = score.false_alarms(sweeps), score.delays(sweeps)
    passed, of = score.scenarios(runs)
    return {
        "detector": detector,
        "macro-F1": score.macro_f1(runs),
        "alarmed": alarms["either"],
        "late": "{found} / {early} / {missed}".format(**delay),
        "scenarios": f"{passed} of {of}" if of else "",
    }
