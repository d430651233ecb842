"""A filter: what of a text must hold of a run, and what can go on it while it is typed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

from lrwatch.errors import InvalidArgument
from lrwatch.finding.clause import Clause, parsed
from lrwatch.finding.facts import FIELDS, RunFacts
from lrwatch.finding.metric_summary import is_own
from lrwatch.finding.terms import Term, quoted

__all__ = ["RunFilter", "completions"]

Run = TypeVar("Run")

_MOST_NAMED: Final = 20
_SEES_ARCHIVED: Final = ("all", "archived")

_MOST_VALUES: Final = 12
_MOST_NAMES: Final = 60
_LONGEST: Final = 60
_WORDS: Final = ("verdict", "status", "optimizer", "group", "tag")
_STANDINGS: Final = ("is:flagged", "is:pinned", "is:archived", "is:all")
_NUMBERS: Final = ("lr>", "loss<", "steps>")


@dataclass(frozen=True)
class RunFilter:
    """Which runs a text means; see docs/command-line.md.

    What is not complete, as while one types, means nothing yet: it is left out.

    Attributes
    ----------
    text
        As it was given.

    Examples
    --------
    >>> small = RunFacts("small", config={"width": 16, "lr": 0.1}, tags=("keep",))
    >>> [RunFilter(text).matches(small) for text in ("width:16 lr>0.01", "-tag:keep", "lr>")]
    [True, False, True]
    >>> RunFilter("(width:32 or tag:keep) lr<1").matches(small)
    True
    """

    text: str = ""

    @cached_property
    def clause(self) -> Clause:
        """What it says."""
        return parsed(self.text)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The terms that are complete."""
        return tuple(term for term in self.clause.terms() if not term.problem)

    @cached_property
    def sees_archived(self) -> bool:
        """Whether runs that were put away are among those that it may mean."""
        return any(
            term.name == "is" and set(term.value.split(",")) & set(_SEES_ARCHIVED)
            for term in self.terms
        )

    def matches(self, run: RunFacts) -> bool:
        """Return whether a run is meant; one that was archived only if the text speaks of it."""
        if run.is_archived and not self.sees_archived:
            return False
        return self.clause.holds(run)

    def problems(self, runs: Iterable[RunFacts]) -> list[str]:
        """Return what of the text cannot be understood, beside these runs."""
        return [*self.clause.problems(), *self.unknown(runs)]

    def unknown(self, runs: Iterable[RunFacts]) -> list[str]:
        """Return a sentence for each name that no run has."""
        runs = list(runs)
        names = dict.fromkeys(term.name for term in self.terms if term.name)
        return [
            f"no run has {name!r}; the names are {_named(runs)}"
            for name in names
            if name not in FIELDS and not any(run.values(name) for run in runs)
        ]

    def checked(self, runs: Iterable[RunFacts]) -> RunFilter:
        """Return this, if all of it can be understood.

        Raises
        ------
        InvalidArgument
            If not: what was given, and what is allowed.
        """
        for problem in self.problems(runs):
            raise InvalidArgument(f"the filter {self.text!r} cannot be used: {problem}")
        return self


def _named(runs: Iterable[RunFacts]) -> str:
    settings = sorted({key for run in runs for key in (*run.config, *run.metrics)} - {*FIELDS})
    more = [] if len(settings) <= _MOST_NAMED else [f"{len(settings) - _MOST_NAMED} more"]
    return ", ".join([*FIELDS, *settings[:_MOST_NAMED], *more])


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
