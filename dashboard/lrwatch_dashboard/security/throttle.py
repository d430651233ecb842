"""Attempts to sign in are slowed down once some have failed."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from lrwatch_dashboard.security.proxy import address_of

__all__ = ["Throttle"]

_FREE: Final = 5  # attempts before the first wait
_LONGEST_SECONDS: Final = 60.0
_MEMORY_SECONDS: Final = 900.0
_MOST_ADDRESSES: Final = 1000


class Throttle:
    """Counts failed attempts by address; each beyond a few doubles the wait for the next.

    Nothing sleeps here: an attempt that comes too early is refused, so that a flood of them
    holds up no thread of the server.

    Parameters
    ----------
    clock
        Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # Address to number of failures, time of the last one; the oldest first.
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def admit(self, address: str) -> float:
        """Return 0 if an attempt may be made, else how many seconds are to be waited.

        An attempt counts as failed until `succeeded` is called, so that a hundred at once are
        no way around the limit.
        """
        place, now = _network(address), self._clock()
        with self._lock:
            count, last = self._failures.get(place, (0, now))
            if now - last > _MEMORY_SECONDS:
                count = 0
            wait = min(2.0 ** (count - _FREE), _LONGEST_SECONDS) if count >= _FREE else 0.0
            left = last + wait - now
            if left > 0:
                return left
            self._failures[place] = (count + 1, now)
            self._failures.move_to_end(place)
            while len(self._failures) > _MOST_ADDRESSES:
                self._failures.popitem(last=False)
            return 0.0

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address."""
        with self._lock:
            self._failures.pop(_network(address), None)


def _network(address: str) -> str:
    """Return what one person holds: an IPv4 address, or 64 bits of an IPv6 one."""
    known = address_of(address)
    if known is None or known.version == 4:  # noqa: PLR2004
        return str(known or address)
    return str(ipaddress.ip_network((int(known), 64), strict=False))
