"""Several runs side by side: which an address means, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from lrwatch import comparing
from lrwatch.comparing.settings import setting_text
from lrwatch_dashboard.address import ChartView, steps_of
from lrwatch_dashboard.comparison_views import ComparedRun, Delta, SideBySide
from lrwatch_dashboard.data.envelope import LONG_RUN
from lrwatch_dashboard.data.rulers import ruled
from lrwatch_dashboard.data.smoothing import half_life_for
from lrwatch_dashboard.data.sweeps import find_sweeps, sweep_of
from lrwatch_dashboard.data.thinning import thin
from lrwatch_dashboard.own_metrics import (
    Family,
    chosen_families,
    families,
    names_of,
    rising_names,
)
from lrwatch_dashboard.views import Curve, RunCurves, RunSource, RunView

__all__ = [
    "MOST_RUNS",
    "backdrop",
    "chart_view",
    "chosen_keys",
    "compare_runs",
    "compared",
    "limit",
    "shared_half_life",
    "shown_families",
]

MOST_RUNS: Final = 20
_MOST_OF_SEEDS: Final = 60  # runs; those that differ in the seed only are one line

_N_POINTS: Final = 8000  # of all lines of one panel
_LEAST_POINTS: Final = 300  # of one line
_MOST_BEHIND: Final = 500  # runs in the backdrop


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
    views = [ruled(source, run, ChartView.of(words).x) for run in views]
    view = chart_view(words, views)
    half_life = shared_half_life(source, views) if view.half_life is None else view.half_life
    own = [name for family in shown_families(views, words)[1] for name in family.metrics]
    curves = {
        run.key: source.curves(
            run.key, steps_of(view, run.clock), half_life, is_coarse=True, own=own
        )
        for run in views
    }
    return compare_runs(
        views,
        curves,
        words.get("base", ""),
        x=view.x,
        by_seed=words.get("seeds") == "band",
        own=own,
    )


def shown_families(
    views: Sequence[RunView], words: Mapping[str, str]
) -> tuple[tuple[Family, ...], tuple[Family, ...]]:
    """Return the families of the metrics that runs have, and those that an address shows."""
    metrics = [view.metrics for view in views]
    found = families(names_of(metrics))
    return found, chosen_families(found, words.get("m"), rising_names(metrics))


def compare_runs(
    views: Sequence[RunView],
    curves: Mapping[str, RunCurves | None],
    base: str = "",
    *,
    x: str = "step",
    by_seed: bool = False,
    own: Sequence[str] = (),
) -> SideBySide:
    """Put runs side by side, against the one whose key is `base`.

    Curves are None or absent where they cannot be read. Losses are compared where the x axis, which
    the clocks count, is the same; `by_seed` puts runs together that differ in the seed only; `own`
    are the user's metrics that are shown.
    """
    leads = _leads(views) if by_seed else {}
    order = {lead: place for place, lead in enumerate(dict.fromkeys(leads.values()))}
    views = sorted(views, key=lambda view: order.get(leads.get(view.key, ""), 0))
    n_points = max(_N_POINTS // max(len(views), 1), _LEAST_POINTS)
    lines = {key: _lighter(c, n_points) for key, c in curves.items() if c is not None}
    settings = {view.key: _texts(view) for view in views}
    names = list(dict.fromkeys(name for texts in settings.values() for name in texts))
    differing = [
        name for name in names if len({texts.get(name) for texts in settings.values()}) > 1
    ]
    same = [(name, next(iter(settings.values()))[name]) for name in names if name not in differing]
    timed = {view.key: _loss_of(view, curves.get(view.key), x) for view in views}
    reference = timed.get(base)
    runs = tuple(
        ComparedRun(
            view=view,
            curves=lines.get(view.key),
            settings=tuple(settings[view.key].get(name, "") for name in differing),
            last_loss=_last(curves.get(view.key)),
            delta=(_delta(timed[view.key], reference, x) if view.key != base else None),
            lead=leads.get(view.key, view.key),
            own=tuple(view.metrics[n].last if n in view.metrics else None for n in own),
        )
        for view in views
    )
    return SideBySide(
        runs, base if base in settings else "", tuple(differing), tuple(same), tuple(own)
    )


def backdrop(views: Sequence[RunView], but: Sequence[str], *, by_clock: bool = False) -> Curve:
    """Return the loss of all other runs as one coarse line with gaps, by step or their clocks."""
    others = [view for view in views if view.key not in but and len(view.outline.x) > 1]
    if by_clock:
        others = [view for view in others if view.clock]
    gap = np.array([np.nan])
    xs, ys = [], []
    for view in others[:_MOST_BEHIND]:
        x = view.clock.seconds_at(view.outline.x) if by_clock else view.outline.x
        xs += [x, gap]
        ys += [view.outline.y, gap]
    empty = np.empty(0)
    return Curve("other runs", np.concatenate([empty, *xs]), np.concatenate([empty, *ys]))


def shared_half_life(source: RunSource, views: Sequence[RunView]) -> int:
    """Return one half-life for all: losses that are smoothed differently do not compare."""
    return max((_half_life(source, view) for view in views), default=0)


def _half_life(source: RunSource, view: RunView) -> int:
    if view.steps >= LONG_RUN:  # which need not be read
        return half_life_for(view.last_step or 0)
    curves = source.curves(view.key)
    return curves.half_life if curves is not None else 0


def _texts(view: RunView) -> dict[str, str]:
    found = {name: setting_text(value) for name, value in view.config.items()}
    # Recorded and not told, so it is named only where the settings do not have it.
    return found if "optimizer" in found else {"optimizer": view.optimizer, **found}


def _last(curves: RunCurves | None) -> float | None:
    if curves is None or not len(curves.smooth_loss.y):
        return None
    return float(curves.smooth_loss.y[-1])


def _leads(views: Sequence[RunView]) -> dict[str, str]:
    """Return for each run the first one that differs from it in the seed only."""
    leads = {}
    for sweep in comparing.find_sweeps(view.trial for view in views):
        first: dict[str, str] = {}
        for trial in sweep.trials:
            leads[trial.key] = first.setdefault(f"{trial.lr:.4g}", trial.key)
    return leads


def _loss_of(view: RunView, curves: RunCurves | None, x: str) -> Curve | None:
    """Return the smoothed loss by step, or by what the clock counts; None if there is none."""
    if curves is None or not len(curves.smooth_loss.x):
        return None
    line = curves.smooth_loss
    if x == "step":
        return line
    return replace(line, x=view.clock.seconds_at(line.x)) if view.clock else None


def _delta(ours: Curve | None, base: Curve | None, x: str) -> Delta | None:
    """Compare two smoothed losses at the last step, or time, that both have."""
    if ours is None or base is None:
        return None
    at = float(min(ours.x[-1], base.x[-1]))
    if max(ours.x[0], base.x[0]) > at:
        return None
    own, other = (float(np.interp(at, line.x, line.y)) for line in (ours, base))
    share = own / other - 1 if own > 0 and other > 0 else None
    return Delta(at, x, own - other, share)


def _lighter(curves: RunCurves, n_points: int) -> RunCurves:
    """Return curves of fewer points, so that twenty runs are drawn as quickly as one."""

    def fewer(curve: Curve) -> Curve:
        chosen = thin(curve.x, curve.y, curves.window, n_points)
        return Curve(curve.name, curve.x[chosen], curve.y[chosen])

    return replace(
        curves,
        loss=fewer(curves.loss),
        smooth_loss=fewer(curves.smooth_loss),
        lr=tuple(map(fewer, curves.lr)),
        grad_norm=fewer(curves.grad_norm),
        clipped=None,
        update_ratio=fewer(curves.update_ratio),
        own=tuple(map(fewer, curves.own)),
    )
