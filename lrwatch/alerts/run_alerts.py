"""The alerts of one run, brought forward with its rows: the same live, beside and replayed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lrwatch.alert import Alert
from lrwatch.alerts.episode import Episode
from lrwatch.alerts.rules import RULES, Rule
from lrwatch.diagnosis.alarms import CONFIDENT, LOOKS, SETTLED
from lrwatch.monitor import Check, Monitor
from lrwatch.records import FloatArray, RunInfo, StepBlock, rising
from lrwatch.tables import step_block
from lrwatch.verdicts import CLASSES, Alarm, Diagnosis

__all__ = ["Beside", "RunAlerts"]

DOUBTFUL: Final = 0.5
"""Confidence below which a verdict that an alert fired for counts as gone."""

GROWN: Final = 1.1
"""By so much a run must have grown between two looks that agree."""

_FOUND: Final = (
    "verdict", "learning_rate", "confidence", "interval", "reason", "advice", "suggested_lr"
)  # fmt: skip


class RunAlerts:
    """Follows one run and says when something about it becomes, or stops to be, an alert.

    What comes out depends on the rows alone, so that a run followed anew from its first row,
    after a restart say, gives the same alerts with the same identities.

    Parameters
    ----------
    info
        Whose run it is; identity, name, group and planned steps are used.
    rules
        Which verdicts become alerts. Rules without verdicts are not for here.
    """

    def __init__(self, info: RunInfo, rules: Sequence[Rule] = RULES) -> None:
        self.info = info
        self.monitor = Monitor(total_steps=info.total_steps)
        self._followed = [_Followed(Episode(rule)) for rule in rules if rule.verdicts]
        self._last = (0, 0.0)  # step, and seconds since the Unix epoch
        self._last_lr = math.nan
        self._beside = Beside()

    def update(self, rows: Any) -> list[Alert]:
        """Take the next rows of the run; return the alerts that entered a state, in order.

        Parameters
        ----------
        rows
            A `StepBlock`, or any table of steps that `lrwatch.tables.step_block` reads.

        Raises
        ------
        InvalidArgument
            As `Monitor.update`.
        """
        block = rows if isinstance(rows, StepBlock) else step_block(rows)
        return [alert for piece in rising(block) for alert in self._update(piece)]

    def beside(self, found: Diagnosis, *, is_final: bool) -> None:
        """Take what is said of the run beside its siblings, which goes before its own verdict.

        Parameters
        ----------
        found
            The verdict on the rows so far.
        is_final
            Whether the run has ended, so that no second look can come.
        """
        self._beside.see(found, is_final=is_final)
        for followed in self._followed:
            flagged = self._beside.flags(followed.episode.rule)
            if flagged is None:
                continue
            if flagged:
                followed.finding, followed.lr = found, self._last_lr
            list(followed.episode.see(*self._last, is_flagged=flagged, is_sure=flagged))

    def end(self) -> list[Alert]:
        """End with the run: what fires is kept as a finding."""
        return [self._alert(f) for f in self._followed if f.episode.close(*self._last)]

    def diagnosis(self) -> Diagnosis:
        """Diagnose the run as it stands, as `Monitor.diagnosis` does."""
        return self.monitor.diagnosis()

    @property
    def alerts(self) -> list[Alert]:
        """Every alert that is in a state, as it entered it."""
        return [self._alert(f) for f in self._followed if f.episode.state is not None]

    def _update(self, block: StepBlock) -> Iterator[Alert]:
        """Take rows whose steps rise."""
        times = np.where(block.time > 0, block.time / 1e6, 0.0)
        if block.step[0] <= self._last[0]:
            for followed in self._followed:
                followed.episode.go_back(int(block.step[0]), float(times[0]))
        begin = 0
        for check in self.monitor.checks(block):
            at = begin + int(np.argmax(block.step[begin:] == check.step))
            yield from self._pass_rows(block, times, slice(begin, at))
            yield from self._see(check, float(times[at]), float(block.lr[at]))
            begin = at + 1
        yield from self._pass_rows(block, times, slice(begin, len(block)))
        self._last, self._last_lr = (int(block.step[-1]), float(times[-1])), float(block.lr[-1])

    def _pass_rows(self, block: StepBlock, times: FloatArray, rows: slice) -> Iterator[Alert]:
        for followed in self._followed:
            if followed.episode.pass_rows(block.step[rows], times[rows]):
                yield self._alert(followed)

    def _see(self, check: Check, time: float, lr: float) -> Iterator[Alert]:
        for followed in self._followed:
            episode = followed.episode
            is_ours = check.verdict in episode.rule.verdicts
            is_sure = is_ours and check.is_standing
            is_flagged = is_sure or (is_ours and check.confidence >= DOUBTFUL)
            by_siblings = None if _was_lost(check) else self._beside.flags(episode.rule)
            if by_siblings is not None:
                is_flagged = is_sure = by_siblings
            elif is_flagged:
                followed.finding, followed.lr = check.alarm(), lr
            elif episode.state in ("firing", "recovering"):
                # A lesser word for the same mistake is no recovery.
                is_flagged = check.is_standing and check.learning_rate in {
                    CLASSES[verdict] for verdict in episode.rule.verdicts
                }
            for _ in episode.see(check.step, time, is_flagged=is_flagged, is_sure=is_sure):
                yield self._alert(followed)

    def _alert(self, followed: _Followed) -> Alert:
        info = self.info
        found = {name: getattr(followed.finding, name) for name in _FOUND}
        return followed.episode.alert(info.id, info.name, info.group, lr=followed.lr, **found)


def _was_lost(check: Check) -> bool:
    """Whether the run went wrong so that it needs no other run to see it."""
    return check.is_standing and check.verdict in ("diverging", "exploding")


@dataclass(slots=True)
class _Followed:
    """An alert's life, and what was found when its condition last held."""

    episode: Episode
    finding: Alarm | Diagnosis | None = None
    lr: float = math.nan


class Beside:
    """What the siblings of a run say of its rate, once it is certain enough for an alert."""

    def __init__(self) -> None:
        self._found: Diagnosis | None = None
        self._agreeing = 0
        self._seen_at = 0

    def see(self, found: Diagnosis, *, is_final: bool) -> None:
        """Take what is said of the run now, and whether that is the last word."""
        before, self._found = self._found, found
        if before is None or before.learning_rate != found.learning_rate:
            self._agreeing, self._seen_at = 1, found.n_steps
        elif found.n_steps >= GROWN * self._seen_at:
            self._agreeing, self._seen_at = self._agreeing + 1, found.n_steps
        if is_final:
            self._agreeing = LOOKS

    def flags(self, rule: Rule) -> bool | None:
        """Return whether a rule's condition holds; ``None`` where the siblings do not say.

        That a rule does not hold needs one look, that it does two: a false alarm costs more.
        """
        found = self._found
        if found is None or found.confidence < CONFIDENT or found.n_steps < SETTLED:
            return None
        if found.learning_rate not in {CLASSES[verdict] for verdict in rule.verdicts}:
            return False
        return found.verdict in rule.verdicts if self._agreeing >= LOOKS else None
