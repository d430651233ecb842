"""Settings of runs: flat, and without those in which runs of one sweep may differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["flat_settings", "naming", "same_but_rate_and_seed", "setting_text"]

_FEWEST: Final = 3
"""A text that differs in every run says nothing where there are no more runs than this."""

_RATE_NAMES: Final = {"lr", "learning_rate", "learningrate", "peak_lr", "max_lr", "base_lr"}
_RATE_NAMES_TOO: Final = {"init_lr", "initial_lr", "lr_max", "lr0", "eta"}
_SEED_NAMES: Final = {"seed", "random_state"}


def flat_settings(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return settings without nesting.

    Examples
    --------
    >>> flat_settings({"lr": 0.1, "model": {"depth": 2}})
    {'lr': 0.1, 'model.depth': 2}
    """
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat |= flat_settings(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def same_but_rate_and_seed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return flat settings without those that runs of one sweep may differ in.

    Examples
    --------
    >>> same_but_rate_and_seed({"lr": 0.1, "seed": 3, "optim.max_lr": 1.0, "depth": 2})
    {'depth': 2}
    """
    return {name: value for name, value in settings.items() if not _varies(name)}


def naming(settings: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the settings that name a run: texts of which no two runs have the same."""
    values: dict[str, list[Any]] = {}
    for each in settings:
        for name, value in each.items():
            values.setdefault(name, []).append(value)
    return {
        name
        for name, given in values.items()
        if len(given) > _FEWEST
        and all(isinstance(value, str) for value in given)
        and len(set(given)) == len(given)
    }


def setting_text(value: Any) -> str:
    """Return a setting as runs are told apart by it."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _varies(name: str) -> bool:
    leaf = name.rpartition(".")[2].lower().replace("-", "_")
    is_seed = leaf in _SEED_NAMES or leaf.endswith("_seed")
    return is_seed or leaf in _RATE_NAMES or leaf in _RATE_NAMES_TOO
