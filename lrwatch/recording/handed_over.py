"""Numbers that a script hands over: what can be recorded of them, and one warning for the rest."""

from __future__ import annotations

import logging
import operator
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from lrwatch.capture.values import StepValues
from lrwatch.formats import printable
from lrwatch.records import GROUP_COLUMNS, LAYER_COLUMNS, NULL, STEP_COLUMNS

if TYPE_CHECKING:  # a loop of its own may have no torch
    from lrwatch.capture.deferred import Number

__all__ = ["HandedOver"]

logger = logging.getLogger("lrwatch")

_NAME_SIGNS: Final = 200
_WANTED: Final = "a number or a tensor with one element is needed"
_MOST_STEPS: Final = 2**63
_MEASURED: Final = frozenset({*GROUP_COLUMNS, *LAYER_COLUMNS})


class HandedOver:
    """Takes values of any kind, and warns of each name once that cannot be recorded.

    Numbers of numpy, JAX, TensorFlow and others are as good as Python's. One of torch on a
    device stays there, as reading it would wait for the device.

    Parameters
    ----------
    is_measured
        Whether lrwatch measures norms itself, so that their names are taken.
    """

    def __init__(self, *, is_measured: bool) -> None:
        self._is_measured = is_measured
        self._refused: set[str] = set()  # names that were warned about
        self._allowed: set[str] = set()  # names that were looked at
        self._n_on_device = 0  # numbers so far that are still there

    def own(
        self, call: str, values: Mapping[str, object], *, may_be_none: bool = False
    ) -> dict[str, Number]:
        """Return the numbers of columns of the script's own.

        Parameters
        ----------
        call
            What they were given to, for the warning.
        values
            Numbers, or what has one element, by name.
        may_be_none
            Whether ``None`` is a way to say that there is none.
        """
        numbers: dict[str, Number] = {}
        for name, value in values.items():
            if name not in self._allowed:
                if problem := self._problem(name):
                    self._refuse(call, name, problem)
                    continue
                self._allowed.add(name)
            if value is None and not may_be_none:
                self._refuse(call, name, f"{_WANTED}, got None")
            elif (number := self.number(call, name, value)) is not NULL:
                numbers[name] = number
        return numbers

    def number(self, call: str, name: str, value: object) -> Number:
        """Return a number, or `NULL` for what is none."""
        if type(value) is float:
            return value
        if value is None:
            return NULL
        try:
            number = _on_host_or_device(value)
        except Exception:  # noqa: BLE001  whatever the value's own code raises
            self._refuse(call, name, f"{_WANTED}, got {_shown(value)}")
            return NULL
        self._n_on_device += type(number) is not float
        return number

    def row(
        self, measured: dict[str, Any], *, step: object, own: Mapping[str, object]
    ) -> tuple[StepValues, bool]:
        """Return the row of a step as `Run.record` is given it, and whether all of it is here.

        Parameters
        ----------
        measured
            What was given for each field of a step; numbers take its place.
        step
            Number of the step, ``None`` for the next.
        own
            Columns of the script's own.
        """
        n_before = self._n_on_device  # others on another thread send this one a longer way, at most
        for name, value in measured.items():
            if type(value) is not float:
                measured[name] = NULL if value is None else self.number("record", name, value)
        if measured["skipped"] is NULL:
            measured["skipped"] = 0.0
        values = StepValues(**measured)
        if step is not None:
            values.step = self._step(step)
        if own:
            values.logged = self.own("record", own, may_be_none=True)
        return values, self._n_on_device == n_before

    def _step(self, value: object) -> int | None:
        try:
            step = operator.index(value)  # type: ignore[arg-type]
        except Exception:  # noqa: BLE001
            step = -1
        if 0 <= step < _MOST_STEPS:
            return step
        wanted = "a whole number from 0 on is needed"
        self._refuse("record", "step", f"{wanted}, got {_shown(value)}; steps are counted instead")
        return None

    def _problem(self, name: str) -> str:
        if name in STEP_COLUMNS and name != "loss":
            is_given = not self._is_measured and name != "time"
            return "it is for record()" if is_given else "lrwatch records that itself"
        if self._is_measured and name.partition("/")[0] in _MEASURED:
            return "lrwatch records that itself"
        if not name.isprintable() or not 0 < len(name) <= _NAME_SIGNS:
            return f"a name must be 1 to {_NAME_SIGNS} printable characters"
        return ""

    def _refuse(self, call: str, name: str, problem: str) -> None:
        if name not in self._refused:
            self._refused.add(name)
            shown = printable(name[:_NAME_SIGNS])
            logger.warning("%s(%s=...) is left out: %s", call, shown, problem)


def _shown(value: object) -> str:
    try:
        return f"{value!r:.60}"
    except Exception:  # noqa: BLE001  as a number too long to be written
        return f"a {type(value).__name__}"


def _on_host_or_device(value: object) -> Number:
    kind = getattr(sys.modules.get("torch"), "Tensor", ())
    if not isinstance(value, kind) or value.device.type in ("cpu", "meta") or value.numel() != 1:
        item = getattr(value, "item", None)
        return float(item() if callable(item) else value)  # type: ignore[arg-type]
    on_device: Number = value.detach().clone()
    return on_device
