"""One training of a framework without an optimizer of torch: its numbers, row by row."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from lrwatch import columns
from lrwatch.errors import LrwatchError
from lrwatch.integrations.watched_training import FrameworkTraining, own_numbers

__all__ = ["RecordedTraining"]

logger = logging.getLogger("lrwatch")


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
