"""Terms put together: those beside one another all hold, ``or`` and brackets say otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lrwatch.finding.facts import RunFacts
from lrwatch.finding.terms import Term, term_at

__all__ = ["Clause", "parsed"]

_OPENING: Final = re.compile(r"(-?)\(")
_OR: Final = re.compile(r"or(?=\s|$|\()", re.IGNORECASE)
_DEEPEST: Final = 50  # brackets in brackets; deeper ones are not told apart


@dataclass(frozen=True, slots=True)
class Clause:
    """Several ways to be meant, one of which must hold.

    Attributes
    ----------
    ways
        Each is the terms and clauses that must all hold.
    is_not
        Whether the runs are meant of which it does not hold.
    problem
        What is wrong with how it is put together; empty if nothing is.
    """

    ways: tuple[tuple[Term | Clause, ...], ...]
    is_not: bool = False
    problem: str = ""

    def holds(self, run: RunFacts) -> bool:
        """Return whether a run is one that is meant; what is not complete is left out."""
        ways = [whole for way in self.ways if (whole := [part for part in way if _is_whole(part)])]
        if not ways:
            return True
        return any(all(part.holds(run) for part in way) for way in ways) != self.is_not

    def terms(self) -> Iterator[Term]:
        """Return every term, the incomplete ones as well."""
        for way in self.ways:
            for part in way:
                yield from (part,) if isinstance(part, Term) else part.terms()

    def problems(self) -> Iterator[str]:
        """Return what is wrong with it, and with what it is put together from."""
        if self.problem:
            yield self.problem
        for way in self.ways:
            for part in way:
                yield from (
                    part.problems() if isinstance(part, Clause) else filter(None, [part.problem])
                )


def parsed(text: str) -> Clause:
    """Return what a text says, whatever it is."""
    return _Parser(text).clause()


class _Parser:
    """Reads a text from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text, self._place, self._depth = text, 0, 0

    def clause(self, *, is_not: bool = False) -> Clause:
        """Read up to the bracket that closes this, or the end."""
        ways: list[list[Term | Clause]] = [[]]
        is_open = bool(self._depth)
        while self._skip_blanks():
            if self._depth and self._text[self._place] == ")":
                self._place += 1
                is_open = False
                break
            if match := _OR.match(self._text, self._place):
                self._place = match.end()
                ways.append([])
            elif (match := _OPENING.match(self._text, self._place)) and self._depth < _DEEPEST:
                self._place, self._depth = match.end(), self._depth + 1
                ways[-1].append(self.clause(is_not=bool(match[1])))
                self._depth -= 1
            elif (term := self._term()) is not None:
                ways[-1].append(term)
        problem = "a bracket is not closed; add )" if is_open else ""
        if len(ways) > 1 and not all(ways):
            problem = "there is nothing on one side of 'or'; write \"or\" in quotes for the word"
        if self._depth and ways == [[]]:
            problem = 'there is nothing in the brackets; write "()" in quotes for the signs'
        return Clause(tuple(map(tuple, ways)), is_not, problem)

    def _skip_blanks(self) -> bool:
        while self._place < len(self._text) and self._text[self._place].isspace():
            self._place += 1
        return self._place < len(self._text)

    def _term(self) -> Term | None:
        begin = self._place
        term, end = term_at(self._text, begin)
        if term is not None and self._depth and term.text[-1] == ")" and '"' not in term.text:
            end -= self._n_closing(term.text)
            term, end = term_at(self._text[:end], begin)
        self._place = end
        return term

    def _n_closing(self, text: str) -> int:
        """Return how many brackets at the end of a term were not opened in it."""
        n_extra = text.count(")") - text.count("(")
        n_last = len(text) - len(text.rstrip(")"))
        return max(min(n_extra, n_last, self._depth), 0)


def _is_whole(part: Term | Clause) -> bool:
    if isinstance(part, Term):
        return not part.problem
    return any(not term.problem for term in part.terms())
