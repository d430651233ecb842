"""View models made up for the tests of pages, components and figures, and their reader."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from lrwatch_dashboard.alert_views import AlertBoard, Matcher
from lrwatch_dashboard.views import (
    Curve,
    LabelChange,
    Overview,
    RunCurves,
    RunView,
    Window,
)
from trials import trial_for

from lrwatch.activity import Activity
from lrwatch.verdicts import CLASSES, Diagnosis, Evidence

__all__ = [
    "FakeAlerts",
    "FakeLabels",
    "FakeSource",
    "a_diagnosis",
    "an_overview",
    "curve",
    "curves",
    "run_row",
    "run_view",
    "text_of",
]


def run_row(key: str = "sgd-0.1", *, verdict: Any = "oscillating", **changes: Any) -> RunView:
    """Return a run as the tables of the Overview and of the metrics have it."""
    known = {"diagnosis": None if verdict == "judging" else a_diagnosis(verdict)}
    curve = {"created_at": 1000.0, "sparkline": (99, 40, None, 0)}
    return run_view(key, **{**curve, **known, **changes})


def an_overview(*rows: RunView, **changes: Any) -> Overview:
    verdicts: dict[str, int] = {}
    for row in rows:
        verdicts[row.verdict] = verdicts.get(row.verdict, 0) + 1
    table = Overview(
        folder="runs",
        rows=rows,
        removed=(),
        whole=True,
        token="a:1",
        n_runs=len(rows),
        n_running=sum(row.state == "running" for row in rows),
        verdicts=verdicts,
    )
    return dataclasses.replace(table, **changes)


def a_diagnosis(verdict: Any = "oscillating", **changes: Any) -> Diagnosis:
    whole = Diagnosis(
        verdict=verdict,
        learning_rate=CLASSES.get(verdict, "unknown"),
        reason="Loss swings 3.1 times its trend",
        advice="Try 0.05 instead of 0.3",
        confidence=0.8,
        suggested_lr=0.05,
        interval=(20, 60),
        first_alarm_step=25,
        evidence=[
            Evidence("gain_ratio", note="needs the gradient norm"),
            Evidence("bounce", 1.2, 0.6, fired=True, interval=(20, 60), note="it bounces"),
        ],
        n_steps=1200,
    )
    return dataclasses.replace(whole, **changes)


def run_view(key: str = "sgd-0.1", **changes: Any) -> RunView:
    view = RunView(
        key=key,
        name=key,
        state="running",
        diagnosis=a_diagnosis(),
        steps=1200,
        last_step=99,
        total_steps=1000,
        lr=0.3,
        best_loss=0.25,
        optimizer="SGD",
        updated_at=2000.0,
        usual_gap=0.5,
        config={"batch_size": 64, "model.depth": 2},
        environment={"python": "3.11"},
        token="a:1",
    )
    view = dataclasses.replace(view, **changes)
    return dataclasses.replace(view, trial=trial_for(view))


def curve(name: str = "loss", n: int = 100, **values: Any) -> Curve:
    x = np.arange(n, dtype=float)
    return Curve(name, x, np.asarray(values.get("y", 2.0 / (1 + x)), dtype=float))


def curves(**changes: Any) -> RunCurves:
    empty = np.empty(0)
    lines = RunCurves(
        last_step=99,
        loss=curve(),
        smooth_loss=curve("smoothed"),
        half_life=5,
        lr=(curve("", y=np.linspace(0.1, 0.05, 100)),),
        grad_norm=curve("gradient norm"),
        clipped=None,
        update_ratio=curve("update / weight", y=np.full(100, 2e-3)),
        broken=empty,
        n_broken=0,
        first_broken=None,
        stays_broken=False,
        resumes=(),
        window=None,
        token="a:1",
    )
    return dataclasses.replace(lines, **changes)


class FakeSource:
    """Answers pages from memory."""

    def __init__(
        self,
        table: Overview | None = None,
        views: dict[str, RunView] | None = None,
        lines: RunCurves | None = None,
        problem: str = "",
    ) -> None:
        self.table = table or an_overview(run_row())
        self.views = {"sgd-0.1": run_view()} if views is None else views
        self.lines = lines
        self.problem = problem
        self.tables: dict[str, Any] = {}
        self.done: list[Activity] = []
        self.waits_for = ""
        self.asked: list[Window | None] = []
        self.looked: float | None = 1.5
        self.alerts = FakeAlerts()
        self.labels = FakeLabels()

    def overview(self, since: str = "") -> Overview:
        if since != self.table.token:
            return self.table
        return dataclasses.replace(self.table, rows=(), whole=False)

    def run(self, key: str) -> RunView | None:
        return self.views.get(key)

    def runs(self, keys: Iterable[str] | None = None) -> tuple[RunView, ...]:
        chosen = self.views if keys is None else [key for key in keys if key in self.views]
        return tuple(self.views[key] for key in chosen)

    def curves(
        self,
        key: str,
        window: Window | None = None,
        half_life: int | None = None,
        *,
        is_coarse: bool = False,
        names_schedule: bool = False,
        own: Sequence[str] = (),
        patience: float | None = None,
    ) -> RunCurves | None:
        self.asked.append(window)
        if self.lines is None or key not in self.views:
            return None
        known = {line.name: line for line in self.lines.own}
        found = tuple(known.get(name, Curve(name, np.empty(0), np.empty(0))) for name in own)
        schedule = self.lines.schedule if names_schedule else ""
        return dataclasses.replace(self.lines, own=found, schedule=schedule)

    def rows(self, key: str) -> Any | None:
        return self.tables.get(key)

    def activity(self, run: str = "") -> list[Activity]:
        return [done for done in self.done if run in ("", done.run)]

    def healthy(self) -> str:
        return self.problem

    def ready(self) -> str:
        return self.waits_for

    def looked_ago(self) -> float | None:
        return self.looked


class FakeLabels:
    """Keeps what was said of runs."""

    def __init__(self, problem: str = "", *, is_read_only: bool = False) -> None:
        self.problem = problem
        self.is_read_only = is_read_only
        self.said: list[Any] = []

    def label(self, keys: Sequence[str], change: LabelChange) -> str:
        self.said.append((list(keys), change))
        return self.problem

    def throw_away(self, keys: Sequence[str]) -> tuple[str, str]:
        self.said.append(list(keys))
        return self.problem, "" if self.problem else "receipt"

    def take_back(self, receipt: str) -> str:
        self.said.append(receipt)
        return self.problem


class FakeAlerts:
    """Answers the Alerts page from memory, and keeps what was said."""

    def __init__(self, board: AlertBoard | None = None, problem: str = "") -> None:
        self.shown = board or AlertBoard()
        self.is_read_only = False
        self.problem = problem
        self.said: list[Any] = []

    def board(self) -> AlertBoard:
        return self.shown

    def acknowledge(self, alert: str, episode: int, by: str = "") -> str:
        self.said.append((alert, episode, by))
        return self.problem

    def silence(
        self, matcher: Matcher, *, seconds: float, reason: str, by: str = "", until_worse: bool
    ) -> str:
        self.said.append((matcher, seconds, reason, by, until_worse))
        return self.problem

    def end_silence(self, silence: str) -> str:
        self.said.append(silence)
        return self.problem


def text_of(part: Any) -> str:
    """Return what a reader sees of Dash elements."""
    if part is None:
        return ""
    if isinstance(part, (list, tuple)):
        return " ".join(" ".join(map(text_of, part)).split())
    if isinstance(part, (str, int, float)):
        return str(part)
    return text_of(getattr(part, "children", None))
