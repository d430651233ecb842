"""The runs of a store, judged as far as that is not known from before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lrwatch.following import FollowedRun
from lrwatch.judging.kept import KeptVerdict, kept_of, packed, rested
from lrwatch.judging.rows import row_of, source_of, verdict_columns
from lrwatch.judging.table import KnownRun, VerdictTable
from lrwatch.judging.workers import Workers
from lrwatch.store import RunEntry
from lrwatch.verdicts import Diagnosis

__all__ = ["Beside", "JudgedRuns", "OnJudged", "judge_runs"]

Beside = dict[str, tuple[str, Diagnosis]]
"""By key of a run: the job that it was judged in, and what was said of it there."""

_PLACES: Final = 64
_TOP: Final = 99  # as high as the dashboard draws it

OnJudged = Callable[[int, int], None]
"""Told how many runs are judged, and of how many."""


@dataclass(frozen=True, slots=True)
class JudgedRuns:
    """Runs of a store, each judged by itself.

    Attributes
    ----------
    runs
        Each with its verdict and numbers, by key, in the order in which they were listed.
    known
        What the table said of those that have not changed.
    n_judged
        How many runs were read and judged now.
    """

    runs: dict[str, FollowedRun[Any]]
    known: dict[str, KnownRun]
    n_judged: int
    _sources: dict[str, str] = field(repr=False)

    def rows(self, beside: Beside) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table.

        Parameters
        ----------
        beside
            What is said of those runs that were judged beside others.
        """
        sizes: Counter[str | None] = Counter(job for job, _ in beside.values())
        for key, run in self.runs.items():
            row = row_of(run, self._sources[key])
            job, together = beside.get(key, (None, run.diagnosis))
            row |= {
                f"{name}_alone": value for name, value in verdict_columns(run.diagnosis).items()
            }
            row |= {**verdict_columns(together), "job": job, "job_runs": sizes.get(job)}
            row |= {"pinned": run.entry.labels.pinned, "archived": run.entry.labels.archived}
            row |= {"curve": run.summary.losses.heights(_PLACES, _TOP), "kept": _kept(run)}
            yield {**row, "kept_beside": None if job is None else _kept_beside(run, together)}


def judge_runs(
    entries: Sequence[RunEntry],
    table: VerdictTable | None,
    workers: Workers,
    on_judged: OnJudged | None = None,
) -> JudgedRuns:
    """Judge runs by themselves; those that the table knows as they are now are not read.

    Parameters
    ----------
    entries
        The runs, as they are listed.
    table
        What is known of them; ``None`` to judge all.
    workers
        Who judges.
    on_judged
        Told now and then how many runs are judged, and of how many.

    Raises
    ------
    MissingExtra, InvalidArgument
        As `Workers.judge`.
    """
    # Before any row is read, so that what is written meanwhile is judged the next time.
    sources = {entry.key: source_of(entry) for entry in entries}
    known = {} if table is None else table.known(sources)
    kept = {key: each.kept for key, each in known.items() if each.kept is not None}
    new = [entry for entry in entries if entry.key not in kept]
    for n, (entry, found) in enumerate(workers.judge(new), start=1):
        kept[entry.key] = found
        if on_judged is not None:
            on_judged(n, len(new))
    runs = {entry.key: rested(entry, kept.pop(entry.key)) for entry in entries}
    return JudgedRuns(runs, known, len(new), sources)


def _kept(run: FollowedRun[Any]) -> bytes | None:
    """Return what saves reading a run again; nothing where that may end better the next time."""
    if run.problem or run.diagnosis is None:
        return None
    return _packed(kept_of(run))


def _kept_beside(run: FollowedRun[Any], together: Diagnosis | None) -> bytes | None:
    """Return what was said beside siblings, without the evidence that the run has by itself."""
    if run.diagnosis is None or together is None:
        return None
    n = len(run.diagnosis.evidence)
    return _packed(replace(together, evidence=together.evidence[n:]))


def _packed(found: KeptVerdict | Diagnosis | None) -> bytes | None:
    try:
        return None if found is None else packed(found)
    except ValueError:
        return None
