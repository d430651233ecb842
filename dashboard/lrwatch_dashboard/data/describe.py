"""From what is known of a run to the view models of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lrwatch.diagnosis import Diagnosis, Evidence
from lrwatch.formats import count
from lrwatch_dashboard.data.follower import Follower
from lrwatch_dashboard.theme import VERDICTS
from lrwatch_dashboard.views import EvidenceRow, Judgement, Outcome, RunRow, RunState, RunView

__all__ = ["run_row", "run_view", "state_of", "triage_order"]

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


def run_row(follower: Follower, now: float) -> RunRow:
    """Return the run's row of the table."""
    entry, info, judgement = follower.entry, follower.info, _judgement(follower)
    return RunRow(
        key=entry.key,
        name=_name(follower),
        verdict=judgement.verdict,
        why=judgement.reason,
        state=state_of(follower, now),
        lr=follower.peak_lr,
        suggested_lr=judgement.suggested_lr,
        best_loss=follower.best_loss,
        steps=follower.n_steps,
        created_at=info.created_at if info is not None else entry.last_write,
        updated_at=entry.last_write,
        sparkline=follower.sparkline.heights(),
        broken=follower.is_broken,
        problem=follower.problem,
    )


def triage_order(row: RunRow) -> tuple[int, bool, float, str]:
    """Return what rows are sorted by: worst first, then still running, then newest."""
    severity = _SEVERITY.get(row.verdict, len(_SEVERITY))
    return severity, row.state != "running", -row.created_at, row.key


def run_view(follower: Follower, now: float) -> RunView:
    """Return what the Run page says of a run; its neighbours and token are left empty."""
    entry, info = follower.entry, follower.info
    known: dict[str, Any] = {}
    if info is not None:
        known = {
            "total_steps": info.total_steps,
            "optimizer": info.optimizer,
            "created_at": info.created_at,
            "config": info.config,
            "environment": info.environment,
            "lost_rows": info.lost_rows,
        }
    return RunView(
        key=entry.key,
        name=_name(follower),
        state=state_of(follower, now),
        judgement=_judgement(follower),
        last_step=follower.last_step,
        lr=follower.peak_lr,
        best_loss=follower.best_loss,
        updated_at=entry.last_write,
        usual_gap=follower.usual_gap,
        problem=follower.problem,
        **known,
    )


def _name(follower: Follower) -> str:
    # The key and not the name in run.json: it tells runs of one name in two folders apart.
    key, info = follower.entry.key, follower.info
    return info.name if key == "." and info is not None and info.name else key


def _judgement(follower: Follower) -> Judgement:
    diagnosis = follower.diagnosis
    if diagnosis is None or not follower.n_steps:
        if follower.problem:
            return Judgement("unreadable", follower.problem)
        if diagnosis is None:
            return Judgement("judging", "Being read; the verdict follows")
        return Judgement("insufficient_data", "No step was recorded yet")
    reason = diagnosis.reason
    if diagnosis.verdict == "insufficient_data" and not reason:
        reason = f"Not enough data: {count(follower.n_steps)} steps"
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
        EvidenceRow(e.name, _outcome(e), e.value, e.threshold, e.interval, e.note)
        for e in diagnosis.evidence
    ]
    return tuple(sorted(rows, key=lambda row: order[row.outcome]))


def _outcome(evidence: Evidence) -> Outcome:
    if evidence.value is None and not evidence.fired:
        return "not run"
    return "fired" if evidence.fired else "quiet"
