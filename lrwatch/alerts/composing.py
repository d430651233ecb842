"""From a `Notification` to the `Message` that people read."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from lrwatch.alert import SEVERITIES, Alert
from lrwatch.alerts.grouping import Notification
from lrwatch.alerts.rules import NO_DATA, UNREADABLE
from lrwatch.alerts.telling import ACTIVE
from lrwatch.alerts.watcher_state import JudgedRun, KnownAlert
from lrwatch.alerts.wording import headline, headline_of_many, sentences
from lrwatch.delivery.message import Message
from lrwatch.formats import number, printable

__all__ = ["message_for"]

_MOST_LINES: Final = 10
"""Runs that a message lists one by one."""

_HIGH_SIDE: Final = frozenset({"diverging", "too_high"})


def message_for(
    notice: Notification,
    known: Collection[KnownAlert],
    runs: Mapping[str, JudgedRun],
    *,
    dashboard: str,
    now: float,
) -> Message:
    """Put a notification into words.

    The id follows from what is said, so that a watcher that was killed before it noted a
    message as sent makes the same one again.

    Parameters
    ----------
    notice
        What is to be said.
    known
        All alerts of runs that were written recently.
    runs
        Those runs, by their path in the store.
    dashboard
        Address of the dashboard for links; empty if there is none.
    now
        Seconds since the Unix epoch.
    """
    alerts = notice.alerts
    return Message(
        id=_message_id(notice),
        status=notice.status,
        severity=max((one.alert.severity for one in alerts), key=lambda s: SEVERITIES[s]),
        title=_title(notice, known, runs),
        lines=_lines(alerts),
        alerts=tuple(one.alert for one in alerts),
        link=_link(alerts, dashboard),
        created_at=now,
    )


def _message_id(notice: Notification) -> str:
    parts = sorted(
        f"{one.alert.id} {one.alert.episode} {one.times_told if one.is_told else 0} "
        f"{_beginning(one.alert)}"
        for one in notice.alerts
    )
    text = "\n".join([notice.group, notice.status, *parts])
    return f"msg_{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def _beginning(alert: Alert) -> float:
    """Tell an episode from one that had its number and is forgotten by now."""
    # Rows say the same however often they are read; of what the clock says only a note is left.
    return alert.time if alert.rule in (NO_DATA, UNREADABLE) else alert.since_step


def _title(
    notice: Notification, known: Collection[KnownAlert], runs: Mapping[str, JudgedRun]
) -> str:
    rule, n = notice.alerts[0].alert.rule, len(notice.alerts)
    if n == 1:
        return f"{'Still: ' * notice.is_repeat}{headline(notice.alerts[0].alert)}"
    if notice.status == "resolved":
        return f"{n} runs have recovered ({rule.replace('_', ' ')})"
    peers = _peers(notice, runs)
    these = {one.run_key for one in notice.alerts}
    told = {
        one.run_key
        for one in known
        if one.alert.rule == rule and one.is_told and one.alert.state in ACTIVE
    }
    bad = (these | told) & peers.keys()
    total = f"{len(bad)} of {len(peers)}"
    if notice.is_repeat:
        return f"Still: {headline_of_many(rule, f'{total} runs')}"
    if len(bad) > n:
        return f"{headline_of_many(rule, f'{n} more runs')}, now {total}"
    return headline_of_many(rule, f"{total} runs") + _rates(rule, bad, peers)


def _peers(notice: Notification, runs: Mapping[str, JudgedRun]) -> dict[str, JudgedRun]:
    """Return the runs among which those of the notice are counted: their job's, or all."""
    jobs = {one.alert.group for one in notice.alerts}
    if len(jobs) == 1 and None not in jobs:
        return {key: run for key, run in runs.items() if run.group in jobs}
    return dict(runs)


def _rates(rule: str, bad: Collection[str], runs: Mapping[str, JudgedRun]) -> str:
    """Say which learning rates the runs have, where that tells them from all the others."""
    theirs = [runs[key].peak_lr for key in bad]
    known = {key: run.peak_lr for key, run in runs.items() if math.isfinite(run.peak_lr)}
    others = [peak_lr for key, peak_lr in known.items() if key not in bad]
    if not theirs or not others or not all(map(math.isfinite, theirs)):
        return ""
    if rule in _HIGH_SIDE and min(theirs) > max(others):
        return f", all with lr >= {number(min(theirs))}"
    if rule == "too_low" and max(theirs) < min(others):
        return f", all with lr <= {number(max(theirs))}"
    return ""


def _lines(alerts: Sequence[KnownAlert]) -> tuple[str, ...]:
    if len(alerts) == 1:
        text = sentences(alerts[0].alert)
        return (text,) if text else ()
    lines = [f"{printable(one.run_key)}: {sentences(one.alert)}" for one in alerts[:_MOST_LINES]]
    if len(alerts) > _MOST_LINES:
        lines.append(f"and {len(alerts) - _MOST_LINES} more")
    return tuple(lines)


def _link(alerts: Sequence[KnownAlert], dashboard: str) -> str:
    if not dashboard:
        return ""
    address = dashboard.rstrip("/")
    if len(alerts) > 1:
        return f"{address}/alerts"
    one = alerts[0]
    key = "" if one.run_key == "." else quote(os.fsencode(one.run_key), safe="/")
    interval = one.alert.interval
    zoom = f"?from={interval[0]}&to={interval[1]}" if interval and interval[0] < interval[1] else ""
    return f"{address}/run/{key}{zoom}"
