"""Alerts of runs in the process that trains: what was asked for, and acting on the training."""

from __future__ import annotations

import functools
import inspect
import logging
import math
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrwatch.alert import Alert, TrainingStopped
from lrwatch.alerts.handlers import CutLearningRate, Handler, TrainingHandler, at_least
from lrwatch.alerts.rules import RULES, Rule
from lrwatch.alerts.training_thread import RunInTraining, come_to_rest, follow, log_failure
from lrwatch.capture.between_steps import BetweenRecords, BetweenSteps
from lrwatch.errors import InvalidArgument
from lrwatch.formats import number
from lrwatch.recording.run import Run, at_exit
from lrwatch.store.writer import RunWriter

if TYPE_CHECKING:  # a loop of its own may have no torch
    from torch.optim import Optimizer

__all__ = ["LR_CUT", "Alerting"]

logger = logging.getLogger("lrwatch")

at_exit(come_to_rest)

_NOTHING_TO_CUT = (
    "CutLearningRate needs an optimizer of torch, whose rates it changes; in a loop of your own, "
    "give on_alert a function of the alert and have the loop go on with alert.suggested_lr"
)

LR_CUT = "lrwatch/lr_cut"
"""Column with the factor by which learning rates were multiplied before a step."""


@dataclass(frozen=True, slots=True)
class Alerting:
    """What was asked for with ``alerts=..., on_alert=...`` of `watch` and `open_run`.

    Attributes
    ----------
    rules
        Which verdicts become alerts; none to watch for nothing.
    handlers
        What to do when an alert fires, in this order.
    """

    rules: tuple[Rule, ...] = RULES
    handlers: tuple[Handler, ...] = ()

    @classmethod
    def of(cls, alerts: object, on_alert: object, *, has_optimizer: bool = True) -> Alerting:
        """Return the arguments, checked.

        Parameters
        ----------
        has_optimizer
            Whether there is an optimizer of torch to act on.

        Raises
        ------
        InvalidArgument
            If one is not allowed.
        """
        asked = cls(_rules(alerts), _handlers(on_alert))
        if asked.handlers and not asked.rules:
            raise InvalidArgument(
                "on_alert needs alerts, but they are switched off; leave out alerts=..."
            )
        if any(isinstance(handler, CutLearningRate) for handler in asked.handlers):
            if not has_optimizer:
                raise InvalidArgument(_NOTHING_TO_CUT)
            _check_one_process()
        return asked

    def prepare(self, run: Run, optimizer: Optimizer | None) -> None:
        """Make it possible to act on the training, where that was asked for.

        To be called before the run's recorder is attached; see `Intervention`.
        """
        if not self._on_training:
            return
        reference = weakref.ref(run)  # the run ends when nobody holds it any more

        def stop() -> None:
            if (run := reference()) is not None:
                run.end("interrupted")

        between_steps: BetweenSteps
        if optimizer is None:
            between_steps = BetweenRecords(on_stop=stop)
        else:
            from lrwatch.capture.intervention import Intervention

            between_steps = Intervention(optimizer, on_stop=stop)
        run.between_steps = between_steps
        run.at_end(lambda *_: between_steps.detach())

    def begin(self, run: Run, writer: RunWriter) -> None:
        """Follow a run that is being recorded, until it ends."""
        if not self.rules:
            return
        acting = None
        if run.between_steps is not None:
            run.between_steps.follow_skipped_steps()
            acting = _Acting(run.between_steps, weakref.ref(run), self._on_training)
        followed = RunInTraining(
            writer.folder,
            rules=self.rules,
            first_row=writer.n_rows,
            functions=[h for h in self.handlers if not isinstance(h, TrainingHandler)],
            ask=None if acting is None else acting.ask,
        )
        run.at_end(followed.end)
        follow(followed)

    @property
    def _on_training(self) -> list[TrainingHandler]:
        return [handler for handler in self.handlers if isinstance(handler, TrainingHandler)]


