"""`suggest` the rate to try next: finds the jobs among runs, and asks `suggestion` about each."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from lrwatch.comparing.range_reading import RangeReading, read_range_test
from lrwatch.comparing.settings import same_but_rate_and_seed
from lrwatch.comparing.sibling_verdicts import judged_run
from lrwatch.comparing.store_verdicts import StoreVerdicts, known_of, store_verdicts
from lrwatch.comparing.suggestion import Job, Suggestion, from_other_sizes, suggested
from lrwatch.comparing.sweeps import Trial, find_sweeps
from lrwatch.logs import rows_of
from lrwatch.records import StepBlock
from lrwatch.store import read_table
from lrwatch.verdicts import Diagnosis

__all__ = ["is_test_of", "suggest", "suggest_each", "suggested_each"]

_PARAMETERS: Final = "parameters"

_SIZES: Final = frozenset(
    {
        _PARAMETERS, "width", "depth", "size", "dim", "d_model", "d_ff", "hidden", "hidden_size",
        "n_hidden", "n_layer", "n_layers", "num_layers", "layers", "n_head", "n_heads",
        "num_heads", "heads", "n_embd", "embed_dim", "channels", "intermediate_size",
        "num_hidden_layers", "num_attention_heads",
    }
)  # fmt: skip
"""Settings in which sizes of one model differ."""


def suggest(runs: Mapping[str, Any] | str | os.PathLike[str]) -> Suggestion:
    """Suggest the learning rate to try next for a job, from all that was seen of it.

    Runs at several rates say most; then come a run that is right by itself, range tests, and a
    run whose rate is wrong. Where none of those tells, sizes of the same model do that have the
    same settings otherwise.

    Parameters
    ----------
    runs
        Tables of steps or paths of run folders by name, which are taken to be one job; or a
        folder of runs, of which the job with the most runs is meant.

    Raises
    ------
    InvalidArgument
        If a table holds no steps.
    RunNotFound, RunUnreadable
        If there is no run at a path, or it cannot be read.

    Examples
    --------
    >>> def falling(pace):
    ...     return [2.3 * (1 - pace) ** i + 0.1 for i in range(100)]
    >>> runs = {
    ...     f"{lr:g}": {"step": range(100), "loss": loss, "lr": [lr] * 100}
    ...     for lr, loss in ((0.01, falling(0.001)), (0.1, falling(0.05)), (1.0, [2.4] * 100))
    ... }
    >>> found = suggest(runs)
    >>> found.basis, found.low < found.lr < found.high
    ('sweep', True)
    """
    if isinstance(runs, str | os.PathLike):
        found = suggest_each(runs)
        return found[0] if found else suggested(Job((), {}, {}, {}))
    seen = [judged_run(name, run) for name, run in runs.items()]
    tried = [trial for trial, _ in seen if not trial.is_range_test]
    tests = [trial for trial, _ in seen if trial.is_range_test]
    return suggested(_job(tried, {trial.key: own for trial, own in seen}, tests, runs, {}))


def suggest_each(folder: str | os.PathLike[str]) -> list[Suggestion]:
    """Suggest a rate for each job of a folder of runs, the one with the most runs first.

    Raises
    ------
    RunNotFound
        If the folder does not exist.
    """
    return suggested_each(store_verdicts(folder))


def suggested_each(store: StoreVerdicts) -> list[Suggestion]:
    """Suggest a rate for each job of a store that is judged."""
    trials, own = known_of(store.runs)
    paths = {key: store.runs[key].entry.path for key in own}
    found = [suggested(job) for job in _jobs(trials, own, paths, store.together)]
    return [_with_sizes(each, found) for each in found]


def _jobs(
    trials: Sequence[Trial],
    own: Mapping[str, Diagnosis],
    paths: Mapping[str, Path],
    together: Mapping[str, Diagnosis],
) -> list[Job]:
    tests = [trial for trial in trials if trial.is_range_test]
    jobs, placed = [], set()
    for sweep in find_sweeps(trials):
        belong = [test for test in tests if is_test_of(test, sweep.settings)]
        placed |= {test.key for test in belong}
        job = _job(sweep.trials, own, belong, paths, sweep.settings)
        jobs.append(replace(job, together=together))
    rest = [test for test in tests if test.key not in placed]
    return jobs + [
        _job((), own, [test], paths, same_but_rate_and_seed(test.settings)) for test in rest
    ]


def _job(
    trials: Sequence[Trial],
    own: Mapping[str, Diagnosis],
    tests: Iterable[Trial],
    sources: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> Job:
    return Job(trials, own, {test.key: _reading(sources[test.key]) for test in tests}, settings)


def is_test_of(test: Trial, settings: Mapping[str, Any]) -> bool:
    """Whether a range test is of the job with these settings: those that both have are the same."""
    same = same_but_rate_and_seed(test.settings)
    return all(same[name] == settings[name] for name in same.keys() & settings.keys())


def _reading(run: Any) -> RangeReading:
    rows: StepBlock = rows_of(read_table(run) if isinstance(run, str | os.PathLike) else run)
    seen = rows.loss_seen & ~rows.skipped
    return read_range_test(rows.lr[seen], rows.loss[seen])


def _with_sizes(unsure: Suggestion, others: Iterable[Suggestion]) -> Suggestion:
    """Ask other sizes of the model where the job itself says too little."""
    n = unsure.settings.get(_PARAMETERS)
    if unsure.lr is not None or not isinstance(n, int) or n < 1:
        return unsure
    kin = _but_size(unsure.settings)
    sizes = [
        (float(other.settings[_PARAMETERS]), other)
        for other in others
        if other.basis in ("sweep", "range test")
        and other.lr is not None
        and other.settings.get(_PARAMETERS, n) != n
        and _but_size(other.settings) == kin
    ]
    return from_other_sizes(unsure, n, sizes) if sizes else unsure


def _but_size(settings: Mapping[str, Any]) -> str:
    kept = {k: v for k, v in settings.items() if k.rpartition(".")[2].lower() not in _SIZES}
    return json.dumps(kept, sort_keys=True, default=str)
