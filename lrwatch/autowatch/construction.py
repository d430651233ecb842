"""Call a function with every torch optimizer that is constructed."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer

__all__ = ["OnConstruction"]

logger = logging.getLogger("lrwatch")


class OnConstruction:
    """Calls a function with each optimizer once it is initialized, until `end`.

    Copies and unpickled optimizers are not made in this sense.

    Parameters
    ----------
    action
        What to call; an error of it is logged and goes no further.
    """

    def __init__(self, action: Callable[[Optimizer], None]) -> None:
        self._action: Callable[[Optimizer], None] | None = action
        self._original: Callable[..., None] = Optimizer.__init__
        self._installed = self._announcing(self._original)
        setattr(Optimizer, "__init__", self._installed)  # noqa: B010  mypy forbids the plain way

    def end(self) -> None:
        """Leave torch as it was, unless somebody else has changed the same place since."""
        self._action = None
        if Optimizer.__init__ is self._installed:
            setattr(Optimizer, "__init__", self._original)  # noqa: B010

    def _announcing(self, initialize: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(initialize)
        def call(optimizer: Optimizer, *args: Any, **kwargs: Any) -> None:
            initialize(optimizer, *args, **kwargs)
            try:
                if self._action is not None:
                    self._action(optimizer)
            except Exception as error:  # noqa: BLE001  the script's optimizer works
                logger.warning("%s is not recorded: %s", type(optimizer).__name__, error)

        return call
