"""Everything that was measured of a run, before anything is concluded from it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from lrwatch.detect import (
    few,
    flatness,
    gain,
    gradient,
    motion,
    overflow,
    progress,
    roughness,
    schedule,
    stall,
)
from lrwatch.detect.crawl import crawls
from lrwatch.detect.objective import changed, unjudgeable
from lrwatch.detect.past import Past
from lrwatch.detect.spike import spike
from lrwatch.detect.thrown import thrown
from lrwatch.detect.tracker import Tracker
from lrwatch.detect.wandering import calm_rise, wanders
from lrwatch.diagnosis import model
from lrwatch.verdicts import Evidence

__all__ = ["Examination", "TooHigh"]


@dataclass(frozen=True, slots=True)
class TooHigh:
    """That a learning rate was found too high.

    Attributes
    ----------
    step
        Step of the alarm.
    lr
        The rate at that step.
    """

    step: int
    lr: float


class Examination:
    """Curves, test results and class probabilities of a run at one moment.

    Everything is computed when it is first asked for: most looks at a run end after a few tests.

    Parameters
    ----------
    tracker
        Where everything comes from.
    least_rows
        Losses below which only the tests of how a run ends are made.
    total_steps
        Planned number of steps, where known.
    earlier
        What was said of a learning rate that was too high, where that was alarmed.

    Attributes
    ----------
    past
        The run as curves.
    """

    def __init__(
        self,
        tracker: Tracker,
        *,
        least_rows: int,
        total_steps: int | None,
        earlier: TooHigh | None = None,
    ) -> None:
        self.tracker = tracker
        self.past: Past = tracker.past()
        self.total_steps = total_steps
        self.earlier = earlier
        self._least_rows = least_rows
        self._results: dict[str, Evidence] = {}

    @property
    def is_bare(self) -> bool:
        """Whether the loss has to speak for itself: no norm tells how far the weights moved."""
        return self.past.path is None

    @property
    def is_lost(self) -> bool:
        """Whether the loss left its best and stays away."""
        return self.tracker.divergence.since is not None and self.fired("drawdown")

    @property
    def has_nothing_left(self) -> bool:
        """Whether next to nothing of the loss is left: it is flat, although it may still halve."""
        return self.fired("solved") and self.past.end <= flatness.NOTHING * self.past.start

    @property
    def is_short(self) -> bool:
        """Whether there are too few losses to say anything of the learning rate."""
        return self.past.n_loss < self._least_rows

    def result(self, name: str) -> Evidence:
        """Return the result of a test, by its code."""
        if name not in self._results:
            self._results[name] = _TESTS[name](self)
        return self._results[name]

    def fired(self, name: str) -> bool:
        """Whether a test ran and fired."""
        return name in self._runnable and self.result(name).fired

    @property
    def _runnable(self) -> tuple[str, ...]:
        if not self.past.n_loss:
            return _OF_THE_END[:1]
        if self.is_short:
            return _OF_THE_END + _OF_FEW
        return tuple(name for name in _TESTS if name not in _OF_FEW)

    @cached_property
    def evidence(self) -> dict[str, Evidence]:
        """Result of each test by its code."""
        found = {name: self.result(name) for name in self._runnable}
        if self.is_short:
            note = f"{self.past.n_loss} of the {self._least_rows} losses needed so far"
            found["learning_rate"] = Evidence("learning_rate", note=note)
        return found

    @cached_property
    def _features(self) -> dict[str, float]:
        return model.features(self.past)

    @cached_property
    def probability(self) -> dict[str, float]:
        """Of ``too_high``, ``ok`` and ``too_low``; empty where the run is too short to say."""
        if self.is_short:
            return {}
        return model.probability(self._features, has_motion=self.past.drive is not None)

    @cached_property
    def is_strange(self) -> bool:
        """Whether the run looks like hardly any that the model was fitted to."""
        if self.is_short:
            return False
        return model.is_strange(self._features, has_motion=self.past.drive is not None)

    @cached_property
    def excess(self) -> float:
        """Decades by which the learning rate seems to lie above the best one; NaN if unknown."""
        if self.is_short:
            return math.nan
        return model.excess(self._features, has_motion=self.past.drive is not None)


_TESTS: Final[dict[str, Callable[[Examination], Evidence]]] = {
    "nonfinite": lambda exam: exam.tracker.nonfinite.evidence(exam.tracker.last_step),
    "gradient_not_finite": lambda exam: exam.tracker.standstill.gradient_not_finite(),
    "zero_gradient": lambda exam: exam.tracker.standstill.zero_gradient(exam.past),
    "zero_rate": lambda exam: exam.tracker.standstill.zero_rate(exam.past),
    "zero_loss": lambda exam: exam.tracker.standstill.zero_loss(exam.past.start),
    "rose": lambda exam: few.rose_clearly(exam.past),
    "fell": lambda exam: few.settled_clearly(exam.past),
    "drawdown": lambda exam: progress.lost_again(exam.past, exam.tracker.divergence),
    "no_progress": lambda exam: flatness.progress(exam.past),
    "flat": lambda exam: flatness.is_flat(exam.past),
    "settled": lambda exam: flatness.has_settled(exam.past),
    "solved": lambda exam: progress.solved(exam.past),
    "spike": lambda exam: spike(exam.past),
    "overfitting": lambda exam: exam.tracker.validation.overfits(),
    "layers": lambda exam: exam.tracker.layers.evidence(exam.tracker.last_step),
    "range_test": lambda exam: schedule.range_test(exam.past),
    "no_objective": lambda exam: wanders(exam.past),
    "unusual_loss": lambda exam: unjudgeable(exam.past),
    "objective_changed": lambda exam: changed(exam.past),
    "unmoved": lambda exam: flatness.never_moved(exam.past),
    "thrown": lambda exam: thrown(exam.past),
    "calm_rise": lambda exam: calm_rise(exam.past, exam.tracker.divergence.lost),
    "lr_cut": lambda exam: stall.cut_too_early(exam.past),
    "frozen": lambda exam: stall.frozen(exam.past),
    "dead": lambda exam: stall.dead(exam.past),
    "skipped_steps": lambda exam: overflow.skipped_steps(exam.past),
    "crawl": lambda exam: crawls(exam.past),
    "bounce": lambda exam: roughness.bounces(exam.past),
    "gain_ratio": lambda exam: gain.small_gain(exam.past),
    "relative_path": lambda exam: motion.short_path(exam.past),
    "gradient_growth": lambda exam: gradient.blew_up(exam.past),
}
"""Every test by its code, in the order in which people read them."""

_OF_FEW: Final = ("rose", "fell")
"""Tests of runs that are too short for the others."""

_OF_THE_END: Final = (
    "nonfinite", "gradient_not_finite", "zero_gradient", "zero_rate", "zero_loss", "drawdown",
    "no_progress", "layers",
)  # fmt: skip
"""Tests of how a run ends, which need few rows; of the first of them, none."""
