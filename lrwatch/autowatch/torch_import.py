"""Wait for torch: a script that never imports it pays nothing, one that does keeps its order.

Importing torch first would be simpler, and wrong: scripts set environment variables that torch
reads when it is imported.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from lrwatch.autowatch.settings import Settings
from lrwatch.autowatch.tracebacks import hide_own_frames

__all__ = ["begin", "when_imported"]


def begin(settings: Settings) -> None:
    """Watch every optimizer as soon as the script has imported torch."""

    def watch() -> None:
        from lrwatch.autowatch.script import record_to_the_end
        from lrwatch.autowatch.spawned import follow_spawned

        record_to_the_end(settings)
        follow_spawned(settings)

    hide_own_frames()
    when_imported("torch", watch)


def when_imported(name: str, action: Callable[[], None]) -> None:
    """Call `action` once, right after a top-level module was imported.

    An error of the action is reported on standard error and goes no further.
    """
    if name in sys.modules:
        _tell_errors(action)
    else:
        sys.meta_path.insert(0, _Waiting(name, action))


class _Waiting(MetaPathFinder):
    """Finds one module through the other finders, and adds to what its loader does."""

    def __init__(self, name: str, action: Callable[[], None]) -> None:
        self._name = name
        self._action = action
        self._is_looking = False

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002  torch is no submodule
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname != self._name or self._is_looking:
            return None
        self._is_looking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._is_looking = False
        if spec is not None and spec.loader is not None:
            self._follow(spec.loader)
        return spec

    def _follow(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            del loader.exec_module  # the class has its own, which is back now
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                _tell_errors(self._action)

        loader.exec_module = exec_module


def _tell_errors(action: Callable[[], None]) -> None:
    try:
        action()
    except Exception as error:  # noqa: BLE001  the script's import has worked
        sys.stderr.write(f"lrwatch: nothing is recorded: {error}\n")