@dataclass(slots=True)
class _Acting:
    """Has handlers act on the training of a run."""

    between_steps: BetweenSteps
    run: weakref.ref[Run]  # which ends when nobody holds it any more
    handlers: Sequence[TrainingHandler]
    cut_at: int = -1  # step before which rates were cut last

    def ask(self, alert: Alert, peak_lr: float) -> None:
        """Have those who want to act on an alert do so before the next step."""
        for handler in self.handlers:
            act = functools.partial(self._act, handler, alert, peak_lr)
            self.between_steps.before_next_step(act)

    def _act(
        self, handler: TrainingHandler, alert: Alert, peak_lr: float, optimizer: Optimizer | None
    ) -> None:
        run = self.run()
        if run is None:
            return
        try:
            if handler.wants(alert):
                handler.act(alert, _Training(optimizer, run, self, alert, peak_lr))
        except TrainingStopped:
            raise
        except Exception as error:  # noqa: BLE001  the user's code, in the training loop
            log_failure(handler, alert, error)


@dataclass(frozen=True, slots=True)
class _Training:
    """What `TrainingHandler.act` is given."""

    optimizer: Optimizer | None
    run: Run
    acting: _Acting
    alert: Alert
    peak_lr: float

    def cut_learning_rate(self, factor: float) -> None:
        """See `Training`."""
        if self.optimizer is None:
            raise InvalidArgument(_NOTHING_TO_CUT)
        from lrwatch.capture.intervention import scale_learning_rates

        _check_one_process()
        if self.alert.step < self.acting.cut_at:
            return
        self.acting.cut_at = self.run.next_step
        before = _rate(self.optimizer)
        scale_learning_rates(self.optimizer, factor)
        after = _rate(self.optimizer)
        self.run.log_ahead(**{LR_CUT: factor})
        logger.warning(
            "%s: the alert cut the learning rate from %s to %s",
            self.run.name, number(before, 3), number(after, 3),
        )  # fmt: skip
        self.acting.between_steps.before_next_step(
            functools.partial(_check_kept, self.run.name, before, after)
        )

    def mark(self, event: str) -> None:
        """See `Training`."""
        self.run.log_ahead(**{f"event/{event}": 1.0})


def _check_kept(name: str, before: float, after: float, optimizer: Optimizer) -> None:
    """Say so if a rate that was cut has been set back at the step after."""
    now = _rate(optimizer)
    if now > math.sqrt(max(before * after, 0.0)) > 0:
        logger.warning(
            "%s: the learning rate is back at %s after it was cut to %s: the script, or a "
            "scheduler that is not torch's, sets it; lower it there",
            name, number(now, 3), number(after, 3),
        )  # fmt: skip


def _rate(optimizer: Optimizer) -> float:
    from lrwatch.capture.groups import learning_rates

    return float(learning_rates(optimizer)[0])


def _check_one_process() -> None:
    from lrwatch.capture import sharding

    if (n_processes := sharding.n_processes()) > 1:
        raise InvalidArgument(
            "CutLearningRate needs a job of one process, since each would have its own rate, got "
            f"{n_processes} processes; use StopTraining and restart with the suggested rate"
        )


def _rules(alerts: object) -> tuple[Rule, ...]:
    if alerts is None or alerts is False:
        return ()
    if alerts is True:
        return RULES
    if isinstance(alerts, str):
        return tuple(rule for rule in RULES if rule.severity in at_least(alerts))
    known = {rule.name: rule for rule in RULES if rule.verdicts}
    if isinstance(alerts, Iterable):
        rules = [known.get(rule) if isinstance(rule, str) else rule for rule in alerts]
        if rules and all(isinstance(rule, Rule) for rule in rules):
            return tuple({rule.name: rule for rule in rules if isinstance(rule, Rule)}.values())
    raise InvalidArgument(
        "alerts must be True, False, 'page' or 'ticket' for the least severity, or a list of "
        f"rules, or of their names ({', '.join(known)}); got {alerts!r:.60}"
    )


def _handlers(on_alert: object) -> tuple[Handler, ...]:
    if on_alert is None:
        return ()
    given = tuple(on_alert) if isinstance(on_alert, (list, tuple)) else (on_alert,)
    for handler in given:
        if isinstance(handler, type) and issubclass(handler, TrainingHandler):
            raise InvalidArgument(
                f"on_alert takes a handler, got its class; write {handler.__name__}()"
            )
        is_function = callable(handler) and not inspect.iscoroutinefunction(handler)
        if not (isinstance(handler, TrainingHandler) or is_function):
            raise InvalidArgument(
                "on_alert must be a plain function of an alert, a handler such as "
                f"lrwatch.StopTraining(), or a list of them, got {handler!r:.60}"
            )
    return given
