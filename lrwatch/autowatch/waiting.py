"""Act when a script needs it, and not before: one that trains nothing pays nothing."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["stop_waiting", "when_imported", "when_trained"]


def when_trained(action: Callable[[], None]) -> None:
    """Call `action` once, before the first torch optimizer of this process is made.

    Importing torch first would be simpler, and wrong: scripts set environment variables that
    torch reads when it is imported.
    """
    when_imported("torch", functools.partial(_before_first_optimizer, action))


def _before_first_optimizer(action: Callable[[], None]) -> None:
    optimizer = sys.modules["torch"].optim.Optimizer
    initialize, process = optimizer.__init__, os.getpid()

    @functools.wraps(initialize)
    def call(self: Any, *args: Any, **kwargs: Any) -> None:
        if os.getpid() == process and optimizer.__init__ is call:
            optimizer.__init__ = initialize
            _tell_errors(action)
            optimizer.__init__(self, *args, **kwargs)  # which `action` may have replaced
        else:
            initialize(self, *args, **kwargs)

    optimizer.__init__ = call


def when_imported(name: str, action: Callable[[], None]) -> None:
    """Call `action` once, right after a top-level module was imported.

    An error of the action is reported on standard error and goes no further.
    """
    if name in sys.modules:
        _tell_errors(action)
        return
    _finder.actions[name] = action
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def stop_waiting() -> None:
    """Wait for nothing any more, as in a fork: what was waited for is the parent's affair."""
    _finder.actions.clear()
    _finder.leave()


class _Waiting(MetaPathFinder):
    """Finds modules through the other finders, and adds to what their loaders do."""

    def __init__(self) -> None:
        self.actions: dict[str, Callable[[], None]] = {}
        self._looking: set[str] = set()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002  no submodules
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname not in self.actions or fullname in self._looking:
            return None
        self._looking.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._looking.discard(fullname)
        if spec is not None and spec.loader is not None:
            self._follow(fullname, spec.loader)
        return spec

    def leave(self) -> None:
        """Take itself off the path where there is nothing to wait for."""
        if not self.actions and self in sys.meta_path:
            sys.meta_path.remove(self)

    def _follow(self, name: str, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            del loader.exec_module  # the class has its own, which is back now
            action = self.actions.pop(name, None)
            self.leave()
            if action is not None:
                _tell_errors(action)

        loader.exec_module = exec_module


_finder = _Waiting()


def _tell_errors(action: Callable[[], None]) -> None:
    try:
        action()
    except Exception as error:  # noqa: BLE001  the script's import has worked
        sys.stderr.write(f"lrwatch: nothing is recorded: {error}\n")
