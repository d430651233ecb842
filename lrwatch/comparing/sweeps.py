"""Which runs make a sweep, and where each was after as many steps: one rule for everybody.

Runs belong together if they are the same job at other rates or seeds: the same settings,
optimizer and number of parameters, about the same number of steps, and a loss that began at about
the same level, since two jobs without settings look alike otherwise.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from lrwatch.comparing.rates import RateChoice, choose_rate
from lrwatch.comparing.settings import flat_settings, naming, same_but_rate_and_seed
from lrwatch.following import FollowedRun, RunSummary
from lrwatch.formats import count
from lrwatch.records import RunState
from lrwatch.verdicts import Diagnosis

__all__ = ["Measure", "Sweep", "Trial", "find_sweeps", "is_range_test", "names_of", "trial_of"]

Measure = Literal["final", "best"]
"""A run by where it ended, or by the least that it came to; both are means over some steps."""

_SAME_LENGTH: Final = 1.25
"""Runs whose numbers of steps differ by less are as long as one another."""

_COMPLETE: Final = 0.9
"""A run that made this share of its steps counts as complete."""

_SAME_LEVEL: Final = 2.0
"""Step 0 comes before any update, so that its loss does not depend on the rate. Within 45 sweeps of
9 small tasks the losses of step 0, sorted, rose by less than this from one to the next in all but
one, whose seeds differed by 2.5; a sweep cut in two by its seeds still says the same twice."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One run as it is compared with others.

    Attributes
    ----------
    key
        Tells the run from others.
    lr
        Peak learning rate; NaN where none was recorded.
    summary
        What its rows come to.
    verdict
        What was said of it.
    state
        What it does.
    settings
        Its configuration, flat, with optimizer and number of parameters.
    total_steps
        Planned number of steps, where known.
    is_range_test
        Its rate was swept upwards: the highest one says nothing of where it ended.
    name
        What people call it; empty if that is its key.
    """

    key: str
    lr: float
    summary: RunSummary
    verdict: str = ""
    state: RunState = "finished"
    settings: Mapping[str, Any] = field(default_factory=dict)
    total_steps: int | None = None
    is_range_test: bool = False
    name: str = ""

    @property
    def has_broken(self) -> bool:
        """Whether its loss broke and did not come back."""
        return self.summary.is_broken and self.summary.final_loss is None

    @property
    def n_planned(self) -> int | None:
        """Steps that it was to make; ``None`` where it ended early and that is unknown."""
        if self.total_steps is not None:
            return self.total_steps
        is_whole = self.state == "finished" and not self.has_broken
        return self.summary.n_steps if is_whole else None


@dataclass(frozen=True, slots=True)
class Sweep:
    """Runs that differ in learning rate and seed only.

    Attributes
    ----------
    trials
        All its runs.
    settings
        What they have in common, those settings left out that name a run.
    n_steps
        Number of steps after which they are compared.
    losses
        Where each run was then, by key; NaN where its loss had broken.
    left_out
        Why a run is not compared, by key: it has not come so far, say.
    choice
        Rates, the best one, the band around it, and a sentence.
    """

    trials: tuple[Trial, ...]
    settings: Mapping[str, Any]
    n_steps: int
    losses: Mapping[str, float]
    left_out: Mapping[str, str]
    choice: RateChoice

    @property
    def runs(self) -> tuple[str, ...]:
        """Keys of its runs."""
        return tuple(trial.key for trial in self.trials)

    @property
    def reason(self) -> str:
        """Which rate won, and which runs had no say, in a sentence."""
        names = dict(zip(self.runs, names_of(self.trials), strict=True))
        absent = [f"{names[key]} {why}" for key, why in self.left_out.items()]
        if not absent:
            return self.choice.reason
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        return f"{self.choice.reason} (not compared: {absent[0]}{more})"


def names_of(trials: Sequence[Trial]) -> list[str]:
    """Return what to call each of several runs: its name, or its key where two have that name."""
    n_called = Counter(trial.name for trial in trials)
    return [t.name if t.name and n_called[t.name] == 1 else t.key for t in trials]


def trial_of(run: FollowedRun[Any]) -> Trial:
    """Return a followed run as it is compared with others."""
    info, diagnosis = run.info, run.diagnosis
    settings = {} if info is None else flat_settings(info.config)
    if info is not None:
        if not settings and info.group:
            settings["group"] = info.group
        settings.setdefault("optimizer", info.optimizer)
        if info.n_parameters is not None:
            settings.setdefault("parameters", info.n_parameters)
    return Trial(
        key=run.entry.key,
        lr=math.nan if run.summary.peak_lr is None else run.summary.peak_lr,
        summary=run.summary,
        verdict="" if diagnosis is None else diagnosis.verdict,
        state=run.state,
        settings=settings,
        total_steps=None if info is None else info.total_steps,
        is_range_test=diagnosis is not None and is_range_test(diagnosis),
        name=run.entry.labels.name or ("" if run.entry.key == "." else run.entry.shown_name),
    )


def is_range_test(diagnosis: Diagnosis) -> bool:
    """Whether the rate was swept upwards."""
    return any(test.name == "range_test" and test.fired for test in diagnosis.evidence)


def find_sweeps(trials: Iterable[Trial], measure: Measure = "final") -> list[Sweep]:
    """Return the sweeps that runs make, largest first; a run that is alone is one, too.

    Range tests and runs without a rate belong to none.
    """
    tried = [trial for trial in trials if trial.lr > 0 and not trial.is_range_test]
    names = naming([trial.settings for trial in tried])
    groups: dict[str, list[Trial]] = {}
    for trial in tried:
        same = json.dumps(_common(trial, names), sort_keys=True, default=str)
        groups.setdefault(same, []).append(trial)
    sweeps = [
        _sweep(level, _common(level[0], names), measure)
        for group in groups.values()
        for length in _by_length(group)
        for level in _by_level(length)
    ]
    return sorted(sweeps, key=lambda sweep: len(sweep.trials), reverse=True)


def _common(trial: Trial, names: set[str]) -> dict[str, Any]:
    kept = same_but_rate_and_seed(trial.settings, lr=trial.lr, key=trial.key)
    return {name: value for name, value in kept.items() if name not in names}


def _by_length(group: Sequence[Trial]) -> list[list[Trial]]:
    """Part runs of other lengths; one that ended early goes where it may have belonged."""
    known = [(trial.n_planned, trial) for trial in group]
    whole = _clusters([(n, trial) for n, trial in known if n is not None], _SAME_LENGTH)
    if not whole:
        return [list(group)]
    longest = [max(trial.n_planned or 0 for trial in cluster) for cluster in whole]
    for n, trial in known:
        if n is None:
            made = trial.summary.n_steps
            place = (c for c, most in zip(whole, longest, strict=True) if most >= made)
            next(place, whole[-1]).append(trial)
    return whole


def _by_level(group: Sequence[Trial]) -> list[list[Trial]]:
    """Part runs whose loss began at another level; one without a first loss goes to the most."""
    levels, rest = [], []
    for trial in group:
        loss, first = trial.summary.first_loss, trial.summary.first_step
        if loss is not None and 0 < loss < math.inf and first in (0, 1):
            levels.append((loss, trial))
        else:
            rest.append(trial)
    clusters = _clusters(levels, _SAME_LEVEL) or [[]]
    max(clusters, key=len).extend(rest)
    return clusters


def _clusters(pairs: Sequence[tuple[float, Trial]], factor: float) -> list[list[Trial]]:
    """Sort by size and cut wherever that grows by the factor from one to the next."""
    clusters: list[list[Trial]] = []
    before = math.nan
    for size, trial in sorted(pairs, key=lambda pair: pair[0]):
        if not clusters or size > factor * before:
            clusters.append([])
        clusters[-1].append(trial)
        before = size
    return clusters


def _sweep(trials: Sequence[Trial], settings: Mapping[str, Any], measure: Measure) -> Sweep:
    n_steps = _common_steps(trials)
    losses: dict[str, float] = {}
    left_out: dict[str, str] = {}
    for trial in trials:
        if trial.has_broken:
            losses[trial.key] = math.nan
        elif trial.summary.n_steps < _COMPLETE * n_steps:
            left_out[trial.key] = _early(trial, n_steps)
        else:
            losses[trial.key] = _loss(trial, n_steps, measure)
    rates = {trial.key: trial.lr for trial in trials}
    choice = choose_rate((rates[key], loss) for key, loss in losses.items())
    return Sweep(tuple(trials), settings, n_steps, losses, left_out, choice)


def _common_steps(trials: Sequence[Trial]) -> int:
    """Return after how many steps to compare: as many as every run that counts has made."""
    made = [t.summary.n_steps for t in trials if not t.has_broken]
    planned = max((t.n_planned or 0 for t in trials), default=0)
    complete = [n for n in made if n >= _COMPLETE * planned > 0]
    # While all are running, those that have just begun do not hold up the others.
    return min(complete or [n for n in made if n >= max(made) / 2], default=0)


def _loss(trial: Trial, n_steps: int, measure: Measure) -> float:
    summary = trial.summary
    if measure == "best":
        loss = summary.losses.best()
    else:
        loss = summary.losses.loss_at((summary.first_step or 0) + n_steps - 1)
    return math.nan if loss is None else loss


def _early(trial: Trial, n_steps: int) -> str:
    made = f"after {count(trial.summary.n_steps)} of {count(n_steps)} steps"
    ends = {"failed": "failed", "interrupted": "was interrupted", "finished": "ended"}
    return f"{ends.get(trial.state, 'is still running')} {made}"
