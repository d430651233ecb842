"""What may be done about an alert in the training process: ``watch(..., on_alert=...)``.

A handler is any function of an `Alert`, called on a thread of its own; or one of the classes
here, which act on the training itself, on its thread, between two of its steps.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from lrwatch.alert import SEVERITIES, Severity, TrainingStopped
from lrwatch.alerts.wording import headline, sentences
from lrwatch.errors import InvalidArgument

if TYPE_CHECKING:
    from lrwatch.alert import Alert

__all__ = [
    "CutLearningRate",
    "Handler",
    "SaveCheckpoint",
    "StopTraining",
    "Training",
    "TrainingHandler",
    "at_least",
]

LEAST_CUT: Final = 0.5
DEEPEST_CUT: Final = 0.1
"""A rate is cut to between these shares of what it was, whatever the advice: less would not
help a run that goes wrong, and more than a factor of ten at once is a new experiment."""


class Training(Protocol):
    """The training of an optimizer, as a `TrainingHandler` may act on it between two steps."""

    @property
    def peak_lr(self) -> float:
        """Highest learning rate of the first parameter group so far; NaN where unknown."""

    def cut_learning_rate(self, factor: float) -> None:
        """Multiply all learning rates, and what schedulers compute them from.

        Nothing is done where they were cut after the step at which the alert fired: it does
        not know of that yet.
        """

    def mark(self, event: str) -> None:
        """Say what happened before the coming step, as `Run.mark` does."""


class TrainingHandler(ABC):
    """Acts on a training because of an alert, on its thread, just before its next step.

    Gradients are there then (unless the step takes a closure), and no parameter is about to
    change under the handler's hands. An exception other than `TrainingStopped` is logged and
    goes no further.

    Parameters
    ----------
    severity
        The least severity to act on: ``"page"`` for a run that diverges, ``"ticket"`` for every
        alert that is sent.

    Raises
    ------
    InvalidArgument
        If there is no such severity.
    """

    def __init__(self, *, severity: Severity = "ticket") -> None:
        self._severities = at_least(severity)

    def wants(self, alert: Alert) -> bool:
        """Tell whether to act on an alert."""
        return alert.severity in self._severities

    @abstractmethod
    def act(self, alert: Alert, training: Training) -> None:
        """Act, on the training thread."""


Handler: TypeAlias = "Callable[[Alert], object] | TrainingHandler"


class StopTraining(TrainingHandler):
    """Raises `lrwatch.TrainingStopped` in the training loop, instead of the next step.

    No parameter changes after the alert. The run ends as ``interrupted``. In a distributed job
    the exception is raised in the process of rank 0, and the launcher ends the others, as it
    does for any error.

    Parameters
    ----------
    severity
        The least severity that stops: by default only a run that diverges.
    """

    def __init__(self, *, severity: Severity = "page") -> None:
        super().__init__(severity=severity)

    def act(self, alert: Alert, training: Training) -> None:  # noqa: ARG002
        """Raise the exception.

        Raises
        ------
        TrainingStopped
            Always.
        """
        reason = sentences(alert).removesuffix(".")
        raise TrainingStopped(f"training is stopped because {headline(alert)}: {reason}", alert)


class CutLearningRate(TrainingHandler):
    """Cuts the learning rate to what the alert advises, once each time that an alert fires.

    All rates of the optimizer, and those that torch's schedulers compute them from, are
    multiplied by advised rate / highest rate so far, though by no less than 0.1 and no more
    than 0.5, so that the rest of a schedule keeps its form. It is logged, and the step has the
    factor in the column ``lrwatch/lr_cut``. Only alerts of a rate that is too high count. Not
    for distributed jobs, whose processes would go on with different rates.

    Parameters that are not finite any more stay so: `StopTraining` is for those.

    Parameters
    ----------
    severity
        The least severity to act on.
    """

    def wants(self, alert: Alert) -> bool:
        """Tell whether an alert advises a lower learning rate."""
        is_too_high = alert.learning_rate == "too_high" and alert.suggested_lr is not None
        return is_too_high and super().wants(alert)

    def act(self, alert: Alert, training: Training) -> None:
        """Cut."""
        ratio = (alert.suggested_lr or math.nan) / training.peak_lr
        share = min(max(ratio, DEEPEST_CUT), LEAST_CUT) if math.isfinite(ratio) else LEAST_CUT
        training.cut_learning_rate(share)


class SaveCheckpoint(TrainingHandler):
    """Calls a function that saves a checkpoint, between two steps, so that it is of one piece.

    Parameters
    ----------
    save
        Called with the alert on the training thread, which waits for it; in a distributed job
        in the process of rank 0 alone. What it raises is logged.
    severity
        The least severity to act on.
    """

    def __init__(self, save: Callable[[Alert], object], *, severity: Severity = "ticket") -> None:
        super().__init__(severity=severity)
        if not callable(save):
            raise InvalidArgument(f"SaveCheckpoint takes a function of an alert, got {save!r:.60}")
        self._save = save

    def act(self, alert: Alert, training: Training) -> None:
        """Save."""
        self._save(alert)
        training.mark("checkpoint")


def at_least(severity: str) -> frozenset[Severity]:
    """Return the severities that are no less than one.

    Raises
    ------
    InvalidArgument
        If there is no such severity.

    Examples
    --------
    >>> sorted(at_least("ticket"))
    ['page', 'ticket']
    """
    known = sorted(SEVERITIES, key=lambda name: -SEVERITIES[name])
    if severity not in known:
        raise InvalidArgument(f"severity must be one of {', '.join(known)}, got {severity!r}")
    return frozenset(known[: known.index(severity) + 1])
