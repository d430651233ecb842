"""Accelerate: a tracker, for what a script logs by `Accelerator.log`.

::

    accelerator = Accelerator(log_with=AccelerateTracker("my-run", "runs"))
    run = lrwatch.watch(optimizer)      # after prepare(): then what is logged joins that run

Without a watched optimizer the numbers that are logged are the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accelerate.tracking import GeneralTracker

from lrwatch.integrations.training import RecordedTraining, own_numbers

__all__ = ["AccelerateTracker"]


class AccelerateTracker(GeneralTracker):
    """Takes what a script logs: into the run of a watched optimizer, or into one of its own.

    Parameters
    ----------
    run_name, logging_dir
        Name of that run, and its folder of runs; ``log_with="lrwatch"`` gives both, after
        ``accelerate.tracking.LOGGER_TYPE_TO_CLASS["lrwatch"]`` was set.
    """

    name = "lrwatch"
    requires_logging_directory = True

    def __init__(self, run_name: str | None = None, logging_dir: Any = "runs", **_: Any) -> None:
        super().__init__()
        self._recorded = RecordedTraining(logging_dir, run_name)

    @property
    def tracker(self) -> Any:
        """The run that takes the numbers; ``None`` before the first."""
        return _watched() or self._recorded.run

    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        self._recorded.config.update(values)

    def log(self, values: Mapping[str, Any], step: int | None = None, **_: Any) -> None:
        run = _watched()
        if run is None:
            self._recorded.row(values, step)
        else:
            run.log(**own_numbers(values))

    def finish(self) -> None:
        self._recorded.end()


def _watched() -> Any:
    from lrwatch.recording.watcher import watched

    return next((run for run in reversed(list(watched.values())) if run.is_recording), None)
