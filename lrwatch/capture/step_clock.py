"""How long a process needs before it waits for others: from a step's end to the next `backward`."""

from __future__ import annotations

from time import perf_counter

from lrwatch.records import NULL

__all__ = ["StepClock"]


class StepClock:
    """Takes the time for data and forward, by the clock of this process alone.

    Attributes
    ----------
    is_in_backward
        Whether a `backward` has begun since the last step.
    """

    def __init__(self) -> None:
        self.is_in_backward = False
        self._ended: float | None = None
        self._seconds = NULL

    def backward_begins(self) -> None:
        """Take the time, if it is the first since the last step."""
        if not self.is_in_backward:
            self.is_in_backward = True
            if self._ended is not None:
                self._seconds = perf_counter() - self._ended

    def step_ends(self) -> float:
        """Return the seconds before this step's `backward`; `NULL` where that is not known."""
        seconds, self._seconds = self._seconds, NULL
        self._ended, self.is_in_backward = perf_counter(), False
        return seconds
