"""Verdicts with siblings: how often they are right, and the numbers behind them.

::

    python -m benchmarks.accuracy.siblings fit CORPUS...     lrwatch/comparing/joining.json
    python -m benchmarks.accuracy.siblings report CORPUS...  each judged by the others' numbers

Each run is judged at a tenth, a quarter, half and all of its steps, beside 1, 2, 4 and 8 siblings
drawn at random and beside all of them, which went to their end. Sweeps count the same, and corpora
do. Own verdicts are those of models that were fitted to the other corpora, two or more in all; two
fifths of them are hidden from the fit, since a run alone often says nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from benchmarks.accuracy import corpus, fit, report, table
from benchmarks.accuracy.processes import processes
from benchmarks.accuracy.score import CLASSES, f1
from lrwatch.comparing import Trial
from lrwatch.comparing.joining import features
from lrwatch.comparing.standing import SAME_RATE, Siblings, decades
from lrwatch.diagnosis import model as learnt
from lrwatch.diagnosis.model import Model
from lrwatch.following import summarised
from lrwatch.monitor import Monitor
from lrwatch.records import StepBlock

TARGET = Path(__file__).parents[2] / "lrwatch" / "comparing" / "joining.json"
SHARES = (0.1, 0.25, 0.5, 1.0)
ALL = 99
SIBLINGS = (1, 2, 4, 8, ALL)
DRAWS = 2
HIDDEN = 0.4
REGULAR = 0.3
DIGITS = 4
LEAST_ROWS = 16


def judged(folder: Path, models: Mapping[str, Model]) -> pd.DataFrame:
    """One row a run, share of its steps and view: its summary, its own verdict."""
    shipped = learnt.shipped
    rows = []
    try:
        learnt.shipped = lambda: models  # type: ignore[assignment]
        for about, run in ((run.about, run.block) for run in corpus.read([folder])):
            if about.kind != "grid":
                continue
            has_norms = bool(np.isfinite(run.update_norm).any())
            for view in ("full", "loss") if has_norms else ("loss",):
                seen = run if view == "full" else corpus.loss_and_rate(run)
                rows += [{"view": view} | row for row in _at_shares(about, seen)]
    finally:
        learnt.shipped = shipped
    return pd.DataFrame(rows)


def _at_shares(about: Any, run: StepBlock) -> Iterator[dict[str, Any]]:
    for share in SHARES:
        end = int(np.searchsorted(run.step, run.step[0] + math.ceil(about.T * share)))
        if share < 1 and (end >= len(run) or end < LEAST_ROWS):
            continue
        piece = run if share == 1 else run[:end]
        monitor = Monitor()
        monitor.update(piece)
        yield {
            "run_id": about.run_id,
            "setup": about.setup,
            "label_class": about.label_class,
            "lr": float(about.lr_peak),
            "share": share,
            "summary": summarised(piece),
            "own": monitor.diagnosis(),
        }


def examples(rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Each run beside random ones of its siblings: features, label, own verdict."""
    random = np.random.default_rng(seed)
    found = []
    for (view, setup), sweep in rows.groupby(["view", "setup"]):
        whole = {
            run.run_id: Trial(run.run_id, run.lr, run.summary)
            for run in sweep[sweep.share == 1].itertuples()
        }
        for run in sweep[sweep.label_class.isin(CLASSES)].itertuples():
            others = [trial for key, trial in whole.items() if key != run.run_id]
            trial = Trial(run.run_id, run.lr, run.summary)
            for n, chosen in _drawn(others, run.lr, random):
                standing = Siblings([trial, *chosen]).standing(trial)
                if standing.n_rates:
                    about = {"view": view, "setup": setup, "share": run.share, "siblings": n}
                    said = {"label_class": run.label_class, "alone": run.own.learning_rate}
                    found.append(about | said | _named(features(standing, run.own)))
    return pd.DataFrame(found)


def _drawn(
    others: Sequence[Trial], lr: float, random: np.random.Generator
) -> Iterator[tuple[int, Sequence[Trial]]]:
    differing = [trial for trial in others if decades(trial.lr, lr) >= SAME_RATE]
    for n in SIBLINGS[:-1]:
        for _ in range(DRAWS):
            places = random.choice(len(differing), min(n, len(differing)), replace=False)
            yield n, [differing[place] for place in places]
    yield ALL, others


