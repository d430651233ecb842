"""Runs beside one another: which of them make a sweep, which rate won, what flagged runs share.

::

    trials = [trial_of(run) for run in followed_runs]
    for sweep in find_sweeps(trials):       # one job at different rates and seeds
        print(sweep.choice.reason)

`lrwatch.compare`, the dashboard's Sweep page and `with_siblings`, which judges runs beside one
another, all ask `find_sweeps`.
"""

from lrwatch.comparing.common_ground import CommonGround, common_ground
from lrwatch.comparing.range_reading import RangeReading, read_range_test
from lrwatch.comparing.rates import RateChoice, RateResult, choose_rate
from lrwatch.comparing.settings import flat_settings, same_but_rate_and_seed
from lrwatch.comparing.sibling_verdicts import SiblingVerdicts, diagnose_sweep, with_siblings
from lrwatch.comparing.store_verdicts import (
    Comparison,
    StoreVerdicts,
    compare,
    compared,
    store_verdicts,
)
from lrwatch.comparing.suggesting import suggest, suggest_each, suggested_each
from lrwatch.comparing.suggestion import Suggestion
from lrwatch.comparing.sweeps import Measure, Sweep, Trial, find_sweeps, trial_of

__all__ = [
    "CommonGround",
    "Comparison",
    "Measure",
    "RangeReading",
    "RateChoice",
    "RateResult",
    "SiblingVerdicts",
    "StoreVerdicts",
    "Suggestion",
    "Sweep",
    "Trial",
    "choose_rate",
    "common_ground",
    "compare",
    "compared",
    "diagnose_sweep",
    "find_sweeps",
    "flat_settings",
    "read_range_test",
    "same_but_rate_and_seed",
    "store_verdicts",
    "suggest",
    "suggest_each",
    "suggested_each",
    "trial_of",
    "with_siblings",
]
