"""Judges every source of runs by models that never saw it, in each setting."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.accuracy import corpus, fit, score
from benchmarks.accuracy.processes import processes
from benchmarks.accuracy.replay import replay
from lrwatch.monitor import Monitor
from lrwatch.records import StepBlock

SETTINGS = (
    ("whole run, all norms", "full", 1.0),
    ("norms on one step in ten", "sampled", 1.0),
    ("loss and learning rate only", "loss", 1.0),
    ("first quarter", "full", 0.25),
)
WHOLE, SAMPLED, BARE, QUARTER = (title for title, _, _ in SETTINGS)
BARE_AT = 2


Fitted = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Measured:
    """Runs as they were judged, and figures.

    Attributes
    ----------
    judged
        By corpus and setting, one row a run as from `replay`.
    figures
        By corpus and setting, by name.
    speed
        Steps a second of a whole run, microseconds a step in blocks.
    """

    judged: dict[str, dict[str, pd.DataFrame]]
    figures: dict[str, dict[str, dict[str, Any]]]
    speed: dict[str, float]


def without(rows: pd.DataFrame, source: str) -> dict[str, Any]:
    """Numbers of the models fitted to all other sources, and to none of the tasks of this one."""
    tasks = rows[rows.source == source].task.unique()
    others = rows[(rows.source != source) & ~rows.task.isin(tasks)]
    if not set(fit.CLASSES) <= set(others.label):
        raise SystemExit(
            f"to judge {source}, another corpus is needed that has good and bad learning rates; "
            f"the others given have {', '.join(sorted(set(others.label))) or 'no runs'}"
        )
    return fit.fit(others)


def left_out(folders: Sequence[Path], rows: pd.DataFrame, *, jobs: int = 1) -> Fitted:
    """For each corpus the numbers of the models that never saw it."""
    names = [folder.name for folder in folders]
    with processes(jobs) as pool:
        return dict(zip(names, pool.map(partial(without, rows), names), strict=True))


def measure(folders: Sequence[Path], fitted: Fitted, *, jobs: int = 1) -> Measured:
    """Judge all runs of all corpora in all settings.

    Parameters
    ----------
    folders
        The corpora, each of them a source.
    fitted
        By the name of a corpus what it is judged by, as from `left_out`.
    """
    measured = Measured({}, {}, speed())
    with processes(jobs) as pool:
        for folder in folders:
            wanted = SETTINGS if corpus.has_norms(folder) else SETTINGS[BARE_AT:]
            runs = pool.map(partial(_judged, folder, fitted[folder.name]), wanted)
            by_setting = dict(zip((title for title, _, _ in wanted), runs, strict=True))
            # Without norms the other logs of a whole run hold no more than the barest.
            by_setting = dict.fromkeys((WHOLE, SAMPLED), by_setting[BARE]) | by_setting
            name = corpus.title(folder)
            measured.judged[name] = by_setting
            measured.figures[name] = {
                title: figures(judged) for title, judged in by_setting.items()
            }
            print(name, measured.figures[name][WHOLE], flush=True)
    return measured


def _judged(folder: Path, numbers: dict[str, Any], setting: tuple[str, str, float]) -> pd.DataFrame:
    _, view, share = setting
    return replay(corpus.read([folder]), fit.models_of(numbers), view=view, share=share)


def figures(judged: pd.DataFrame) -> dict[str, Any]:
    alarms = score.false_alarms(judged)
    delay = score.delays(judged[judged.kind == "grid"])
    passed, of = score.scenarios(judged)
    alarmed, _, n_games = score.games(judged)
    classes = score.f1(score.grid(judged))
    return {
        "macro-F1": score.macro_f1(judged),
        **{f"F1 {name}": value for name, value in classes.items()},
        "cannot tell": float((score.grid(judged).said == "unknown").mean()),
        "good runs alarmed live": alarms["live"],
        "good runs flagged at the end": alarms["last"],
        "good runs alarmed or flagged": alarms["either"],
        "false alarms per million steps": alarms["per million steps"],
        "calibration error": score.calibration_error(judged),
        "advice, 1 trial": score.advice(judged, 1),
        "advice, 3 trials": score.advice(judged, 3),
        "scenarios": f"{passed} of {of}" if of else "",
        "without an objective, alarmed": f"{alarmed} of {n_games}" if n_games else "",
        "late divergence, found / early / missed": "{found} / {early} / {missed}".format(**delay),
        "its delay": f"{delay['median']:.0f} steps" if delay["found"] else "-",
    }


def speed(n_steps: int = 1_000_000, block: int = 100) -> dict[str, float]:
    """Steps a second of a whole run, and microseconds a step in blocks; the best of three."""
    random = np.random.default_rng(0)
    step = np.arange(n_steps)
    loss = np.exp(-step / (n_steps / 30)) + 0.1 + 0.02 * random.standard_normal(n_steps)
    ones = np.ones(n_steps)
    run = StepBlock(
        step=step, time=step, loss=loss, lr=0.1 * ones, grad_norm=loss, grad_norm_clipped=loss,
        param_norm=10 * ones, update_norm=0.1 * loss, skipped=ones < 0, loss_seen=ones > 0,
    )  # fmt: skip
    part = run[: n_steps // 10]
    whole = min(_seconds(run, n_steps) for _ in range(3))
    streamed = min(_seconds(part, block) for _ in range(3))
    return {"steps a second": n_steps / whole, "us a step": streamed / len(part) * 1e6}


def _seconds(run: StepBlock, block: int) -> float:
    monitor = Monitor()
    start = time.perf_counter()
    for at in range(0, len(run), block):
        monitor.update(run[at : at + block])
    return time.perf_counter() - start
