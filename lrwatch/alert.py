"""An `Alert`: something about a run that somebody should know, in one of its states."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

from lrwatch.codec import FloatOrNan
from lrwatch.errors import LrwatchError
from lrwatch.verdicts import LearningRate, Verdict

__all__ = ["SEVERITIES", "Alert", "Severity", "State", "TrainingStopped", "alert_id"]

Severity = Literal["page", "ticket", "info"]
"""How much it matters: wakes somebody, can wait for the morning, is only shown."""

SEVERITIES: Final[dict[Severity, int]] = {"info": 0, "ticket": 1, "page": 2}
"""The greater, the worse."""

State = Literal["pending", "firing", "recovering", "resolved", "closed"]
"""Where an alert is in its life; see `lrwatch.alerts.episode`. ``closed``: the run ended in it."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it enters a state.

    Attributes
    ----------
    id
        Identity, from rule and run: survives restarts, resumes, and renames of the folder.
    episode
        How many times it has fired, this one included; 0 while it never did. `id` and
        `episode` together name one thing that is sent once.
    rule
        Name of the `Rule`.
    severity, state
        As of now.
    run_id, run, group
        Identity of the run, its name, and the name that the runs of one job share.
    verdict, learning_rate, confidence, interval, reason, advice, suggested_lr
        As in `lrwatch.diagnosis.Alarm`; for a rule that is not about a verdict, the verdict is
        ``insufficient_data``.
    lr
        Learning rate of the first parameter group at `step`; NaN where unknown.
    step
        Step at which the state was entered.
    since_step
        Step at which it began to be wrong.
    time
        When the state was entered, seconds since the Unix epoch: the time of that step, or of
        the clock where no step was made.
    """

    id: str
    episode: int
    rule: str
    severity: Severity
    state: State
    run_id: str
    run: str
    group: str | None
    verdict: Verdict
    learning_rate: LearningRate
    confidence: FloatOrNan
    interval: tuple[int, int] | None
    reason: str
    advice: str
    lr: FloatOrNan
    suggested_lr: float | None
    step: int
    since_step: int
    time: FloatOrNan


def alert_id(rule: str, run_id: str) -> str:
    """Return the identity of a rule's alert on a run: 16 hexadecimal digits.

    Examples
    --------
    >>> alert_id("diverging", "20a1") == alert_id("diverging", "20a1")
    True
    """
    # A folder, and a run named after it, may have a name that is not UTF-8.
    text = f"{rule}\n{run_id}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]


class TrainingStopped(LrwatchError, RuntimeError):  # noqa: N818
    """A training was stopped by an alert, before a step, as `StopTraining` was asked to.

    Attributes
    ----------
    alert
        The `Alert` that stopped it.
    """

    def __init__(self, message: str, alert: Alert | None = None) -> None:
        super().__init__(message)
        self.alert = alert
