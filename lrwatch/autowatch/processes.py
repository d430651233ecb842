"""Record what trains in processes that the script starts by `multiprocessing`.

A fork has what this module puts in place; a spawned process begins without lrwatch, so the
process object that travels there carries the settings along. Workers of data loaders are left
as they are.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lrwatch.autowatch.settings import Settings
from lrwatch.autowatch.tracebacks import without_own_frames
from lrwatch.autowatch.waiting import stop_waiting, when_trained

if TYPE_CHECKING:
    from lrwatch.autowatch.optimizers import ScriptRecording

__all__ = ["RecordedCall", "arrive", "follow_processes", "started"]

_OF_OTHERS: Final = ("torch.utils.data.", "multiprocessing.managers")
"""Modules whose functions train nothing, or nothing that is to be recorded."""

_OF_TORCH: Final = "torch.multiprocessing.spawn"
"""Its function takes errors of the one it calls, which is its first argument, for itself."""

started: list[str] = []
"""Names of the processes that this one has started and had recorded."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A function that is recorded in the process that calls it."""

    function: Callable[..., Any]
    settings: Settings

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call the function, and end its runs with it."""
        recordings: list[ScriptRecording] = []

        def begin() -> None:
            from lrwatch.autowatch.optimizers import ScriptRecording

            recordings.append(ScriptRecording(self.settings))

        stop_waiting()
        when_trained(begin)
        try:
            result = self.function(*arguments, **options)
        except BaseException as error:
            error.__traceback__ = without_own_frames(error.__traceback__)
            for recording in recordings:
                recording.end(_seen_from_outside(error))
            raise
        for recording in recordings:
            recording.end(None)
        return result


def follow_processes(settings: Settings) -> None:
    """Have the processes that are started from now on recorded as well."""
    from multiprocessing.process import BaseProcess

    start, run = BaseProcess.start, BaseProcess._bootstrap  # type: ignore[attr-defined]  # noqa: SLF001
    if not _is_found_by_children() or hasattr(run, "__wrapped__"):
        return

    @functools.wraps(start)
    def start_recorded(process: Any) -> None:
        if _may_train(process):
            started.append(process.name)
            process._lrwatch = _Carried(settings)  # noqa: SLF001
        start(process)

    @functools.wraps(run)
    def run_recorded(process: Any, *arguments: Any, **options: Any) -> Any:
        started.clear()
        if _may_train(process):
            _record(process, settings)
        return run(process, *arguments, **options)

    setattr(BaseProcess, "start", start_recorded)  # noqa: B010  mypy forbids the plain way
    setattr(BaseProcess, "_bootstrap", run_recorded)  # noqa: B010


def arrive(settings: Settings) -> None:
    """Begin in a process that was spawned, before it runs what it is for."""
    try:
        follow_processes(settings)
    except Exception as error:  # noqa: BLE001  the script's process runs in any case
        sys.stderr.write(f"lrwatch: nothing is recorded: {error}\n")


class _Carried:
    """Settings that begin to work where they are unpickled."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __reduce__(self) -> tuple[Callable[[Settings], None], tuple[Settings]]:
        return arrive, (self._settings,)


def _record(process: Any, settings: Settings) -> None:
    """Have a process, which is about to run, recorded."""
    if getattr(process._target, "__module__", "") == _OF_TORCH:  # noqa: SLF001
        function, *rest = process._args  # noqa: SLF001
        process._args = (RecordedCall(function, settings), *rest)  # noqa: SLF001
    else:
        process.run = RecordedCall(process.run, settings)


def _may_train(process: Any) -> bool:
    module = str(getattr(getattr(process, "_target", None), "__module__", ""))
    return not module.startswith(_OF_OTHERS)


def _seen_from_outside(error: BaseException) -> BaseException | None:
    """Return what ended a process: an exit status other than 0 is a failure."""
    if not isinstance(error, SystemExit):
        return error
    return RuntimeError(f"exit status {error.code}") if error.code else None


def _is_found_by_children() -> bool:
    """Tell whether a new process could import this package, which is loaded here."""
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]
    return any(finder.find_spec("lrwatch", None) is not None for finder in finders)
