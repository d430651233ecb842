"""Act on a training between two of its steps, on the thread that makes them.

Another thread asks; what it asks for is done when the training comes by next.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from lrwatch.alert import TrainingStopped

__all__ = ["Action", "BetweenRecords", "BetweenSteps"]

logger = logging.getLogger("lrwatch")

Action: TypeAlias = Callable[[Any], None]
"""What is to be done; it is given the optimizer, ``None`` where there is none of torch's."""


class BetweenSteps(ABC):
    """Where actions wait for the training.

    Parameters
    ----------
    on_stop
        Called on the training thread before `TrainingStopped` is raised there.
    """

    def __init__(self, *, on_stop: Callable[[], None]) -> None:
        self._on_stop = on_stop
        self._waiting: deque[Action] = deque()

    def before_next_step(self, action: Action) -> None:
        """Have `action` called before the next step; from any thread."""
        self._waiting.append(action)

    def follow_skipped_steps(self) -> None:  # noqa: B027  there need be none
        """Act also after a step that was not made, where one hears of it."""

    def detach(self) -> None:
        """Act no more."""
        self._waiting.clear()

    @abstractmethod
    def act_now(self) -> None:
        """Do what waits, on the thread of the training, between two of its steps.

        Raises
        ------
        TrainingStopped
            If an action wants the training to stop.
        """

    def _act(self, optimizer: object) -> None:
        """Do what waits; only a wish to stop reaches the loop, after everything was done."""
        stop: TrainingStopped | None = None
        for _ in range(len(self._waiting)):  # what is asked for meanwhile waits a step
            if not self._waiting:
                break  # an action has ended the run
            try:
                self._waiting.popleft()(optimizer)
            except TrainingStopped as error:
                stop = stop or error
            except Exception:
                logger.exception("lrwatch could not act before a step; training goes on")
        if stop is not None:
            self._on_stop()
            raise stop


class BetweenRecords(BetweenSteps):
    """The same for a loop without an optimizer of torch, which comes by with `Run.record`."""

    def act_now(self) -> None:
        """Do what waits."""
        if self._waiting:
            self._act(None)
