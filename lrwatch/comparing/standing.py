"""Where a run stands among its siblings: the same job at other rates, after as many steps.

Each pair of runs is compared as far as both went. A loss that broke and did not come back is
infinite. Runs at one rate count once, by the one in the middle.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch.comparing.progress import ProgressScale, progress_of, rise
from lrwatch.comparing.sweeps import Trial, names_of
from lrwatch.following.loss_bins import TAIL

__all__ = ["OtherRates", "Rival", "Siblings", "Standing", "decades"]

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

AT_MOST: Final = 0.25
"""Share of a job that counts as done where none of its runs ended or has a plan: all of them at a
tenth look like a sweep that is over, and 15 to 24 of 100 good runs were flagged with 0.93."""

MOST_STEPS: Final = 2**62
"""Numbers of steps in a damaged store may be larger than any integer of numpy's."""

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
    name
        What people call it.
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
    name: str
    n_steps: int
    step: int
    mine: float
    theirs: float
    deficit: float
    lead: float


@dataclass(frozen=True, eq=False)
class OtherRates:
    """The runs that stand for the rates that a run is compared with, lowest rate first.

    All seeds of a rate that came as far are compared with the same ones.

    Attributes
    ----------
    progress
        The scale that the job is measured on.
    trials, names
        The runs, and what people call them.
    n_steps
        Steps after which each is looked at.
    losses
        Where each was then.
    """

    progress: ProgressScale
    trials: tuple[Trial, ...]
    names: tuple[str, ...]
    n_steps: tuple[int, ...]
    losses: tuple[float, ...]
    _lags: dict[float, list[float]] = field(default_factory=dict, init=False)

    @cached_property
    def rates(self) -> list[float]:
        """Their peak rates."""
        return [trial.lr for trial in self.trials]

    @cached_property
    def heights(self) -> list[float]:
        """Where their losses are on the scale."""
        return [self.progress.height(loss) for loss in self.losses]

    def lags(self, best: float) -> list[float]:
        """Return how far each lags behind a loss; 0 where it is ahead of it."""
        if best not in self._lags:
            lag = self.progress.lag
            self._lags[best] = [max(lag(loss, best), 0.0) for loss in self.losses]
        return self._lags[best]


