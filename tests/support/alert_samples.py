"""Alerts without a run, runs that become alerts, and a clock that is set by hand."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from pathlib import Path
from typing import Any

from stores import new_writer, row

from lrwatch.alert import Alert, alert_id
from lrwatch.store.writer import RunWriter

__all__ = ["START", "HandClock", "aged", "an_alert", "diverge", "go_on"]

START = 1_700_000_000.0


class HandClock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


def go_on(writer: RunWriter, first: int, n_rows: int, **values: float) -> None:
    """Write rows of a run that is well, unless `values` say otherwise."""
    for step in range(first, first + n_rows):
        writer.append(row(step, writer, **{"loss": 2.0 / (1 + step), **values}))


def diverge(store: Path, name: str = "bad", *, status: str | None = None, **info: Any) -> RunWriter:
    """Write a run whose loss stops being finite at step 40; ``status=None`` leaves it running."""
    writer = new_writer(store, name, **info)
    go_on(writer, 0, 40)
    go_on(writer, 40, 20, loss=math.nan)
    if status is not None:
        writer.close(status)
    return writer


def aged(run: Path, seconds: float) -> None:
    """Make every file of a run as old as that."""
    then = time.time() - seconds
    for path in [*run.rglob("*"), run]:
        os.utime(path, (then, then))


def an_alert(**fields: Any) -> Alert:
    """Make an alert that fires; its id and run id follow from rule and run unless given."""
    run, rule = fields.get("run", "sgd-3.0"), fields.get("rule", "diverging")
    run_id = fields.setdefault("run_id", f"id-{run}")
    fields.setdefault("id", alert_id(rule, run_id))
    alert = Alert(
        id="",
        episode=1,
        rule="diverging",
        severity="page",
        state="firing",
        run_id="",
        run="sgd-3.0",
        group=None,
        verdict="diverging",
        learning_rate="too_high",
        confidence=0.99,
        interval=(40, 60),
        reason="Loss rose from 2.3 to 40 over steps 40 to 60",
        advice="Try a learning rate of 0.3",
        lr=3.0,
        suggested_lr=0.3,
        step=60,
        since_step=40,
        time=1_700_000_000.0,
    )
    return dataclasses.replace(alert, **fields)
