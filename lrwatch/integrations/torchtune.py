"""Torchtune: a metric logger that its YAML names.

::

    metric_logger:
      _component_: lrwatch.integrations.torchtune.TorchtuneLogger
      dir: runs
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrwatch.integrations.training import RecordedTraining

__all__ = ["TorchtuneLogger"]


class TorchtuneLogger:
    """Has the methods of torchtune's `MetricLoggerInterface`; a row is what it logs of one step.

    Parameters
    ----------
    options
        As for `lrwatch.open_run`; others of torchtune's are left out.
    """

    def __init__(self, dir: str = "runs", name: str | None = None, **_: Any) -> None:  # noqa: A002
        self.training = RecordedTraining(dir, name)

    def log_config(self, config: Any) -> None:
        """Keep the recipe's configuration."""
        if hasattr(config, "items"):
            self.training.config.update(_plain(config))

    def log(self, name: str, data: Any, step: int) -> None:
        """Take one number."""
        self.log_dict({name: data}, step)

    def log_dict(self, payload: Mapping[str, Any], step: int) -> None:
        """Take what is known of a step."""
        self.training.row({name: _number(value) for name, value in payload.items()}, step)

    def close(self) -> None:
        """End the run."""
        self.training.end()


def _number(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _plain(config: Any) -> dict[str, Any]:
    return {
        str(name): _plain(value) if hasattr(value, "items") else value
        for name, value in config.items()
    }
