"""What jobs are called where several are listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lrwatch.formats import printable

__all__ = ["job_titles"]

_MOST_RUNS: Final = 3


def job_titles(jobs: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> list[str]:
    """Return a title for each job: its settings, or its runs where those tell it from no other.

    Parameters
    ----------
    jobs
        Settings that the runs of a job have in common, and the names of the runs.

    Examples
    --------
    >>> job_titles([({"width": 16}, ["a"]), ({"width": 32}, ["b"])])
    ['width 16', 'width 32']
    >>> job_titles([({"optimizer": ""}, ["a", "b", "c", "d"]), ({}, ["e"])])
    ['a, b, c and 1 other', 'e']
    """
    titles = [_settings(settings) for settings, _ in jobs]
    seen = Counter(titles)
    return [
        title if title and seen[title] == 1 else ": ".join(filter(None, (title, _names(runs))))
        for title, (_, runs) in zip(titles, jobs, strict=True)
    ]


def _settings(settings: Mapping[str, Any]) -> str:
    given = [f"{name} {value}" for name, value in settings.items() if value not in ("", None)]
    return printable(", ".join(given))


def _names(runs: Sequence[str]) -> str:
    n_more = len(runs) - _MOST_RUNS
    shown = printable(", ".join(runs[:_MOST_RUNS])) or "all runs"
    return f"{shown} and {n_more} other{'s' * (n_more > 1)}" if n_more > 0 else shown