@dataclass(frozen=True, eq=False)
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
        Share of the steps of the longest run, or of those planned, that it has made; a quarter of
        that while no run has ended and none has a plan.
    others
        The rates that it is compared with. Few of them are ever quoted, so that most never become
        a `Rival`.
    mine
        Where the run was after so many steps as each of them is looked at, by their number.
    """

    trial: Trial
    progress: ProgressScale
    noise: float
    done: float
    others: OtherRates
    mine: Mapping[int, float]

    @property
    def n_rates(self) -> int:
        """How many rates it is compared with."""
        return len(self.others.trials)

    @cached_property
    def n_lower(self) -> int:
        """How many of them lie below its own."""
        return bisect(self.others.rates, self.trial.lr)

    @cached_property
    def lower(self) -> tuple[Rival, ...]:
        """Rates below its own, nearest first."""
        return tuple(self._rival(place) for place in range(self.n_lower)[::-1])

    @cached_property
    def higher(self) -> tuple[Rival, ...]:
        """Rates above its own, nearest first."""
        return tuple(self._rival(place) for place in range(self.n_lower, self.n_rates))

    @property
    def rivals(self) -> tuple[Rival, ...]:
        """All rates that it is compared with."""
        return (*self.lower, *self.higher)

    @cached_property
    def best(self) -> Rival | None:
        """The rate that is furthest ahead; ``None`` where none is."""
        nearest = self.nearest
        return nearest if nearest is not None and nearest.lead > 0 else None

    @cached_property
    def nearest(self) -> Rival | None:
        """The rate that is furthest ahead, or least far behind; ``None`` without any."""
        others, height = self.others, self.progress.height
        mine = {n: height(loss) for n, loss in self.mine.items()}
        ahead = [
            (rise(theirs, mine[n]), -loss)
            for n, theirs, loss in zip(others.n_steps, others.heights, others.losses, strict=True)
        ]
        outward = [*range(self.n_lower)[::-1], *range(self.n_lower, self.n_rates)]
        place = max(outward, key=ahead.__getitem__, default=None)
        return None if place is None else self._rival(place)

    @cached_property
    def tried(self) -> list[tuple[float, float]]:
        """Every rate and its lag behind the best one, lowest rate first."""
        best, others = self.best, self.others
        if best is None:
            pairs = zip(others.n_steps, others.losses, strict=True)
            lags = [max(-self.progress.lag(self.mine[n], loss), 0.0) for n, loss in pairs]
        else:
            lags = others.lags(best.theirs)
        found = list(zip(others.rates, lags, strict=True))
        found.insert(self.n_lower, (self.trial.lr, 0.0 if best is None else best.deficit))
        return found

    def _rival(self, place: int) -> Rival:
        others, rival = self.others, self.others.trials[place]
        n_steps, theirs = others.n_steps[place], others.losses[place]
        mine = self.mine[n_steps]
        return Rival(
            key=rival.key,
            lr=rival.lr,
            name=others.names[place],
            n_steps=n_steps,
            step=(self.trial.summary.first_step or 0) + n_steps - 1,
            mine=mine,
            theirs=theirs,
            deficit=self.progress.lag(mine, theirs),
            lead=self.progress.lead(theirs, mine),
        )


class Siblings:
    """Runs of one job, each of which is compared with all others.

    Parameters
    ----------
    trials
        Runs of one job at different rates; those without a rate are not compared.
    """

    def __init__(self, trials: Iterable[Trial]) -> None:
        ordered = sorted((t for t in trials if 0 < t.lr < math.inf), key=lambda trial: trial.lr)
        self.trials = tuple(ordered)
        self._place = {trial.key: place for place, trial in enumerate(self.trials)}
        self._names = names_of(self.trials)
        self._rates = _by_rate(self.trials)
        self._logs = np.log10([trial.lr for trial in self.trials])
        made = [min(trial.summary.n_steps, MOST_STEPS) for trial in self.trials]
        self._made = np.array(made, np.int64)
        self._broke = np.array([trial.has_broken for trial in self.trials], bool)
        self._levels: dict[tuple[int, int], float] = {}
        self._chosen: dict[tuple[float, int, bool], OtherRates] = {}
        ends = [self._level(place, int(n)) for place, n in enumerate(self._made)]
        rates = [[self.trials[place] for place in members] for members in self._rates]
        self._progress = progress_of(rates, ends)
        self._longest = int(self._made[~self._broke].max(initial=0))
        self._planned = max((trial.n_planned or 0 for trial in self.trials), default=0)

    def standing(self, trial: Trial) -> Standing:
        """Return where one of the runs stands."""
        own = self._place[trial.key]
        others = self._others(own)
        mine = {n: self._level(own, n) for n in set(others.n_steps)}
        return Standing(trial, self._progress, self._noise(own), self._done(own), others, mine)

    def _others(self, own: int) -> OtherRates:
        """Return which run stands for each rate, and where it was after how many steps."""
        key = self.trials[own].lr, int(self._made[own]), bool(self._broke[own])
        if key not in self._chosen:
            steps = self._steps(own)
            chosen: list[tuple[float, int]] = []
            for members in self._rates:
                there = [(self._level(m, int(steps[m])), m) for m in members if steps[m]]
                if there:
                    # The one in the middle; of two, the one less ahead.
                    chosen.append(sorted(there, reverse=True)[(len(there) - 1) // 2])
            places = [place for _, place in chosen]
            self._chosen[key] = OtherRates(
                self._progress,
                trials=tuple(self.trials[place] for place in places),
                names=tuple(self._names[place] for place in places),
                n_steps=tuple(steps[places].tolist()),
                losses=tuple(loss for loss, _ in chosen),
            )
        return self._chosen[key]

    def _steps(self, own: int) -> npt.NDArray[np.int64]:
        """Return after how many steps a run is compared with each run; 0 where it is not."""
        made, broke = self._made, self._broke
        if broke[own]:
            common = np.where(broke, np.minimum(made, made[own]), made)
            is_far = broke | (common >= FEWEST_STEPS)
        else:
            # One that broke could not make any more.
            common = np.where(broke, made[own], np.minimum(made, made[own]))
            is_far = common >= max(FEWEST_STEPS, LEAST_SHARE * made[own])
        differing = np.abs(self._logs - self._logs[own]) >= SAME_RATE
        common = np.where(is_far & differing, common, 0)
        most = common.max(initial=0)
        common = np.where(common >= MUCH * most, common, 0)
        # One step for all that came about as far: a run that bounces is elsewhere at the next.
        about = common[common >= AS_FAR * most].min(initial=most)
        steps: npt.NDArray[np.int64] = np.minimum(common, about)
        return steps

    def _level(self, place: int, n_steps: int) -> float:
        """Return where a run was after so many steps, by the same rule as everywhere."""
        if (place, n_steps) not in self._levels:
            summary, loss = self.trials[place].summary, None
            if not self._broke[place]:
                loss = summary.losses.loss_at((summary.first_step or 0) + n_steps - 1)
            self._levels[place, n_steps] = math.inf if loss is None else loss
        return self._levels[place, n_steps]

    def _noise(self, own: int) -> float:
        means = self.trials[own].summary.losses.means
        recent = means[-max(len(means) // 4, 8) :]
        if len(recent) < FEWEST_MEANS or self._broke[own]:
            return 0.0
        spread = float(np.median(np.abs(np.diff(recent)))) / (MAD * math.sqrt(2))
        error = spread / math.sqrt(max(len(means) // TAIL, 1))
        end = self._level(own, int(self._made[own]))
        lag = self._progress.lag(end + error, end) if math.isfinite(end + error) else 0.0
        return lag if lag > 0 else 0.0

    def _done(self, own: int) -> float:
        if self._broke[own]:
            return 1.0
        made = int(self._made[own])
        done = made / max(made, self._longest, self._planned, 1)
        return done if self._planned else AT_MOST * done


def decades(lr: float, other: float) -> float:
    """Return the distance of two rates."""
    return abs(math.log10(lr) - math.log10(other))


def _by_rate(trials: Sequence[Trial]) -> list[list[int]]:
    """Put the places of runs at one rate together; rates ascend."""
    rates: list[list[int]] = []
    for place, trial in enumerate(trials):
        if not rates or decades(trial.lr, trials[rates[-1][0]].lr) >= SAME_RATE:
            rates.append([])
        rates[-1].append(place)
    return rates
