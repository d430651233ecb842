"""The steps of a loop that hands its numbers over itself; it needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lrwatch.capture.guard import guarded
from lrwatch.capture.steps_in_order import StepsInOrder
from lrwatch.capture.values import StepValues

if TYPE_CHECKING:
    from lrwatch.capture.deferred import Number

__all__ = ["OwnLoop"]


class OwnLoop:
    """Takes the place of a `Recorder` where there is no optimizer to hook into.

    Parameters
    ----------
    hand_on, on_give_up
        As for `Recorder`.
    """

    is_in_step = False
    group_names: tuple[str, ...] = ()

    def __init__(
        self,
        hand_on: Callable[[StepValues], None],
        on_give_up: Callable[[Exception], None],
    ) -> None:
        self._on_give_up = on_give_up
        self._steps = StepsInOrder(hand_on)
        self._is_over = False
        self.lock = self._steps.lock
        self.when_free, self.go_on = self._steps.when_free, self._steps.go_on

    def detach(self) -> None:
        """Hand on what is under way, and take nothing more."""
        self._is_over = True
        self._steps.drain()

    def give_up(self, error: Exception) -> None:
        """Stop recording after an error of ours."""
        self.detach()
        self._on_give_up(error)

    @property
    def n_made(self) -> int:
        """How many steps were recorded so far."""
        return self._steps.n_made

    def is_captured(self) -> bool:
        """Tell whether what happens now is to be left alone: never."""
        return False

    @guarded
    def record(self, values: StepValues, *, is_on_host: bool) -> None:
        """Take a step."""
        with self.lock:
            if not self._is_over:
                self._steps.put(values, is_on_host=is_on_host)
        self.go_on()

    def log(self, numbers: Mapping[str, Number], *, loss: object = None) -> bool:  # noqa: ARG002
        """Attach numbers to the last step, or to the first one before it is made."""
        return self._steps.log(numbers, is_for_coming=False)

    def log_ahead(self, numbers: Mapping[str, Number]) -> None:
        """Attach numbers to the coming step."""
        self._steps.log(numbers, is_for_coming=True)
