"""Whether every process that holds a part of the parameters measures along, before one waits.

Norms of parameters that are spread over processes are added up by a reduction, which every process
must join: one that does not, as where a script watches on rank 0 alone, would have the others wait
for it until the training dies. So each writes down that it watches, and what it will measure and
when, where the processes have met. By the end of the first `backward` all of them have begun that
step, so what is written then is all there is, and every process reads the same.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable
from itertools import count
from typing import Any

from torch import Tensor

from lrwatch.capture.sharding import is_flattened, meeting_place, rank

__all__ = ["Agreement"]

logger = logging.getLogger("lrwatch")

_numbers = count()


class Agreement:
    """The processes that hold parts of some parameters, and whether all of them measure.

    Parameters
    ----------
    parameters
        Those of an optimizer, some of them spread over processes.
    plan
        What decides what is measured at which step; it must be the same everywhere.
    is_late
        Whether a step is under way: others may not have come to it, and are asked after the next.
    """

    def __init__(self, parameters: Iterable[Tensor], plan: object, *, is_late: bool) -> None:
        known = list(parameters)
        shapes = [tuple(parameter.shape) for parameter in known]
        mark = zlib.crc32(repr((plan, shapes)).encode())
        self._key = f"norms/{next(_numbers)}/{mark:08x}"
        self._ranks = sorted({each for tensor in known for each in _ranks_of(tensor)})
        self._holds: bool | None = False if is_flattened(known) else None
        self._is_late = is_late
        self._may_be_counted_on = False
        if self._holds is False:
            logger.warning(
                "norms are not recorded: parameters are spread over processes by "
                "FullyShardedDataParallel; fully_shard, its successor, lets them be added up"
            )
        elif (place := meeting_place()) is not None:
            place.set(self._own, "watches")

    def holds(self) -> bool:
        """Tell whether all measure; to be asked after a `backward`, and then the same for ever."""
        if self._is_late:
            return False
        if self._holds is None:
            self._holds = self._is_complete()
            if not self._holds:
                self._withdraw()
                logger.warning(
                    "norms are not recorded: parameters are spread over %d processes, and not all "
                    "of them watch the optimizer in the same way; call watch() on every rank",
                    len(self._ranks),
                )
        return self._holds

    def backward_begins(self) -> None:
        """Take note that others may come to the end of this `backward`, and count on this one."""
        self._may_be_counted_on = True

    def leave(self) -> bool:
        """Tell whether this process may stop to measure, and take back that it does, if so."""
        if self._holds is None and not self._may_be_counted_on:
            self._holds = False
            self._withdraw()
        return self._holds is False

    def step_ends(self) -> None:
        """Take note that all processes have come to the end of a step, or will without waiting."""
        self._is_late = False

    @property
    def _own(self) -> str:
        return f"{self._key}/{rank()}"

    def _withdraw(self) -> None:
        """Leave nothing behind that a later agreement could take for its own."""
        place = meeting_place()
        try:
            if place is not None:
                place.delete_key(self._own)
        except RuntimeError:  # the processes part
            logger.debug("%s stays", self._own, exc_info=True)

    def _is_complete(self) -> bool:
        place = meeting_place()
        keys = [f"{self._key}/{each}" for each in self._ranks]
        return place is not None and bool(place.check(keys))


def _ranks_of(tensor: Any) -> list[int]:
    mesh = getattr(tensor, "device_mesh", None)
    return [] if mesh is None else [int(each) for each in mesh.mesh.flatten().tolist()]
