"""What an agent may ask of a folder of runs, as JSON; nothing here writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lrwatch.cli import listing, report
from lrwatch.cli.compare import as_object as comparison_as_object
from lrwatch.cli.judging import ListedRun, judge_store, worst_first
from lrwatch.cli.suggest import as_object as suggestion_as_object
from lrwatch.codec import plain
from lrwatch.comparing import (
    StoreVerdicts,
    compared,
    store_verdicts,
    suggested_each,
)
from lrwatch.errors import RunNotFound
from lrwatch.judging import Workers

__all__ = ["AgentTools"]


class AgentTools:
    """Answers about the runs of one folder, and of no other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list_runs(self) -> list[dict[str, Any]]:
        """List all runs with verdict, reason, rate, loss, progress; the worst come first."""
        return [_strict(listing.as_object(run)) for run in worst_first(self._judged())]

    def diagnose(self, run: str) -> dict[str, Any]:
        """Diagnose one run beside its siblings: verdict, evidence, advice, rate to try next.

        Parameters
        ----------
        run
            Its name, as `list_runs` gives it.
        """
        judged = {each.run: each for each in self._judged()}
        if run not in judged:
            some = ", ".join(sorted(judged)[:5]) or "none"
            raise RunNotFound(f"there is no run {run!r:.100}; list_runs names them: {some}")
        return _strict(report.as_object(judged[run]))

    def compare(self) -> dict[str, Any]:
        """Say which learning rate of each job won, and what flagged runs have in common."""
        return _strict(comparison_as_object(compared(self._seen())))

    def suggest(self) -> list[dict[str, Any]]:
        """Suggest the learning rate to try next for each job, with its range and why."""
        return [_strict(suggestion_as_object(each)) for each in suggested_each(self._seen())]

    def _judged(self) -> list[ListedRun]:
        return judge_store(self._folder, Workers(), writes=False)

    def _seen(self) -> StoreVerdicts:
        return store_verdicts(self._folder, writes=False)


def _strict(value: dict[str, Any]) -> dict[str, Any]:
    """Return a value in JSON's own types: no NaN, no infinity."""
    strict: dict[str, Any] = plain(value)
    return strict
