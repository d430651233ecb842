"""How long to leave a receiver alone after it failed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Backoff"]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Three retries at once, for a hiccup, then ever more patience, for an outage.

    Attributes
    ----------
    burst
        Seconds before each of the first retries.
    slow, slowest
        Seconds before the retry after those; doubled from then on, up to `slowest`.
    longest_asked
        Longest wait in seconds that a receiver may ask for.
    random
        Returns a number from 0 up to 1; the waits vary by a quarter with it, so that watchers
        that failed together do not come back together.
    """

    burst: tuple[float, ...] = (1.0, 2.0, 4.0)
    slow: float = 60.0
    slowest: float = 900.0
    longest_asked: float = 3600.0
    random: Callable[[], float] = random.random

    def seconds(self, n_failures: int, retry_after: float | None = None) -> float:
        """Return how long to wait after so many failures in a row, at least one.

        Examples
        --------
        >>> patient = Backoff(random=lambda: 0.5)
        >>> [patient.seconds(n) for n in (1, 2, 3, 4, 5, 100)]
        [1.0, 2.0, 4.0, 60.0, 120.0, 900.0]
        """
        n_slow = n_failures - 1 - len(self.burst)
        if n_slow < 0:
            wait = self.burst[n_failures - 1]
        else:
            wait = min(self.slow * 2.0 ** min(n_slow, 30), self.slowest)
        wait *= 0.75 + self.random() / 2
        return max(wait, min(retry_after or 0.0, self.longest_asked))
