"""What can go on a filter that is being typed: names, and their values where they are few."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from lrwatch.finding.facts import RunFacts
from lrwatch.finding.metric_summary import is_own
from lrwatch.finding.terms import quoted

__all__ = ["completions"]

_MOST_VALUES: Final = 12
_MOST_NAMES: Final = 60
_LONGEST: Final = 60
_WORDS: Final = ("verdict", "status", "optimizer", "group", "tag")
_STANDINGS: Final = ("is:flagged", "is:pinned", "is:archived", "is:all")
_NUMBERS: Final = ("lr>", "loss<", "steps>")


def completions(runs: Iterable[RunFacts]) -> list[str]:
    """Return terms that tell these runs apart; a name of many values stands alone."""
    given: dict[str, set[Any]] = defaultdict(set)
    metrics: set[str] = set()
    for run in runs:
        metrics.update(filter(is_own, run.metrics))
        of_every = (run.verdict, run.state, run.optimizer, run.group)
        for word, value in zip(_WORDS, of_every, strict=False):
            given[word].add(value)
        given["tag"].update(run.tags)
        for name, value in run.config.items():
            if not isinstance(value, list | tuple | dict):
                given[name].add(value)
    values = {
        name: {quoted(v) for v in each if v not in ("", None)} for name, each in given.items()
    }
    found: list[str] = []
    for name in [*_WORDS, *sorted(values.keys() - set(_WORDS))][:_MOST_NAMES]:
        known = [text for text in values.get(name, ()) if len(text) <= _LONGEST]
        is_told_apart = name in _WORDS or len(known) > 1
        if not known or not is_told_apart or _cannot_be_typed(name):
            continue
        few = len(known) <= _MOST_VALUES
        found += [f"{name}:{text}" for text in sorted(known)] if few else [f"{name}:"]
    own = [name for name in sorted(metrics) if not _cannot_be_typed(name)][:_MOST_NAMES]
    found += [f"{name}>" for name in own] + [f"best:{name}>" for name in own]
    return [*found, *_STANDINGS, *_NUMBERS]


def _cannot_be_typed(name: str) -> bool:
    """Return whether a filter would read another name in this one."""
    return any(sign in name for sign in ' "<>=!:')
