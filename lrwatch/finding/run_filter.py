"""A filter: what of a text must hold of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

from lrwatch.errors import InvalidArgument
from lrwatch.finding.clause import Clause, parsed
from lrwatch.finding.facts import FIELDS, RunFacts
from lrwatch.finding.terms import Term

__all__ = ["RunFilter"]

Run = TypeVar("Run")

_MOST_NAMED: Final = 20
_SEES_ARCHIVED: Final = ("all", "archived")


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
    settings = sorted({key for run in runs for key in (*run.config, *run.metrics)})
    more = [] if len(settings) <= _MOST_NAMED else [f"{len(settings) - _MOST_NAMED} more"]
    return ", ".join([*FIELDS, *settings[:_MOST_NAMED], *more])
