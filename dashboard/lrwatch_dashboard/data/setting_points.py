"""Settings against results: which of both runs have, and the values of each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lrwatch_dashboard.comparison_views import ComparedRun, SettingPoint, SideBySide
from lrwatch_dashboard.own_metrics import names_of

__all__ = ["PEAK_RATE", "chosen_pair", "results_of", "setting_points", "settings_of"]

PEAK_RATE: Final = "peak rate"
_LOSSES: Final = ("last loss", "best loss")


def settings_of(comparison: SideBySide) -> list[str]:
    """Return the settings that may be drawn: those that differ, and the peak rate, once."""
    return [*comparison.differing, *([] if comparison.rate_setting else [PEAK_RATE])]


def results_of(comparison: SideBySide) -> list[str]:
    """Return the results that may be drawn: the losses, and the user's metrics."""
    return [*_LOSSES, *names_of(run.view.metrics for run in comparison.runs)]


def chosen_pair(comparison: SideBySide, words: Mapping[str, str]) -> tuple[str, str]:
    """Return the setting and the result that the words of an address mean."""
    settings, results = settings_of(comparison), results_of(comparison)
    setting, result = words.get("sx", ""), words.get("sy", "")
    return (
        setting if setting in settings else comparison.rate_setting or PEAK_RATE,
        result if result in results else results[0],
    )


def setting_points(
    comparison: SideBySide, settings: Sequence[str], result: str
) -> tuple[SettingPoint, ...]:
    """Return the runs by settings and a result."""
    return tuple(
        SettingPoint(
            run.view.key,
            run.view.name,
            tuple(_setting(run, name) for name in settings),
            _result(run, result),
        )
        for run in comparison.runs
    )


def _setting(run: ComparedRun, name: str) -> Any:
    if name == PEAK_RATE:
        return run.view.lr
    if name == "optimizer":
        return run.view.config.get(name, run.view.optimizer)
    return run.view.config.get(name)


def _result(run: ComparedRun, name: str) -> float | None:
    if name == "last loss":
        return run.last_loss
    if name == "best loss":
        return run.view.best_loss
    found = run.view.metrics.get(name)
    return found.last if found is not None and found.n else None
