"""Where a run stands among its siblings: the same job at other rates, after as many steps.

Each pair of runs is compared as far as both went. A loss that broke and did not come back is
infinite. Runs at one rate count once, by the one in the middle.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lrwatch.comparing.progress import ProgressScale, progress_of
from lrwatch.comparing.sweeps import Trial
from lrwatch.following.loss_bins import TAIL

__all__ = ["Rival", "Siblings", "Standing", "decades"]

SAME_RATE: Final = 0.02
"""Decades: rates nearer to one another are one rate."""

FEWEST_STEPS: Final = 24
"""Runs that have fewer steps in common are not compared."""

LEAST_SHARE: Final = 0.05
"""Share of its own steps that a run must have in common with another."""

AS_FAR: Final = 0.9
"""Runs that made this share of the steps that others made came as far."""

MUCH: Final = 0.5
"""Runs that came less than half as far as others say nothing beside those."""

FEWEST_MEANS: Final = 4
MAD: Final = 0.6745
"""Median of the absolute values of a standard normal variable."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Another rate, beside a run after as many steps.

    Attributes
    ----------
    key
        The run at that rate that is named: the one in the middle, where there are several.
    lr
        Its peak rate.
    n_steps, step
        Steps after which they are compared, and the number of the last of them.
    mine, theirs
        Where the run and its rival were then; infinite where the loss broke.
    deficit
        How far the run lags behind its rival, as `ProgressScale.lag` has it.
    lead
        How much lower the rival is, on the scale of the job.
    """

    key: str
    lr: float
    n_steps: int
    step: int
    mine: float
    theirs: float
    deficit: float
    lead: float


@dataclass(frozen=True, slots=True)
class Standing:
    """A run among its siblings.

    Attributes
    ----------
    trial
        The run.
    progress
        The scale that the job is measured on.
    noise
        Standard error of where the run is, as a share of its gain.
    done
        Share of the steps of the longest run, or of those planned, that it has made.
    lower, higher
        Rates below and above its own, nearest first.
    """

    trial: Trial
    progress: ProgressScale
    noise: float
    done: float
    lower: tuple[Rival, ...]
    higher: tuple[Rival, ...]

    @property
    def rivals(self) -> tuple[Rival, ...]:
        """All rates that it is compared with."""
        return (*self.lower, *self.higher)

    @property
    def best(self) -> Rival | None:
        """The rate that is furthest ahead; ``None`` where none is."""
        nearest = self.nearest
        return nearest if nearest is not None and nearest.lead > 0 else None

    @property
    def nearest(self) -> Rival | None:
        """The rate that is furthest ahead, or least far behind; ``None`` without any."""
        return max(self.rivals, key=lambda rival: (rival.lead, -rival.theirs), default=None)

    def tried(self) -> list[tuple[float, float]]:
        """Return every rate and its lag behind the best one, lowest rate first."""
        best = self.best
        found = [(self.trial.lr, 0.0 if best is None else best.deficit)]
        for rival in self.rivals:
            lag = -rival.deficit if best is None else self.progress.lag(rival.theirs, best.theirs)
            found.append((rival.lr, max(lag, 0.0)))
        return sorted(found)


class Siblings:
    """Runs of one job, each of which is compared with all others.

    Parameters
    ----------
    trials
        Runs of one job at different rates; those without a rate are not compared.
    """

    def __init__(self, trials: Iterable[Trial]) -> None:
        self.trials = tuple(trial for trial in trials if 0 < trial.lr < math.inf)
        self._levels: dict[tuple[str, int], float] = {}
        self._rates = _by_rate(self.trials)
        ends = [self._level(trial, trial.summary.n_steps) for trial in self.trials]
        self._progress = progress_of(self._rates, ends)
        self._longest = max(
            (trial.summary.n_steps for trial in self.trials if not trial.has_broken), default=0
        )

    def standing(self, trial: Trial) -> Standing:
        """Return where one of the runs stands."""
        found = [
            [other for other in members if _are_comparable(trial, other)]
            for members in self._rates
            if decades(members[0].lr, trial.lr) >= SAME_RATE
        ]
        made = [_n_common(trial, other) for members in found for other in members]
        # One step for all that came about as far: a run that bounces is elsewhere at the next.
        about = min((n for n in made if n >= AS_FAR * max(made)), default=0)
        far = [
            [other for other in members if _n_common(trial, other) >= MUCH * max(made)]
            for members in found
        ]
        rivals = [self._rival(trial, members, about) for members in far if members]
        lower = [rival for rival in rivals if rival.lr < trial.lr]
        higher = [rival for rival in rivals if rival.lr > trial.lr]
        return Standing(
            trial,
            self._progress,
            self._noise(trial),
            self._done(trial),
            tuple(lower[::-1]),
            tuple(higher),
        )

    def _rival(self, trial: Trial, members: Sequence[Trial], about: int) -> Rival:
        """Return the run in the middle of those at another rate; of two, the one less ahead."""
        found = sorted(
            (self._pair(trial, other, about) for other in members), key=lambda rival: rival.lead
        )
        return found[(len(found) - 1) // 2]

    def _pair(self, trial: Trial, other: Trial, about: int) -> Rival:
        n_common = _n_common(trial, other)
        n_steps = min(about, n_common)
        mine, theirs = self._level(trial, n_steps), self._level(other, n_steps)
        step = (trial.summary.first_step or 0) + n_steps - 1
        lag, lead = self._progress.lag(mine, theirs), self._progress.lead(theirs, mine)
        return Rival(other.key, other.lr, n_steps, step, mine, theirs, lag, lead)

    def _level(self, trial: Trial, n_steps: int) -> float:
        """Return where a run was after so many steps, by the same rule as everywhere."""
        if trial.has_broken:
            return math.inf
        place = trial.key, n_steps
        if place not in self._levels:
            summary = trial.summary
            loss = summary.losses.loss_at((summary.first_step or 0) + n_steps - 1)
            self._levels[place] = math.inf if loss is None else loss
        return self._levels[place]

    def _noise(self, trial: Trial) -> float:
        means = trial.summary.losses.means
        recent = means[-max(len(means) // 4, 8) :]
        if len(recent) < FEWEST_MEANS or trial.has_broken:
            return 0.0
        spread = float(np.median(np.abs(np.diff(recent)))) / (MAD * math.sqrt(2))
        error = spread / math.sqrt(max(len(means) // TAIL, 1))
        end = self._level(trial, trial.summary.n_steps)
        lag = self._progress.lag(end + error, end) if math.isfinite(end + error) else 0.0
        return lag if lag > 0 else 0.0

    def _done(self, trial: Trial) -> float:
        if trial.has_broken:
            return 1.0
        made = trial.summary.n_steps
        return made / max(made, self._longest, trial.total_steps or 0, 1)


def decades(lr: float, other: float) -> float:
    """Return the distance of two rates."""
    return abs(math.log10(lr / other))


def _by_rate(trials: Iterable[Trial]) -> list[list[Trial]]:
    """Put runs at one rate together, lowest rate first."""
    rates: list[list[Trial]] = []
    for trial in sorted(trials, key=lambda trial: trial.lr):
        if not rates or decades(trial.lr, rates[-1][0].lr) >= SAME_RATE:
            rates.append([])
        rates[-1].append(trial)
    return rates


def _are_comparable(trial: Trial, other: Trial) -> bool:
    if trial.has_broken and other.has_broken:
        return True  # neither is ahead
    n_common = _n_common(trial, other)
    is_far = trial.has_broken or n_common >= LEAST_SHARE * trial.summary.n_steps
    return n_common >= FEWEST_STEPS and is_far


def _n_common(trial: Trial, other: Trial) -> int:
    """Return how many steps both made; one that broke could not make any more."""
    both = (trial, other)
    made = [each.summary.n_steps for each in both if not each.has_broken]
    return min(made or [each.summary.n_steps for each in both])
