"""What an agent may ask of a folder of runs, as JSON; nothing here writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lrwatch.cli import listing, report
from lrwatch.cli.judging import ListedRun, beside_siblings, judge_entry, worst_first
from lrwatch.cli.suggest import as_object as suggestion_as_object
from lrwatch.codec import plain
from lrwatch.comparing import Comparison, compare, suggest_each
from lrwatch.errors import RunNotFound
from lrwatch.store import list_runs

__all__ = ["AgentTools", "comparison_as_object"]


class AgentTools:
    """Answers about the runs of one folder, and of no other.

    Parameters
    ----------
    folder
        Folder of runs.
    """

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
        return _strict(comparison_as_object(compare(self._folder)))

    def suggest(self) -> list[dict[str, Any]]:
        """Suggest the learning rate to try next for each job, with its range and why."""
        return [_strict(suggestion_as_object(each)) for each in suggest_each(self._folder)]

    def _judged(self) -> list[ListedRun]:
        return beside_siblings(judge_entry(entry) for entry in list_runs(self._folder))


def comparison_as_object(found: Comparison) -> dict[str, Any]:
    """Return a comparison as `docs/json.md` has it."""
    return {
        "sweeps": [
            {
                "settings": dict(sweep.settings),
                "runs": list(sweep.runs),
                "steps": sweep.n_steps,
                "best": sweep.choice.best,
                "band": sweep.choice.band,
                "reason": sweep.reason,
            }
            for sweep in found.sweeps
            if len(sweep.trials) > 1
        ],
        "common_ground": [str(ground) for ground in found.common_ground],
        "verdicts": found.verdicts,
        "unreadable": found.unreadable,
    }


def _strict(value: dict[str, Any]) -> dict[str, Any]:
    """Return a value in JSON's own types: no NaN, no infinity."""
    strict: dict[str, Any] = plain(value)
    return strict
