"""The words of a filter: ``width:16``, ``lr>0.01``, ``-tag:old``, ``"in reason"``, ``free``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lrwatch.finding.facts import RunFacts
from lrwatch.formats import as_number

__all__ = ["Term", "quoted", "term_at"]

# A name, a sign and a value; or a value alone. "best:" before a name asks for the best value. In
# quotes a value may hold blanks, and a quote that is still open while one types ends with the text.
_VALUE: Final = r'"[^"]*(?:"|$)'
_TERM: Final = re.compile(
    rf"(?P<minus>-?)(?:(?P<name>(?i:best:)?[^\s\"<>=!:]+)(?P<sign>!=|<=|>=|[:=<>])"
    rf"(?P<value>{_VALUE}|[^\s\"]*)|(?P<word>{_VALUE}|[^\s\"]+))"
)

_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_WHOLE: Final = frozenset({"is", "rate", "status", "tag", "verdict"})
"""Names whose values are words, of which a part means nothing."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition.

    Attributes
    ----------
    text
        As it was given.
    name
        Of what, in lower case; empty for a word that is looked for everywhere.
    sign
        ``:`` has, or contains; ``=`` is; ``!=``; and the four of numbers.
    value
        In lower case, without quotes.
    is_not
        Whether the runs are meant of which it does not hold.
    """

    text: str
    name: str
    sign: str
    value: str
    is_not: bool = False

    @property
    def problem(self) -> str:
        """What is wrong with it; empty if nothing is."""
        if not self.value:
            what = f"{self.name}{self.sign}" if self.name else "a word"
            return f"{self.text!r} is not complete; give a value after {what}"
        if self.sign in _ORDERS and as_number(self.value) is None:
            return f"{self.text!r} compares numbers; got {self.value!r} after {self.sign}"
        return ""

    def holds(self, run: RunFacts) -> bool:
        """Return whether a run is one that is meant."""
        return self._is_so(run) != (self.is_not or self.sign == "!=")

    def _is_so(self, run: RunFacts) -> bool:
        if not self.name:
            return self.value in run.text()
        values = run.values(self.name)
        if self.sign in _ORDERS:
            limit, order = as_number(self.value), _ORDERS[self.sign]
            numbers = [found for value in values if (found := as_number(value)) is not None]
            return limit is not None and any(order(number, limit) for number in numbers)
        wanted = self.value.split(",") if self.sign == ":" else [self.value]
        return any(self._is(value, each) for value in values for each in wanted if each)

    def _is(self, value: Any, wanted: str) -> bool:
        if isinstance(value, bool) or value is None:
            return str(value).lower() == wanted
        number = as_number(wanted)
        if number is not None and as_number(value) == number:
            return True
        if not isinstance(value, str):
            return False
        text = value.lower()
        if self.name in _WHOLE:
            return text.replace("-", "_") == wanted.replace(" ", "_").replace("-", "_")
        return wanted in text if self.sign == ":" else text == wanted


def term_at(text: str, place: int) -> tuple[Term | None, int]:
    """Return the term that begins at a place of a text, and the place after it.

    There is none in a minus or a sign alone.
    """
    match = _TERM.match(text, place)
    if match is None:
        return None, place + 1
    name, word = match["name"] or "", match["word"]
    value = (match["value"] if word is None else word).strip('"').lower()
    term = Term(match[0], name.lower(), match["sign"] or "", value, bool(match["minus"]))
    return (term if word != "-" and (name or value) else None), match.end()


def quoted(value: Any) -> str:
    """Return a value as it is written in a filter."""
    text = str(value).replace('"', "")
    return f'"{text}"' if re.search(r"\s|^$", text) else text
