"""What one column that a user logged came to, and which columns those are."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from lrwatch.records import STEP_COLUMNS

__all__ = ["EVENTS", "LAYERS", "MetricSummary", "is_event", "is_layer", "is_own", "wants_least"]

LAYERS: Final = ("layer_grad_norm", "layer_update_norm", "layer_param_norm")
"""Columns before whose slash this stands hold one number a layer."""

EVENTS: Final = "event"
"""Columns before whose slash this stands have a number where something happened, else none."""

_RESERVED: Final = ("lrwatch", EVENTS)
_BY_GROUP: Final = ("lr", "grad_norm", "grad_norm_clipped", "param_norm", "update_norm")
_OURS: Final = frozenset({*STEP_COLUMNS, "lr_effective"})

_LESS_IS_BETTER: Final = re.compile(
    r"(^|[^a-z])(\w*loss|\w*error|err|ppl|perplexity|mse|mae|rmse|mape|nll|wer|cer|ter|fid|kl|"
    r"bpb|bpc|bpd|energy|seconds?|latency|time|entropy|distance|regret|cost|brier|ece)([^a-z]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """What one metric of a run came to.

    Attributes
    ----------
    n
        Finite values of it.
    last, low, high
        The last value, the least and the greatest.
    last_step, low_step, high_step
        Where they were.
    at_best_loss
        What it was at the least training loss: there, or the last time before; NaN where it was not
        known by then.
    rises
        It never falls, and did rise.
    """

    n: int = 0
    last: float = math.nan
    low: float = math.nan
    high: float = math.nan
    last_step: int = -1
    low_step: int = -1
    high_step: int = -1
    at_best_loss: float = math.nan
    rises: bool = False

    def best(self, *, least: bool) -> float:
        """Return the best value, which is the least one or the greatest."""
        return self.low if least else self.high


def is_own(column: str) -> bool:
    """Return whether a column is a metric that a user, or another tool, logged."""
    before, slash, _ = column.partition("/")
    is_ours = bool(slash) and before in (*_BY_GROUP, *_RESERVED)
    return column not in _OURS and not is_ours and not is_layer(column)


def is_event(column: str) -> bool:
    """Return whether a column tells where something happened, as `Run.mark` writes it."""
    before, slash, what = column.partition("/")
    return before == EVENTS and bool(slash and what)


def is_layer(column: str) -> bool:
    """Return whether a column holds a number of one layer."""
    before, slash, _ = column.partition("/")
    return bool(slash) and before in LAYERS


def wants_least(metric: str) -> bool:
    """Return whether less of a metric is better, as far as its name tells; else more is.

    Examples
    --------
    >>> wants_least("val_loss"), wants_least("eval/wer"), wants_least("accuracy")
    (True, True, False)
    """
    return _LESS_IS_BETTER.search(metric.replace("_", "/")) is not None
