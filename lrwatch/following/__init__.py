"""Runs followed while they are written: one class a run, one a store, for whoever reads them.

The training thread, ``lrwatch alert``, the dashboard, ``lrwatch ls`` and ``compare`` all ask
`FollowedRun`, so that they cannot disagree on where a run ended, what it does, or its verdict.
"""

from lrwatch.following.absence import Clock, steady_clock
from lrwatch.following.run import FollowedRun, followed, judged
from lrwatch.following.store import FollowedStore
from lrwatch.following.summary import RunSummary, summarised

__all__ = [
    "Clock",
    "FollowedRun",
    "FollowedStore",
    "RunSummary",
    "followed",
    "judged",
    "steady_clock",
    "summarised",
]
