"""Nothing of ours may end a training: an error is logged once and recording stops."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

__all__ = ["guarded"]

logger = logging.getLogger("lrwatch")


class _Stoppable(Protocol):
    def give_up(self, error: Exception) -> None: ...


S = TypeVar("S", bound=_Stoppable)


def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """Have a method that the training loop runs never raise: the object gives up instead."""

    @functools.wraps(method)
    def call(self: S, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except Exception as error:  # the one broad guard of the training loop
            logger.exception("lrwatch stops recording; training goes on")
            self.give_up(error)
            return None

    return call
