"""What jobs are called where several are listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lrwatch.comparing.settings import setting_text
from lrwatch.formats import printable

__all__ = ["job_titles"]

_MOST_SETTINGS: Final = 4
_MOST_RUNS: Final = 2  # a title of more is no title


def job_titles(jobs: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> list[str]:
    """Return a title for each job: settings in which the jobs differ, or its runs.

    Runs are named where settings tell a job from no other. A job that is alone is all runs.

    Parameters
    ----------
    jobs
        Settings that the runs of a job have in common, and the names of the runs.

    Examples
    --------
    >>> job_titles([({"width": 16, "depth": 2}, ["a"]), ({"width": 32, "depth": 2}, ["b"])])
    ['width 16', 'width 32']
    >>> job_titles([({"optimizer": ""}, ["a", "b", "c", "d"]), ({}, ["e"])])
    ['a and 3 others', 'e']
    """
    if len(jobs) == 1:
        return ["all runs"]
    shared = [
        {name: setting_text(value) for name, value in same.items() if value not in (None, "")}
        for same, _ in jobs
    ]
    titles = [_settings(same, shared) for same in shared]
    seen = Counter(titles)
    return [
        title if title and seen[title] == 1 else ": ".join(filter(None, (title, _names(runs))))
        for title, (_, runs) in zip(titles, jobs, strict=True)
    ]


def _settings(same: Mapping[str, str], jobs: Sequence[Mapping[str, str]]) -> str:
    telling = [
        f"{name} {value}"
        for name, value in same.items()
        if any(other.get(name) != value for other in jobs)
    ]
    return printable(", ".join(telling[:_MOST_SETTINGS]))


def _names(runs: Sequence[str]) -> str:
    if len(runs) <= _MOST_RUNS:
        return printable(" and ".join(runs))
    return f"{printable(runs[0])} and {len(runs) - 1} others"
