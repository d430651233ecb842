"""From what is known of a run to the view models of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lrwatch.comparing import flat_settings
from lrwatch.formats import count
from lrwatch.verdicts import Diagnosis, Evidence
from lrwatch_dashboard.data.follower import Follower
from lrwatch_dashboard.theme import VERDICTS
from lrwatch_dashboard.views import (
    Curve,
    EvidenceRow,
    Judgement,
    Outcome,
    RunRow,
    RunView,
)

__all__ = ["described", "triage_order"]

_PLACES: Final = 64
_TOP: Final = 99  # height of the small loss curve

_SEVERITY: Final[Mapping[str, int]] = {verdict: rank for rank, verdict in enumerate(VERDICTS)}


def described(follower: Follower) -> tuple[RunRow, RunView]:
    """Return what the table and the run's own page say.

    The view's neighbours and token are left empty.
    """
    view = _run_view(follower)
    return _run_row(follower, view), view


def _run_row(follower: Follower, view: RunView) -> RunRow:
    entry, info, judgement = follower.entry, follower.info, view.judgement
    summary = follower.summary
    return RunRow(
        key=entry.key,
        name=view.name,
        verdict=judgement.verdict,
        why=judgement.reason,
        state=view.state,
        lr=summary.peak_lr,
        suggested_lr=judgement.suggested_lr,
        best_loss=summary.best_loss,
        steps=summary.n_steps,
        created_at=info.created_at if info is not None else entry.last_write,
        updated_at=entry.last_write,
        sparkline=summary.losses.heights(_PLACES, _TOP),
        broken=summary.is_broken,
        problem=follower.problem,
        has_alerts=bool(view.alerts),
    )


def triage_order(row: RunRow) -> tuple[int, bool, float, str]:
    """Return what rows are sorted by: worst first, then still running, then newest."""
    severity = _SEVERITY.get(row.verdict, len(_SEVERITY))
    return severity, row.state != "running", -row.created_at, row.key


def _run_view(follower: Follower) -> RunView:
    entry, info, summary = follower.entry, follower.info, follower.summary
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
        name=follower.name,
        state=follower.state,
        judgement=_judgement(follower),
        last_step=summary.last_step,
        lr=summary.peak_lr,
        best_loss=summary.best_loss,
        updated_at=entry.last_write,
        usual_gap=summary.gaps.usual or None,
        problem=follower.problem,
        is_broken=summary.is_broken,
        outline=Curve("loss", summary.losses.steps, summary.losses.means),
        clock=follower.clock,
        trial=follower.trial,
        alerts=follower.active_alerts(),
        **known,
    )


def _judgement(follower: Follower) -> Judgement:
    diagnosis = follower.diagnosis
    if diagnosis is None or not follower.summary.n_rows:
        if follower.problem:
            return Judgement("unreadable", follower.problem)
        if diagnosis is None:
            return Judgement("judging", "Being read; the verdict follows")
        return Judgement("insufficient_data", "No step was recorded yet")
    reason = diagnosis.reason
    if diagnosis.verdict == "insufficient_data" and not reason:
        reason = f"Not enough data: {count(follower.summary.n_steps)} steps"
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
