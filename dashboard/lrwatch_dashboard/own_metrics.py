"""What users log beside the columns of a step: which belong together, and what each came to.

Metrics of one quantity on several kinds of data make a family (``train/acc`` with ``val_acc``), and
so do others that share what stands before the first slash (``gpu/memory`` with ``gpu/power``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lrwatch.finding import (
    EVENTS,
    LAYERS,
    MetricSummary,
    is_event,
    is_layer,
    is_own,
    wants_least,
)
from lrwatch.formats import words_of

__all__ = [
    "EVENTS",
    "LAYERS",
    "LOSS",
    "SYSTEM",
    "Family",
    "MetricSummary",
    "chosen_families",
    "families",
    "is_event",
    "is_layer",
    "is_own",
    "is_result",
    "layer_families",
    "names_of",
    "parse_names",
    "rising_names",
    "split_of",
    "wants_least",
    "write_names",
]

LOSS: Final = "loss"
"""The family of losses on other data, which are drawn beside the training loss."""

SYSTEM: Final = "system"
"""The family of what the machine did."""

_FEWEST_COUNTS: Final = 8
_FEW: Final = 2
_USUAL: Final = 6  # families that are drawn before anybody chose

_OF_RANKS: Final = ("rank_loss", "rank_seconds", "slowest_rank")
"""Families of what each process of a job did."""

_KINDS_OF_DATA: Final = "train|training|val|valid|validation|eval|evaluation|test|dev"
_BEFORE: Final = re.compile(rf"({_KINDS_OF_DATA})[/_.\-](.+)", re.IGNORECASE)
_AFTER: Final = re.compile(rf"(.+)[/_.\-]({_KINDS_OF_DATA})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Family:
    """Metrics that are shown and hidden together: its name, and theirs."""

    name: str
    metrics: tuple[str, ...]

    @property
    def label(self) -> str:
        """What people read: of losses beside the training loss their names, if they are few."""
        if self.name in LAYERS:
            return self.name.removeprefix("layer_").replace("_", " ") + " by layer"
        if self.name != LOSS:
            return self.name
        return ", ".join(self.metrics) if len(self.metrics) <= _FEW else "other losses"


def is_result(metric: str) -> bool:
    """Return whether runs may be measured by a metric: not by what the machine did."""
    return metric.partition("/")[0] not in {SYSTEM, *_OF_RANKS}


def split_of(metric: str) -> tuple[str, str]:
    """Return the kind of data that a name tells, or nothing, and the quantity.

    Examples
    --------
    >>> split_of("val_loss"), split_of("train/acc"), split_of("accuracy"), split_of("loss/test")
    (('val', 'loss'), ('train', 'acc'), ('', 'accuracy'), ('test', 'loss'))
    """
    before = _BEFORE.fullmatch(metric)
    if before is not None:
        return before[1], before[2]
    after = _AFTER.fullmatch(metric)
    return ("", metric) if after is None else (after[2], after[1])


def families(metrics: Iterable[str]) -> tuple[Family, ...]:
    """Return the families of metrics: of losses first, then as they come, the machine's last.

    Examples
    --------
    >>> [f.name for f in families(["accuracy", "gpu/power", "val_loss", "val_accuracy"])]
    ['loss', 'accuracy', 'gpu']
    """
    found: dict[str, list[str]] = {}
    for metric in metrics:
        found.setdefault(_family_of(metric), []).append(metric)
    order = sorted(found, key=lambda name: (name != LOSS, name == SYSTEM))
    return tuple(Family(name, tuple(found[name])) for name in order)


def chosen_families(
    found: Sequence[Family], word: Any = "", counters: Collection[str] = ()
) -> tuple[Family, ...]:
    """Return the families that a word of the address shows.

    It names them, or is ``-`` for none. Without it the first few are shown, but for what the
    machine did and for `counters`, which say nothing but how far the run is.
    """
    if not word:
        quiet = {SYSTEM, *LAYERS}
        told = (f for f in found if f.name not in quiet and not {*f.metrics} <= {*counters})
        return tuple(told)[:_USUAL]
    named = parse_names(word)
    return tuple(family for family in found if family.name in named)


def layer_families(columns: Iterable[str]) -> tuple[Family, ...]:
    """Return the kinds of numbers that were recorded by layer, as families."""
    found: dict[str, list[str]] = {}
    for column in filter(is_layer, columns):
        found.setdefault(column.partition("/")[0], []).append(column)
    return tuple(Family(kind, tuple(found[kind])) for kind in LAYERS if kind in found)


def names_of(summaries: Iterable[Mapping[str, MetricSummary]]) -> list[str]:
    """Return the own metrics of runs, each once, in the order in which they come."""
    return list(dict.fromkeys(n for each in summaries for n in each if is_own(n)))


def rising_names(summaries: Iterable[Mapping[str, MetricSummary]]) -> list[str]:
    """Return the own metrics that count how far runs are, and so only rise: epochs, tokens.

    An accuracy may rise all the time as well; it ends at 1, and has few values or a kind of data.
    What is called an epoch counts before the first one is over, too.
    """
    known = list(summaries)
    return [
        name
        for name in names_of(known)
        if not split_of(name)[0]
        and not name.startswith(f"{SYSTEM}/")
        and all(_counts(name, each[name]) for each in known if name in each)
    ]


def write_names(names: Iterable[str]) -> str:
    """Return names as one word of an address."""
    return ",".join(_escaped(name) for name in names)


def parse_names(word: Any) -> list[str]:
    """Return the names that `write_names` was given; the opposite of it."""
    parts = str(word or "").split(",")
    return [part.replace("~1", ",").replace("~0", "~") for part in parts if part]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace(",", "~1")


def _counts(name: str, summary: MetricSummary) -> bool:
    is_far = summary.high > 1 or words_of(name)[-1:] == ["epoch"]
    return summary.rises and summary.n >= _FEWEST_COUNTS and is_far


def _family_of(metric: str) -> str:
    kind, quantity = split_of(metric)
    if kind:
        return quantity.lower() if quantity.lower() == LOSS else quantity
    before, slash, _ = metric.partition("/")
    return before if slash else metric
