"""Which runs an address compares, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lrwatch_dashboard.address import ChartView, steps_of
from lrwatch_dashboard.comparison_views import SideBySide
from lrwatch_dashboard.data.comparison import compare_runs, shared_half_life
from lrwatch_dashboard.data.sweeps import find_sweeps, sweep_of
from lrwatch_dashboard.views import RunCurves, RunSource, RunView

__all__ = ["MOST_RUNS", "chart_view", "chosen_keys", "compared", "limit"]

MOST_RUNS: Final = 20
_MOST_OF_SEEDS: Final = 60  # runs; those that differ in the seed only are one line


def chosen_keys(source: RunSource, named: Sequence[str], words: Mapping[str, str]) -> Sequence[str]:
    """Return the runs that an address means: those it names, or all of a sweep."""
    group = words.get("group", "")
    if named or not group:
        return named
    sweep = sweep_of(find_sweeps(source.runs()), group)
    return [run.view.key for run in sweep.runs] if sweep is not None else [group]


def limit(words: Mapping[str, str]) -> int:
    """Return how many runs can be told apart."""
    return _MOST_OF_SEEDS if words.get("seeds") == "band" else MOST_RUNS


def chart_view(words: Mapping[str, str], views: Sequence[RunView]) -> ChartView:
    """Return how runs are shown; a zoom that follows ends where the longest of them does."""
    return ChartView.of(words).ending_at((run.last_step, run.clock) for run in views)


def compared(source: RunSource, views: Sequence[RunView], words: Mapping[str, str]) -> SideBySide:
    """Read runs, and put them side by side as the words of an address say."""
    view = chart_view(words, views)
    half_life = shared_half_life(views) if view.half_life is None else view.half_life
    curves = {run.key: _curves(source, run, view, half_life) for run in views}
    return compare_runs(
        views,
        curves,
        words.get("base", ""),
        by_clock=view.x == "time",
        by_seed=words.get("seeds") == "band",
    )


def _curves(source: RunSource, run: RunView, view: ChartView, half_life: int) -> RunCurves | None:
    window = steps_of(view, run.clock)
    outlines = source.outlines(run.key, half_life) if window is None else None
    return outlines or source.curves(run.key, window, half_life)
