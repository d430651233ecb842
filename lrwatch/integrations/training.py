"""One training of a framework: its optimizer watched, or its numbers where it has none of torch."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from lrwatch import columns
from lrwatch.errors import LrwatchError
from lrwatch.records import STEP_COLUMNS

__all__ = ["FrameworkTraining", "RecordedTraining", "WatchedTraining", "own_numbers"]

logger = logging.getLogger("lrwatch")


class FrameworkTraining:
    """One training of a framework, and its run once it has begun.

    Parameters
    ----------
    dir, name, config, options
        As for `lrwatch.watch`; `config` is added to what the framework knows.
    """

    def __init__(
        self,
        dir: str | os.PathLike[str] = "runs",  # noqa: A002  as in `lrwatch.watch`
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.run: Any = None
        self.config = dict(config or {})
        self._dir, self._name, self._options = dir, name, options

    def end(self, error: BaseException | None = None) -> None:
        """End the run: finished, or as an error that ends the training has it."""
        run, self.run = self.run, None
        if run is not None:
            run.__exit__(None if error is None else type(error), error, None)


class WatchedTraining(FrameworkTraining):
    """Watches the optimizers of a framework; whatever fails is logged, and training goes on."""

    def begin(
        self,
        optimizers: Sequence[Any] | Mapping[str, Any],
        *,
        model: Any = None,
        config: Mapping[str, Any] | None = None,
        total_steps: int | None = None,
        name: str | None = None,
    ) -> None:
        """Watch one optimizer, or several as runs of one group, once."""
        from lrwatch.recording.watcher import watch

        if self.run is not None or not optimizers:
            return
        if not isinstance(optimizers, Mapping):
            optimizers = {f"optimizer-{k}": each for k, each in enumerate(optimizers)}
        watched = next(iter(optimizers.values())) if len(optimizers) == 1 else dict(optimizers)
        options = {"model": model, "total_steps": total_steps or None, **self._options}
        try:
            self.run = watch(
                watched,
                dir=self._dir,
                name=self._name or name,
                config={**(config or {}), **self.config},
                **options,
            )
        except LrwatchError as error:
            logger.warning("this training is not recorded: %s", error)

    def log(self, values: Mapping[str, Any]) -> None:
        """Attach those of the framework's values that are numbers and not recorded anyway."""
        numbers = own_numbers(values)
        if self.run is not None and numbers:
            self.run.log(**numbers)


def own_numbers(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the numbers, and tensors of one, whose names are not those of a step's columns."""
    return {
        name: value
        for name, value in values.items()
        if isinstance(name, str) and name not in STEP_COLUMNS and _is_number(value)
    }


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    is_single = getattr(value, "shape", None) in ((), (1,)) and hasattr(value, "item")
    return isinstance(value, int | float) or is_single


class RecordedTraining(FrameworkTraining):
    """Records what a framework logs; the run begins with the first row.

    Its parameters are those of `lrwatch.open_run`.
    """

    total_steps: int | None = None
    _has_failed = False

    def row(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Record a row of values by whatever names; without a loss they join the last row."""
        meant = columns.meant([str(name) for name in values], lambda _: 1)
        ours = {name: values.get(meant.get(name, name)) for name in ("loss", "lr", "grad_norm")}
        taken = {meant.get(name, name) for name in ours}
        own = own_numbers({k: v for k, v in values.items() if k not in taken and k != "epoch"})
        if "epoch" in values:
            own["epoch"] = values["epoch"]
        if self.run is None and not self._has_failed:
            self._begin()
        if self.run is None:
            return
        if ours["loss"] is None:
            if own:
                self.run.log(**own)
            return
        row = {name: _number(value) for name, value in ours.items() if value is not None}
        self.run.record(**row, **({} if step is None else {"step": step}), **own)

    def _begin(self) -> None:
        import lrwatch

        try:
            self.run = lrwatch.open_run(
                dir=self._dir,
                name=self._name,
                config=self.config,
                total_steps=self.total_steps,
                **self._options,
            )
        except LrwatchError as error:
            self._has_failed = True
            logger.warning("this training is not recorded: %s", error)


def _number(value: Any) -> float:
    return float(value.detach() if hasattr(value, "detach") else value)