def _named(found: Mapping[str, float]) -> dict[str, float]:
    return {f"f_{name}": value for name, value in found.items()}


def fitted(parts: Sequence[pd.DataFrame]) -> dict[str, Any]:
    """Numbers of the model; each part, and within it each sweep, counts the same."""
    weights = np.concatenate([_weights(part) for part in parts])
    rows = pd.concat(parts, ignore_index=True)
    names = [name for name in rows.columns if name.startswith("f_")]
    x = rows[names].to_numpy(copy=True)
    is_hidden = np.random.default_rng(1).random(len(x)) < HIDDEN
    for place, name in enumerate(names):
        if name.startswith("f_own_"):
            x[is_hidden, place] = 0.0
    scale = x.std(axis=0) + 1e-3
    model = LogisticRegression(C=REGULAR, max_iter=5000)
    model.fit(x / scale, rows.label_class, sample_weight=weights / weights.mean())
    return {
        "fitted_by": "python -m benchmarks.accuracy.siblings fit",
        "names": [name.removeprefix("f_") for name in names],
        "weights": {
            kind: (row / scale).round(DIGITS).tolist()
            for kind, row in zip(model.classes_, model.coef_, strict=True)
        },
        "bias": dict(zip(model.classes_, model.intercept_.round(DIGITS).tolist(), strict=True)),
    }


def _weights(part: pd.DataFrame) -> np.ndarray:
    within = 1 / part.groupby("setup").label_class.transform("size").to_numpy(float)
    weights: np.ndarray = within / part.setup.nunique()
    return weights


def said(numbers: Mapping[str, Any], rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with what numbers say of them."""
    x = rows[[f"f_{name}" for name in numbers["names"]]].to_numpy()
    kinds = list(numbers["weights"])
    weights = np.array([numbers["weights"][kind] for kind in kinds])
    score = x @ weights.T + np.array([numbers["bias"][kind] for kind in kinds])
    odds = np.exp(score - score.max(axis=1, keepdims=True))
    shares = odds / odds.sum(axis=1, keepdims=True)
    return rows.assign(said=np.array(kinds)[shares.argmax(axis=1)], confidence=shares.max(axis=1))


def figures(rows: pd.DataFrame) -> pd.DataFrame:
    """By view, share and number of siblings: macro-F1 alone and with them, false flags."""
    found = []
    for (view, share, n), part in rows.groupby(["view", "share", "siblings"]):
        fine = part[part.label_class == "ok"].said
        right = part.said == part.label_class
        found.append(
            {
                "view": view,
                "share": share,
                "siblings": "all" if n == ALL else str(n),
                "alone": np.mean(list(f1(part.assign(said=part.alone)).values())),
                "macro-F1": np.mean(list(f1(part).values())),
                "good flagged": float((fine != "ok").mean()),
                "confidence - right": float(part.confidence.mean() - right.mean()),
                "runs": len(part),
            }
        )
    return pd.DataFrame(found)


def drawn(
    folders: Sequence[Path], models: report.Fitted, *, jobs: int = 1
) -> dict[str, pd.DataFrame]:
    """By corpus the examples of its sweeps; corpora without sweeps are left out."""
    swept = [folder for folder in folders if (corpus.described(folder).kind == "grid").any()]
    with processes(jobs) as pool:
        parts = pool.map(_drawn_of, swept, [models[folder.name] for folder in swept])
        return {folder.name: part for folder, part in zip(swept, parts, strict=True)}


def _drawn_of(folder: Path, numbers: Mapping[str, Any]) -> pd.DataFrame:
    return examples(judged(folder, fit.models_of(dict(numbers))))


def left_out(parts: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """By corpus the figures of numbers that were fitted to the others."""
    return {
        name: figures(said(fitted([other for key, other in parts.items() if key != name]), part))
        for name, part in parts.items()
    }


def main() -> int:
    given = _arguments()
    rows = table.build(corpus.read(given.corpora))
    parts = drawn(given.corpora, report.left_out(given.corpora, rows))
    if given.what == "fit":
        TARGET.write_text(json.dumps(fitted(list(parts.values()))) + "\n", encoding="utf-8")
        return 0
    for name, found in left_out(parts).items():
        print(f"\n{name}, fitted to {', '.join(key for key in parts if key != name)}")
        print(found.round(3).to_string(index=False))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=["report", "fit"])
    parser.add_argument("corpora", nargs="+", type=Path, help="folders with runs.parquet")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
