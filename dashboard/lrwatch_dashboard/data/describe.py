"""From what is known of a run to the view models of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lrwatch.diagnosis.comparison import flat_settings
from lrwatch.formats import count
from lrwatch.verdicts import Diagnosis, Evidence
from lrwatch_dashboard.data.finding import Finding
from lrwatch_dashboard.data.follower import Follower
from lrwatch_dashboard.theme import VERDICTS
from lrwatch_dashboard.views import (
    EvidenceRow,
    Judgement,
    Outcome,
    RunRow,
    RunState,
    RunView,
)

__all__ = ["described", "state_of", "triage_order"]

_SILENT_SECONDS: Final = 30.0
_SILENT_GAPS: Final = 20.0
"""A run is silent after so many of its usual steps, and not before so many seconds."""

_SEVERITY: Final[Mapping[str, int]] = {verdict: rank for rank, verdict in enumerate(VERDICTS)}


def state_of(follower: Follower, now: float) -> RunState:
    """Return what a run is doing; `now` in seconds since the Unix epoch."""
    info = follower.info
    if info is None:
        return "unreadable"
    if info.status == "failed":
        return "failed"
    if info.status != "running":
        return "finished"
    patience = max(_SILENT_SECONDS, _SILENT_GAPS * (follower.usual_gap or 0.0))
    return "silent" if now - follower.entry.last_write > patience else "running"


def described(follower: Follower, now: float) -> tuple[RunRow, RunView]:
    """Return what the table and the run's own page say; `now` in seconds since the Unix epoch.

    The view's neighbours and token are left empty.
    """
    found = follower.finding
    view = _run_view(follower, found, now)
    return _run_row(follower, found, view), view


def _run_row(follower: Follower, found: Finding, view: RunView) -> RunRow:
    entry, info, judgement = follower.entry, follower.info, view.judgement
    return RunRow(
        key=entry.key,
        name=view.name,
        verdict=judgement.verdict,
        why=judgement.reason,
        state=view.state,
        lr=found.peak_lr,
        suggested_lr=judgement.suggested_lr,
        best_loss=found.best_loss,
        steps=found.n_steps,
        created_at=info.created_at if info is not None else entry.last_write,
        updated_at=entry.last_write,
        sparkline=found.heights,
        broken=found.is_broken,
        problem=follower.problem,
    )


def triage_order(row: RunRow) -> tuple[int, bool, float, str]:
    """Return what rows are sorted by: worst first, then still running, then newest."""
    severity = _SEVERITY.get(row.verdict, len(_SEVERITY))
    return severity, row.state != "running", -row.created_at, row.key


def _run_view(follower: Follower, found: Finding, now: float) -> RunView:
    entry, info = follower.entry, follower.info
    known: dict[str, Any] = {}
    if info is not None:
        known = {
            "total_steps": info.total_steps,
            "optimizer": info.optimizer,
            "created_at": info.created_at,
            "group": info.group or "",
            "config": flat_settings(info.config),
            "environment": info.environment,
            "lost_rows": info.lost_rows,
        }
    return RunView(
        key=entry.key,
        name=_name(follower),
        state=state_of(follower, now),
        judgement=_judgement(follower, found),
        last_step=found.last_step,
        lr=found.peak_lr,
        best_loss=found.best_loss,
        updated_at=entry.last_write,
        usual_gap=found.usual_gap,
        problem=follower.problem,
        is_broken=found.is_broken,
        outline=found.outline,
        clock=found.clock,
        **known,
    )


def _name(follower: Follower) -> str:
    # The key and not the name in run.json: it tells runs of one name in two folders apart.
    key, info = follower.entry.key, follower.info
    return info.name if key == "." and info is not None and info.name else key


def _judgement(follower: Follower, found: Finding) -> Judgement:
    diagnosis = found.diagnosis
    if diagnosis is None or not found.n_steps:
        if follower.problem:
            return Judgement("unreadable", follower.problem)
        if diagnosis is None:
            return Judgement("judging", "Being read; the verdict follows")
        return Judgement("insufficient_data", "No step was recorded yet")
    reason = diagnosis.reason
    if diagnosis.verdict == "insufficient_data" and not reason:
        reason = f"Not enough data: {count(found.n_steps)} steps"
    if follower.problem:
        reason = f"{reason}; part of the run cannot be read: {follower.problem}"
    return Judgement(
        verdict=diagnosis.verdict,
        reason=reason,
        advice=diagnosis.advice,
        confidence=diagnosis.confidence,
        suggested_lr=diagnosis.suggested_lr,
        interval=diagnosis.interval,
        first_alarm_step=diagnosis.first_alarm_step,
        evidence=_evidence(diagnosis),
    )


def _evidence(diagnosis: Diagnosis) -> tuple[EvidenceRow, ...]:
    order: dict[Outcome, int] = {"fired": 0, "quiet": 1, "not run": 2}
    rows = [
        EvidenceRow(e.name, _outcome(e), e.value, e.threshold, e.interval, e.note, e.speaks)
        for e in diagnosis.evidence
    ]
    return tuple(sorted(rows, key=lambda row: order[row.outcome]))


def _outcome(evidence: Evidence) -> Outcome:
    if evidence.value is None and not evidence.fired:
        return "not run"
    return "fired" if evidence.fired else "quiet"
