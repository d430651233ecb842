"""What is known of every alert: its state, whether it was sent, who is handling it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from lrwatch.alert import SEVERITIES, Alert, State
from lrwatch.alerts.history import Event
from lrwatch.alerts.rules import UNREADABLE
from lrwatch.alerts.silences import Acknowledgement, Silence
from lrwatch.alerts.telling import decide, inhibited
from lrwatch.alerts.watcher_state import KnownAlert, RuleTally, ToldStatus
from lrwatch.delivery import Message

__all__ = ["KEPT_SECONDS", "AlertMemory", "Change"]

KEPT_SECONDS: Final = 7 * 86400.0
"""For so long an alert that is over is kept, after it was sent or entered its state."""

_ACTIVE: Final[tuple[State, ...]] = ("firing", "recovering")

Change = tuple[Event, KnownAlert]
"""An event for the history, and the alert that it happened to."""


class AlertMemory:
    """Keeps what is known of alerts from one look to the next.

    Parameters
    ----------
    known
        As the last watcher left it.
    tallies
        How often each rule was sent, acknowledged and silenced.

    Attributes
    ----------
    known
        By id of the alert.
    tallies
        By name of the rule.
    """

    def __init__(
        self, known: Iterable[KnownAlert] = (), tallies: Mapping[str, RuleTally] | None = None
    ) -> None:
        self.known = {one.alert.id: one for one in known}
        self.tallies = dict(tallies or {})

    def follow(self, changed: Alert) -> Iterator[tuple[Alert, ToldStatus]]:
        """Record an alert that entered a state; yield what is to be sent of which alert now.

        For those who follow rows from the first one: nothing is grouped, and nothing repeated.
        """
        self.known[changed.id] = self._met(KnownAlert(changed, ".", "running"))
        hidden = inhibited(one.alert for one in self.known.values())
        self.known = {i: replace(o, inhibited_by=hidden.get(i)) for i, o in self.known.items()}
        for one in list(self.known.values()):
            decision = decide(one)
            if decision.outcome == "send":
                self.mark_told([one.alert], decision.status, one.alert.time)
                yield one.alert, decision.status

    def take(
        self,
        seen: Iterable[KnownAlert],
        keys: Collection[str],
        followed: Collection[str],
        now: float,
    ) -> list[Change]:
        """Record what a look at the store gave; return what changed.

        Parameters
        ----------
        seen
            Alerts of the runs that were looked at; only alert, run and its state are used.
        keys, followed
            Runs of the store, and those of them that were written recently.
        now
            Seconds since the Unix epoch.
        """
        before = self.known
        present = {one.alert.id: self._met(one) for one in seen}
        absent = {i: _missed(o, keys, followed) for i, o in before.items() if i not in present}
        found = {**{i: one for i, one in absent.items() if one}, **present}
        hidden = inhibited(one.alert for one in found.values())
        changes: list[Change] = []
        self.known = {}
        for i, one in found.items():
            has_changed = _mark(one) != _mark(before.get(i))
            changed_at = now if has_changed else one.changed_at
            is_old = now - max(one.told_at or 0.0, changed_at) > KEPT_SECONDS
            if is_old and one.alert.state not in _ACTIVE:
                continue
            self.known[i] = replace(one, inhibited_by=hidden.get(i), changed_at=changed_at)
            if has_changed and one.alert.state != "pending":
                changes.append((one.alert.state, self.known[i]))
        return changes

    def mark_handled(
        self,
        silences: Sequence[Silence],
        acknowledgements: Mapping[tuple[str, int], Acknowledgement],
    ) -> list[Change]:
        """Record who silenced or acknowledged which alerts; return what changed."""
        changes: list[Change] = []
        before = list(self.known.values())
        for one in before:
            i = one.alert.id
            ack = acknowledgements.get((i, one.alert.episode))
            said_by = None if ack is None else ack.by
            silence = next((s.id for s in silences if _is_silenced(one, s, before)), None)
            marked = replace(one, acknowledged_by=said_by, silenced_by=silence)
            self.known[i] = marked
            if said_by is not None and one.acknowledged_by is None:
                self._count(marked, "acknowledged")
                changes.append(("acknowledged", marked))
            if silence is not None and one.silenced_by is None:
                self._count(marked, "silenced")
                changes.append(("silenced", marked))
        return changes

    def mark_told(self, alerts: Iterable[Alert], status: ToldStatus, now: float) -> None:
        """Remember that alerts are sent."""
        for alert in alerts:
            one = self.known[alert.id]
            times = one.times_told if one.told_episode == alert.episode else 0
            self.known[alert.id] = replace(
                one,
                told_at=now,
                told_episode=alert.episode,
                told_status=status,
                times_told=times + (status == "firing"),
            )
            if status == "firing":
                self._count(one, "sent")

    def restore(self, message: Message) -> None:
        """Remember a message that was sent, with its alerts as they were then."""
        for alert in message.alerts:
            earlier = self.known.get(alert.id)
            # Where and how the run is, the next look at the store says.
            self.known[alert.id] = (
                KnownAlert(alert, "", "running", changed_at=message.created_at)
                if earlier is None
                else replace(earlier, alert=alert)
            )
        status: ToldStatus = "resolved" if message.status == "resolved" else "firing"
        self.mark_told(message.alerts, status, message.created_at)

    def mark_over_in_silence(self) -> None:
        """Drop what ended while it was silenced: that it is over is not sent later."""
        for i, one in self.known.items():
            is_over = one.alert.state == "resolved" and one.told_status == "firing"
            if is_over and one.is_told and one.silenced_by is not None:
                self.known[i] = replace(one, told_status="resolved")

    def _met(self, seen: KnownAlert) -> KnownAlert:
        earlier = self.known.get(seen.alert.id, seen)
        return replace(earlier, alert=seen.alert, run_key=seen.run_key, run_state=seen.run_state)

    def _count(self, one: KnownAlert, what: str) -> None:
        tally = self.tallies.get(one.alert.rule, RuleTally())
        more: dict[str, Any] = {what: getattr(tally, what) + 1}
        self.tallies[one.alert.rule] = replace(tally, **more)


def _is_silenced(one: KnownAlert, silence: Silence, known: Iterable[KnownAlert]) -> bool:
    if not silence.matcher.matches(one.alert, one.run_key):
        return False
    if not silence.until_worse or one.silenced_by == silence.id:
        return True
    return not any(
        SEVERITIES[other.alert.severity] < SEVERITIES[one.alert.severity]
        for other in known
        if other.silenced_by == silence.id and other.alert.run_id == one.alert.run_id
    )


def _missed(one: KnownAlert, keys: Collection[str], followed: Collection[str]) -> KnownAlert | None:
    """Return what is to be known of an alert that was not seen this time."""
    if one.alert.state == "pending":
        return None
    run_state = one.run_state
    if one.run_key not in keys:
        run_state = "gone"
    elif one.run_key not in followed:
        run_state = "silent"  # not written for too long to be looked at
    state = one.alert.state
    if state in _ACTIVE:
        # What was unreadable was known by its folder alone; now it has a name.
        can_be_read = one.alert.rule == UNREADABLE and one.run_key in followed
        state = "resolved" if can_be_read else "closed"
    return replace(one, run_state=run_state, alert=replace(one.alert, state=state))


def _mark(one: KnownAlert | None) -> tuple[object, ...]:
    return () if one is None else (one.alert.episode, one.alert.state)
