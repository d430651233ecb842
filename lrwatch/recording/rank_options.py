"""What `watch` was asked for about the processes of a distributed job."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final, Self

from lrwatch.capture import sharding
from lrwatch.capture.step_clock import StepClock
from lrwatch.errors import InvalidArgument
from lrwatch.ranks.meeting import join, summary_of
from lrwatch.ranks.writing import RankWriter
from lrwatch.recording.opening import check_count
from lrwatch.recording.run import Run

__all__ = ["RankOptions"]

_EVERY: Final = 10
_LOOK_SECONDS: Final = 10.0
_RANKS_A_SECOND: Final = 10.0  # whose files are looked at, at most


@dataclass(frozen=True, slots=True)
class RankOptions:
    """Which process writes, and whether each keeps what it does itself.

    Attributes
    ----------
    is_main
        Whether this process writes the run.
    every
        Steps to a row of a rank; 0 for none.
    """

    is_main: bool
    every: int

    @classmethod
    def of(cls, ranks: bool | int, main_rank: int) -> Self:  # noqa: FBT001
        """Return the options, checked.

        Raises
        ------
        InvalidArgument
            If one is not allowed.
        """
        n = sharding.n_processes()
        if type(main_rank) is not int or not -n <= main_rank < n:
            raise InvalidArgument(
                f"main_rank must be the number of one of {n} processes, {-n} to {n - 1}, "
                f"got {main_rank!r}; call watch() after torch.distributed.init_process_group"
            )
        every = _EVERY if ranks is True else check_count("ranks", ranks) if ranks else 0
        return cls(sharding.rank() == main_rank % n, every)

    def join(self, run: Run, first_step: int) -> StepClock | None:
        """Have this process keep what it does, if it is one of several; return its clock."""
        place = sharding.meeting_place()
        if not self.every or place is None or sharding.n_processes() == 1:
            return None
        clock, n_ranks = StepClock(), sharding.n_processes()
        writer = RankWriter(sharding.rank(), n_ranks, self.every)
        folder = run.path if self.is_main else None
        join(writer, clock, place, run=folder, first_step=first_step)
        run.attach_rank(writer)
        if self.is_main:
            pause = max(_LOOK_SECONDS, n_ranks / _RANKS_A_SECOND)
            run.log_beside(functools.partial(summary_of, run.path), pause)
        return clock
