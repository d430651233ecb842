"""How long a run may go on, without which nobody can say that it is too slow.

After 67 steps of a run of unknown length, weights that moved a twentieth of their own length have
moved little if it ends at 100, and as they should if it ends at 100,000. The verdict takes the
run as far as it got for the whole, as one does of a run that is over; an alarm must not.

Own; that good runs move at least their own length: the labelled runs of docs/accuracy.md.
"""

from __future__ import annotations

import math
from typing import Final

from lrwatch.detect.motion import relative_path
from lrwatch.detect.past import Past
from lrwatch.diagnosis.examination import Examination

__all__ = ["is_in_sight"]

DECAYED: Final = 0.5
"""Share of its peak at which a learning rate has begun to end."""

LONG: Final = 20_000
"""Steps within which a good run has moved its own length, if it is ever to."""

STILL: Final = 0.01
"""Share of the loss at the start; one that has come down by no more has not moved at all."""


def is_in_sight(exam: Examination) -> bool:
    """Whether too slow can be told from not there yet, however long the run will be."""
    past = exam.past
    if exam.fired("frozen"):
        return True
    if exam.fired("dead"):
        return _stands_still(past)
    return exam.total_steps is not None or _decays(past) or _goes_nowhere(past)


def _decays(past: Past) -> bool:
    return bool(past.lr[-1] < DECAYED * past.lr.max())


def _goes_nowhere(past: Past) -> bool:
    """Whether steps of this length would not come far in any number that people make."""
    path = relative_path(past)
    return not math.isnan(path) and path * LONG < past.n_steps


def _stands_still(past: Past) -> bool:
    came_down = float(past.loss[: max(len(past) // 32, 1)].mean()) - past.end
    return came_down < STILL * abs(past.start)
