"""One training of a framework without an optimizer of torch: its numbers, row by row."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from lrwatch import columns
from lrwatch.errors import LrwatchError
from lrwatch.integrations.watched_training import own_numbers

__all__ = ["RecordedTraining"]

logger = logging.getLogger("lrwatch")


class RecordedTraining:
    """Records what a framework logs; the run begins with the first row.

    Parameters
    ----------
    dir, name, config, options
        As for `lrwatch.open_run`.
    """

    def __init__(
        self,
        dir: str | os.PathLike[str] = "runs",  # noqa: A002  as in `lrwatch.open_run`
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.run: Any = None
        self.config = dict(config or {})
        self.total_steps: int | None = None
        self._dir, self._name, self._options = dir, name, options
        self._has_failed = False

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

    def end(self, error: BaseException | None = None) -> None:
        """End the run."""
        run, self.run = self.run, None
        if run is not None:
            run.__exit__(None if error is None else type(error), error, None)

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
