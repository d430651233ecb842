"""Everything that was measured of a run, before anything is concluded from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lrwatch.detect import (
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
from lrwatch.detect.divergence import LOST
from lrwatch.detect.evidence import Evidence
from lrwatch.detect.features import features
from lrwatch.detect.past import Past
from lrwatch.detect.spike import spike
from lrwatch.detect.tracker import Tracker
from lrwatch.diagnosis.model import judgement

__all__ = ["Examination", "examine"]

GAIN_LOW = 0.0065  # both fitted on the development corpus alone, docs/detectors.md
PATH_SHORT = 1.0
GRADIENT_BLEW_UP = 100.0
HALF_LOST = 0.5
BOUNCES = 0.6
BEYOND_BUMP = 40  # rows: adaptive optimizers and momentum may throw the first ones up


@dataclass(frozen=True, slots=True)
class Examination:
    """Curves, test results and class probabilities of a run at one moment.

    Attributes
    ----------
    tracker, past
        Where everything comes from.
    evidence
        Result of each test by its code.
    probability
        Of ``too_high``, ``ok`` and ``too_low``; empty where the run is too short to say.
    total_steps
        Planned number of steps, where known.
    excess
        Decades by which the learning rate seems to lie above the best one; NaN if unknown.
    """

    tracker: Tracker
    past: Past
    evidence: dict[str, Evidence]
    probability: dict[str, float]
    total_steps: int | None = None
    excess: float = math.nan

    def fired(self, name: str) -> bool:
        """Whether a test ran and fired."""
        return name in self.evidence and self.evidence[name].fired


def examine(tracker: Tracker, *, least_rows: int, total_steps: int | None) -> Examination:
    """Run every test on a run; below `least_rows` rows only those of its end."""
    past = tracker.past()
    tests = [_nonfinite(tracker)]
    if past.n_loss:
        tests += [_drawdown(past, tracker.divergence.since), flatness.progress(past)]
    if past.n_loss < least_rows:
        note = f"{past.n_loss} steps with a loss so far, {least_rows} needed"
        tests.append(Evidence("learning_rate", note=note))
        return Examination(tracker, past, {test.name: test for test in tests}, {}, total_steps)
    tests += [
        flatness.is_flat(past),
        flatness.has_settled(past),
        progress.solved(past),
        spike(past),
        schedule.range_test(past),
        stall.cut_too_early(past),
        stall.frozen(past),
        stall.dead(past),
        overflow.skipped_steps(past),
        _bounce(past),
        _gain(past),
        _path(past),
        _gradient(past),
    ]
    judged = judgement(features(past), has_motion=past.drive is not None)
    evidence = {test.name: test for test in tests}
    return Examination(tracker, past, evidence, judged.probability, total_steps, judged.excess)


def _nonfinite(tracker: Tracker) -> Evidence:
    step = tracker.nonfinite.step
    if step is None:
        return Evidence("nonfinite", 0.0, 1.0, note="every loss seen is finite")
    interval = (step, tracker.last_step if tracker.last_step is not None else step)
    note = f"the loss is not finite from step {step} on"
    return Evidence("nonfinite", 1.0, 1.0, fired=True, interval=interval, note=note)


def _drawdown(past: Past, since: int | None) -> Evidence:
    value = progress.drawdown(past)
    end = past.interval[1] if past.interval else 0
    return Evidence(
        "drawdown",
        value,
        HALF_LOST,
        fired=past.n_loss >= BEYOND_BUMP
        and (value >= HALF_LOST or (since is not None and value >= LOST)),
        interval=(since, end) if since is not None else past.interval,
        note=f"{max(value, 0):.0%} of the decrease of the loss was lost again",
    )


def _bounce(past: Past) -> Evidence:
    bins = past.between(0.5, 1)
    value = roughness.bounce(past, bins)
    if math.isnan(value):
        return Evidence("bounce", note="the loss does not change from step to step")
    return Evidence(
        "bounce",
        value,
        BOUNCES,
        fired=value < BOUNCES,
        interval=past.steps_of(bins),
        note=f"over two steps the loss changes {value:.2f} times as much as over one",
    )


def _gain(past: Past) -> Evidence:
    value = gain.gain_ratio(past)
    if math.isnan(value):
        return Evidence("gain_ratio", note="needs the gradient norm and the update norm")
    note = f"{max(value, 0):.2%} of what first order allows was gained"
    return Evidence("gain_ratio", value, GAIN_LOW, value < GAIN_LOW, past.interval, note)


def _path(past: Past) -> Evidence:
    value = motion.relative_path(past)
    if math.isnan(value):
        return Evidence("relative_path", note="needs the update norm and the parameter norm")
    note = f"the parameters moved {value:.3g} times their own length"
    return Evidence("relative_path", value, PATH_SHORT, value < PATH_SHORT, past.interval, note)


def _gradient(past: Past) -> Evidence:
    value = gradient.growth(past)
    if math.isnan(value):
        return Evidence("gradient_growth", note="needs the gradient norm")
    note = f"the gradient norm rose to {value:.3g} times that of the first steps"
    fired = value > GRADIENT_BLEW_UP
    return Evidence("gradient_growth", value, GRADIENT_BLEW_UP, fired, past.interval, note)
