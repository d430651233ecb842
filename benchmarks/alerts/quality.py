"""Messages on labelled runs: how many good runs are spoken of, how many bad ones, and when."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from benchmarks.accuracy import corpus, fit, report, table
from benchmarks.accuracy.corpus import LabelledRun
from lrwatch.alerts.explaining import replay
from lrwatch.diagnosis import model as learnt
from lrwatch.diagnosis.model import Model
from lrwatch.records import RunInfo
from lrwatch.store import RunReader

LATE = 20
"""Divergence that begins before this step was there from the start."""

Figures = dict[str, str]


def on_corpus(folders: Sequence[Path]) -> Figures:
    """Figures on labelled runs of two corpora or more, each judged by models that never saw it."""
    rows = table.build(corpus.read(folders))
    told = pd.DataFrame(
        one
        for folder in folders
        for one in _told(corpus.read([folder]), fit.models_of(report.without(rows, folder.name)))
    )
    grid = told[told.kind == "grid"]
    good = grid[grid.label_class == "ok"]
    bad = grid[grid.label_class.isin(["too_high", "too_low"])]
    figures = {
        f"good runs alerted ({len(good)} runs)": _share(good),
        "the most messages on one of them": str(good.n_messages.max()),
    }
    for name, runs in bad.groupby("label_class"):
        words = str(name).replace("_", " ")
        figures |= {
            f"runs with a rate {words} that are alerted ({len(runs)} runs)": _share(runs),
            f"the step at which, median, {words}": f"{runs.first_step.median():.0f}",
            f"the share of the run by then, median, {words}": _percent(
                (runs.first_step / runs.n_steps).median()
            ),
        }
    spoken_of = bad[bad.n_firing > 0]
    late = grid[(grid.label == "diverging") & (grid.onset_step >= LATE)]
    delay = (late.first_step - late.onset_step)[late.n_firing > 0]
    return figures | {
        "messages per bad run that is alerted": f"{spoken_of.n_firing.mean():.2f}",
        "recoveries sent, on bad runs": str(int((bad.n_messages - bad.n_firing).sum())),
        "late divergence that is alerted": f"{len(delay)} of {len(late)}",
        "its delay from onset, median": f"{delay.median():.0f} steps",
    }


def on_samples(folder: Path) -> Figures:
    """Figures on the runs that come with the project, by the shipped models."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    good, bad = [], []
    for name, sample in manifest.items():
        reader = RunReader(folder / name)
        n = len(list(replay(reader.info, reader.read_new())))
        is_good = sample["verdict"] in ("ok", "converged", "spike")
        (good if is_good else bad).append(n)
    return {
        f"messages on the good sample runs ({len(good)} runs)": str(sum(good)),
        f"bad sample runs that are alerted ({len(bad)} runs)": str(sum(n > 0 for n in bad)),
        "messages on them": str(sum(bad)),
    }


def _told(runs: Iterable[LabelledRun], models: Mapping[str, Model]) -> Iterable[dict[str, object]]:
    shipped = learnt.shipped
    try:
        learnt.shipped = lambda: models  # type: ignore[assignment]
        for run in runs:
            about = run.about
            info = RunInfo(id=about.run_id, name=about.run_id)
            messages = list(replay(info, run.block))
            firing = [message for message in messages if message.state != "resolved"]
            yield {
                "kind": about.kind,
                "label": about.label,
                "label_class": about.label_class,
                "onset_step": about.onset_step,
                "n_steps": len(run.block),
                "n_messages": len(messages),
                "n_firing": len(firing),
                "first_step": firing[0].step if firing else None,
            }
    finally:
        learnt.shipped = shipped


def _share(runs: pd.DataFrame) -> str:
    told = int((runs.n_firing > 0).sum())
    return f"{_percent(told / len(runs))} ({told})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
