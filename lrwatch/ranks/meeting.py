"""How the processes of a job come to write into one run: who has it tells where, nobody waits."""

from __future__ import annotations

import json
import logging
import weakref
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from lrwatch.ranks.files import new_attempt
from lrwatch.ranks.reading import paces
from lrwatch.side_thread import now_and_then

if TYPE_CHECKING:
    from lrwatch.capture.step_clock import StepClock
    from lrwatch.ranks.writing import RankWriter

__all__ = ["Place", "join", "summary_of"]

logger = logging.getLogger("lrwatch")

_LOOK_SECONDS: Final = 0.5  # between looks for the run of the process that has it
_BEAT_SECONDS: Final = 10.0
_RANKS_A_SECOND: Final = 10.0  # that tell how they are, at most, however many there are

_numbers = count()


class Place(Protocol):
    """A key-value store that all processes reach, as torch has one."""

    def set(self, key: str, value: str, /) -> None:
        """Write down."""

    def get(self, key: str, /) -> bytes:
        """Read what is there."""

    def check(self, keys: list[str], /) -> bool:
        """Tell whether something is there, without waiting for it."""


def join(
    writer: RankWriter,
    clock: StepClock,
    place: Place,
    *,
    run: Path | None,
    first_step: int,
) -> None:
    """Have a rank write into the run of its job, and tell how it is, on the side thread.

    Parameters
    ----------
    place
        Where the processes met.
    run
        Folder of the run, in the process that has it; ``None`` in others, which are told.
    first_step
        Number of its first step, where the run is known.
    """
    key = f"ranks/{next(_numbers)}"
    if run is not None:
        try:
            attempt = new_attempt(run)
        except OSError as error:
            logger.warning("ranks are not recorded: %s", error.strerror or error)
            return
        writer.settle(attempt, 0)  # its steps are numbered as the run's
        place.set(key, json.dumps({"attempt": str(attempt.absolute()), "first_step": first_step}))
    now_and_then(_Rank(writer, clock, place, key))


def summary_of(run: Path) -> dict[str, float]:
    """Return what the ranks of a run came to lately, as numbers of its coming row."""
    known = paces(run)
    losses, seconds = known["loss"], known["seconds_to_backward"]
    found: dict[str, float] = {}
    if len(losses):
        names: dict[str, Callable[[Any], Any]] = {"min": np.min, "mean": np.mean, "max": np.max}
        found |= {f"rank_loss/{name}": float(of(losses)) for name, of in names.items()}
    timed = np.isfinite(seconds)
    if timed.any():
        found["rank_seconds/median"] = float(np.median(seconds[timed]))
        found["rank_seconds/max"] = float(seconds[timed].max())
        found["slowest_rank"] = float(known["rank"][timed][seconds[timed].argmax()])
    return found


class _Rank:
    """The chore of one process: find where to write, then tell now and then how it is."""

    def __init__(self, writer: RankWriter, clock: StepClock, place: Place, key: str) -> None:
        self._writer = weakref.ref(writer)
        self._clock, self._place, self._key = clock, place, key

    def __call__(self) -> float | None:
        writer = self._writer()
        if writer is None or writer.is_over:
            return None
        if not writer.is_settled:
            if not self._place.check([self._key]):
                return _LOOK_SECONDS
            self._settle(writer)
        if not writer.is_over:
            writer.beat(is_in_backward=self._clock.is_in_backward)
        return max(_BEAT_SECONDS, writer.n_ranks / _RANKS_A_SECOND)

    def _settle(self, writer: RankWriter) -> None:
        told = json.loads(self._place.get(self._key))
        attempt = Path(told["attempt"])
        if not attempt.is_dir():
            logger.warning(
                "rank %d is not recorded: it does not see the run's folder %s; give watch(dir=...) "
                "a folder that all machines of the job share",
                writer.rank, attempt.parent.parent,
            )  # fmt: skip
            writer.abandon()
            return
        writer.settle(attempt, int(told["first_step"]))
