"""Record what `torch.multiprocessing.spawn` starts: a spawned process begins without lrwatch.

The function that is to run there travels with the settings, and begins to record as it is
called. Other new processes, workers of data loaders among them, are left as they are.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lrwatch.autowatch.script import record
from lrwatch.autowatch.settings import Settings

__all__ = ["Recorded", "follow_spawned"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A function that is recorded in the process that calls it.

    Attributes
    ----------
    function
        What to call.
    settings
        How to record it.
    """

    function: Callable[..., Any]
    settings: Settings

    def __call__(self, *arguments: Any) -> Any:
        """Call the function, and end its runs with it."""
        end = _begin(self.settings)
        try:
            result = self.function(*arguments)
        except BaseException as error:
            end(error)
            raise
        end(None)
        return result


def follow_spawned(settings: Settings) -> None:
    """Have the processes that torch starts with a function of the script recorded as well."""
    import torch.multiprocessing

    if not _is_found_by_children():
        return
    package: Any = torch.multiprocessing
    original = package.start_processes

    @functools.wraps(original)
    def start_processes(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # A fork has this wrapper and its own.
        known = fn if isinstance(fn, Recorded) else Recorded(fn, settings)
        return original(known, *args, **kwargs)

    # `spawn` looks it up in its module, scripts and trainers in the package.
    for place in (package, sys.modules[original.__module__]):
        setattr(place, "start_processes", start_processes)  # noqa: B010  mypy forbids the plain way


def _is_found_by_children() -> bool:
    """Tell whether a new process could import this package, which is loaded here."""
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]
    return any(finder.find_spec("lrwatch", None) is not None for finder in finders)


def _begin(settings: Settings) -> Callable[[BaseException | None], None]:
    try:
        follow_spawned(settings)
        return record(settings)
    except Exception as error:  # noqa: BLE001  the script's function runs in any case
        sys.stderr.write(f"lrwatch: nothing is recorded: {error}\n")
        return lambda _: None
