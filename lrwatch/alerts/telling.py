"""Which alerts are sent now, and why the others are not: one list of stages for everybody.

::

    alert -> severity -> inhibition -> silence -> acknowledgement -> sent, or grouped first

The training thread, `replay` and the watcher ask `decide`, so that they cannot disagree; the
watcher then groups what is due (`lrwatch.alerts.grouping`). A stage is a plain function from an
alert to the reason why it is held back, and to nothing where it passes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from lrwatch.alert import Alert, State
from lrwatch.alerts.rules import INHIBITED_BY
from lrwatch.alerts.watcher_state import KnownAlert, ToldStatus

__all__ = ["ACTIVE", "STAGES", "Decision", "Stage", "decide", "inhibited"]

Stage = Callable[[KnownAlert, ToldStatus], str]

ACTIVE: Final[tuple[State, ...]] = ("firing", "recovering", "closed")
"""What fires, what may come back at once, and what the run ended in."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is sent of an alert now, and why.

    Attributes
    ----------
    outcome
        ``send`` it, ``held`` back by a stage, or ``nothing`` to say.
    status
        What would be said: that it fires, or that it is over.
    stage
        Name of the stage that held it back; empty otherwise.
    reason
        Why, in words.
    """

    outcome: Literal["send", "held", "nothing"]
    status: ToldStatus
    stage: str
    reason: str


def decide(one: KnownAlert) -> Decision:
    """Pass one alert through the stages.

    An episode is sent once when it fires, and once when it is over if that it fired was sent.
    """
    status, nothing = _what_is_new(one)
    if nothing:
        return Decision("nothing", status, "", nothing)
    for name, stage in STAGES.items():
        reason = stage(one, status)
        if reason:
            return Decision("held", status, name, reason)
    return Decision("send", status, "", "it is due")


def inhibited(alerts: Iterable[Alert]) -> dict[str, str]:
    """Return which alerts say less than another one on the same run, and the rule of that one.

    Parameters
    ----------
    alerts
        Alerts of any number of runs, each in its present state.

    Returns
    -------
    dict
        By id of the alert that says less.
    """
    alerts = list(alerts)
    active: dict[str, set[str]] = defaultdict(set)
    for alert in alerts:
        if alert.state in ACTIVE:
            active[alert.run_id].add(alert.rule)
    none: frozenset[str] = frozenset()
    louder = {a.id: INHIBITED_BY.get(a.rule, none) & active[a.run_id] for a in alerts}
    return {i: min(rules) for i, rules in louder.items() if rules}


def _what_is_new(one: KnownAlert) -> tuple[ToldStatus, str]:
    """Return what could be said of an alert, and why there is nothing, if there is nothing."""
    state = one.alert.state
    if state == "pending":
        return "firing", "it has not held for long enough to be sure"
    if state in ACTIVE:
        return "firing", "this episode was already sent" if one.is_told else ""
    if not one.is_told:
        return "resolved", "it was over before it was sent"
    return "resolved", "that it is over was already sent" if one.told_status != "firing" else ""


def _severity(one: KnownAlert, _: ToldStatus) -> str:
    return "its severity is info: shown, not sent" if one.alert.severity == "info" else ""


def _inhibition(one: KnownAlert, _: ToldStatus) -> str:
    return f"{one.inhibited_by} on the same run says more" if one.inhibited_by else ""


def _silence(one: KnownAlert, _: ToldStatus) -> str:
    return f"silence {one.silenced_by} covers it" if one.silenced_by is not None else ""


def _acknowledgement(one: KnownAlert, status: ToldStatus) -> str:
    # Whoever handles it wants to know that it is over.
    is_handled = one.acknowledged_by is not None and status == "firing"
    return f"{one.acknowledged_by} is handling it" if is_handled else ""


STAGES: Final[dict[str, Stage]] = {
    "severity": _severity,
    "inhibition": _inhibition,
    "silence": _silence,
    "acknowledgement": _acknowledgement,
}
"""In this order; the first that gives a reason decides."""
