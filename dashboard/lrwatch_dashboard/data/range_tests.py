"""Range tests: runs whose learning rate was swept upwards, read as loss against learning rate."""

from __future__ import annotations

import numpy as np

from lrwatch.comparing import read_range_test
from lrwatch.records import FloatArray
from lrwatch_dashboard.comparison_views import RangeTest
from lrwatch_dashboard.views import Curve, RunCurves, RunView

__all__ = ["range_test"]


def range_test(view: RunView, curves: RunCurves) -> RangeTest:
    """Read a range test, by the rule that `lrwatch.range_test` and `lrwatch.suggest` have."""
    rates, losses, n_after = _by_rate(curves)
    broken = [np.inf] if n_after else []
    found = read_range_test(rates, np.concatenate([losses, broken]))
    return RangeTest(
        key=view.key,
        name=view.name,
        is_running=view.state == "running",
        loss=Curve("loss", rates, losses),
        smooth_loss=Curve("median", found.middle_rates, found.median_losses),
        steepest=found.steepest,
        lowest=found.lowest,
        diverges=found.diverges,
        band=found.band,
        reason=found.reason,
    )


def _by_rate(curves: RunCurves) -> tuple[FloatArray, FloatArray, int]:
    """Return rates and losses up to the first loss that is not finite, and how many come after."""
    lr, loss = curves.lr[0] if curves.lr else curves.loss, curves.loss
    if not len(lr.x) or not len(loss.x):
        return np.empty(0), np.empty(0), 0
    seen = loss.x < (curves.first_broken if curves.first_broken is not None else np.inf)
    rates = np.exp(np.interp(loss.x, lr.x, np.log(np.maximum(lr.y, np.finfo(float).tiny))))
    return rates[seen], loss.y[seen], curves.n_broken
