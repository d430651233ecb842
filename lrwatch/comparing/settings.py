"""Settings of runs: flat, and without those in which runs of one sweep may differ."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

__all__ = ["flat_settings", "naming", "same_but_rate_and_seed", "setting_text"]

_FEWEST: Final = 3
"""A text that differs in every run says nothing where there are no more runs than this."""

_RATE_NAMES: Final = {"lr", "learning_rate", "learningrate", "peak_lr", "max_lr", "base_lr"}
_RATE_NAMES_TOO: Final = {"init_lr", "initial_lr", "lr_max", "lr0", "eta"}
_SEED_NAMES: Final = {"seed", "random_state"}

_RATE_ENDINGS: Final = ("_lr", "_learning_rate")
"""Of options that are the rate of one of several optimizers, where they have its number."""

_RUN_NAMES: Final = {"name", "run_name", "exp_name", "experiment_name"}
"""Settings that only repeat what a run is called, where they do."""

_COMMAND: Final = "command"
"""The setting with which ``lrwatch run`` keeps the command line of a script."""


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


def same_but_rate_and_seed(
    settings: Mapping[str, Any], *, lr: float = math.nan, key: str = ""
) -> dict[str, Any]:
    """Return flat settings without those that runs of one sweep may differ in.

    Parameters
    ----------
    settings
        What a run was configured with.
    lr
        Its peak learning rate: a word of its command line that is this number is the rate.
    key
        Where it lies in its folder of runs: a setting that repeats its name says nothing more.

    Examples
    --------
    >>> same_but_rate_and_seed({"lr": 0.1, "seed": 3, "optim.max_lr": 1.0, "depth": 2})
    {'depth': 2}
    >>> same_but_rate_and_seed({"command": "train.py --lr 0.1 --depth 2", "name": "a"}, key="a")
    {'command': 'train.py --depth 2'}
    >>> same_but_rate_and_seed({"command": "train.py 1e-1 2"}, lr=0.1)
    {'command': 'train.py LR 2'}
    """
    kept = {
        name: value
        for name, value in settings.items()
        if not _varies(name) and not (name in _RUN_NAMES and _is_name_of(key, value))
    }
    command = kept.get(_COMMAND)
    if isinstance(command, str):
        kept[_COMMAND] = _job_of_command(command, lr)
    return kept


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
    leaf = _leaf(name)
    return leaf in _SEED_NAMES or leaf.endswith("_seed") or _is_rate_name(name)


def _is_rate_name(name: str) -> bool:
    leaf = _leaf(name)
    return leaf in _RATE_NAMES or leaf in _RATE_NAMES_TOO


def _leaf(name: str) -> str:
    return name.rpartition(".")[2].lower().replace("-", "_")


def _is_name_of(key: str, value: Any) -> bool:
    """Whether a run is called by a text, or by it with the number of one whose name was taken."""
    return isinstance(value, str) and bool(re.search(rf"(^|/){re.escape(value)}(-\d+)?$", key))


@lru_cache(maxsize=4096)
def _job_of_command(command: str, lr: float) -> str:
    """Return a command line without the rate and the seed that it gives."""
    try:
        words = shlex.split(command)
    except ValueError:  # a quotation that does not end: not by ``lrwatch run``
        return command
    return shlex.join(_but_rate_and_seed(words, lr))


def _but_rate_and_seed(words: Sequence[str], lr: float) -> Iterator[str]:
    given = list(_given(words))
    if any(_is_rate_name(name) for name, _, _ in given):
        lr = math.nan  # it is named, so that another number of its size is none
    for name, value, (*before, last) in given:
        if _varies(name):
            continue
        may_be = not name or _leaf(name).endswith(_RATE_ENDINGS)
        yield from before
        yield last.removesuffix(value) + "LR" if may_be and _is_rate(value, lr) else last


def _given(words: Sequence[str]) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Yield the parts of a command line: option or setting, its value, and how it is written."""
    place = 0
    while place < len(words):
        word = words[place]
        name, has_value, value = word.partition("=")
        after = words[place + 1 : place + 2]
        if word.startswith("-") and not has_value and after and not after[0].startswith("--"):
            yield name.lstrip("-"), after[0], words[place : place + 2]
            place += 1
        elif has_value or word.startswith("-"):
            yield name.lstrip("-+"), value, [word]
        else:
            yield "", word, [word]
        place += 1


def _is_rate(word: str, lr: float) -> bool:
    try:
        return math.isclose(float(word), lr, rel_tol=1e-6)
    except ValueError:
        return False
