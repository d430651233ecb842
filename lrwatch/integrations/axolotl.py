"""Axolotl: one line of its YAML.

::

    plugins:
      - lrwatch.integrations.axolotl.AxolotlPlugin
    lrwatch_dir: runs
"""

from __future__ import annotations

from typing import Any

from axolotl.integrations.base import BasePlugin

from lrwatch.integrations.transformers import TransformersCallback

__all__ = ["AxolotlPlugin"]


class AxolotlPlugin(BasePlugin):
    """Adds the callback of transformers, as Axolotl trains by its `Trainer`."""

    def add_callbacks_post_trainer(self, cfg: Any, trainer: Any) -> list[Any]:
        """Return the callback; the run is kept in ``lrwatch_dir``, ``runs`` by default."""
        return [TransformersCallback(dir=cfg.get("lrwatch_dir") or "runs")]
