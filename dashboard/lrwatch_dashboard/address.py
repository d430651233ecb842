"""What the address of a page says: which runs, and how they are shown.

The same words stand in the address, in links, and in the store that a page keeps of its view:
``x`` (``time`` for seconds instead of steps, ``start`` for steps since the first one, ``own:epoch``
for a logged column that only rises), ``y`` (``log`` or ``linear``), ``from`` and ``to``
(the zoom, in the unit of the x axis) or ``last`` (a zoom of that width which ends where the run
does, and goes on with it), ``sm`` (half-life of the smoothing in steps, or ``off``). What is as
usual is left out.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, quote, unquote_plus

from lrwatch.formats import as_number
from lrwatch_dashboard.views import StepTimes, Window

__all__ = [
    "ChartView",
    "alerts_href",
    "compare_href",
    "curves_href",
    "export_href",
    "key_of",
    "metric_of_axis",
    "query",
    "report_href",
    "run_href",
    "run_keys",
    "steps_of",
    "sweep_href",
    "table_href",
    "zoomed_run_href",
]

YScale = Literal["auto", "log", "linear"]

_OWN: Final = "own:"
_LONGEST_NAME: Final = 300
_LONGEST_HALF_LIFE: Final = 10_000_000
_FARTHEST: Final = 1e15  # steps or seconds
_FINEST: Final = 1e-9  # width of a zoom beside where it lies
_LEAST_MARGIN: Final = 20  # steps
_NO_SMOOTHING: Final = "off"


@dataclass(frozen=True, slots=True)
class ChartView:
    """How the charts of a page are shown.

    Attributes
    ----------
    x
        What the x axis counts: ``step``, ``time``, ``start`` or ``own:`` and a column's name.
    y
        ``auto`` is a log axis where every value is positive.
    window
        First and last x of the zoom, in the unit of `x`; None for all.
    half_life
        Of the smoothing, in steps; None for one that fits the run, 0 for none.
    last
        Width of a zoom that follows the end of what is shown; None for none.
    """

    x: str = "step"
    y: YScale = "auto"
    window: Window | None = None
    half_life: int | None = None
    last: float | None = None

    @classmethod
    def of(cls, words: Mapping[str, Any] | None) -> ChartView:
        """Return the view that the words of an address mean; what is no good is left out."""
        words = words or {}
        x, y = words.get("x") or "step", words.get("y")
        return cls(
            x=x if x in ("time", "start") or metric_of_axis(x) else "step",
            y=y if y in ("log", "linear") else "auto",
            window=_window(words.get("from"), words.get("to")),
            last=_width(words.get("last")),
            half_life=_half_life(words.get("sm")),
        )

    def ending_at(self, runs: Iterable[tuple[int | None, StepTimes]]) -> ChartView:
        """Return the view once it is known where runs end: a zoom that follows has its place.

        Parameters
        ----------
        runs
            Last step and clock of each run, which counts what the x axis does.
        """
        if self.last is None or self.window is not None:
            return self
        by_step = self.x == "step"
        ends = [
            last_step if by_step else float(clock.seconds[-1]) if clock else None
            for last_step, clock in runs
        ]
        end = max((end for end in ends if end is not None), default=None)
        return self if end is None else replace(self, window=(end - self.last, float(end)))


def metric_of_axis(x: Any) -> str:
    """Return the column that an x axis counts; empty if it counts none.

    Examples
    --------
    >>> metric_of_axis("own:epoch"), metric_of_axis("time")
    ('epoch', '')
    """
    is_metric = isinstance(x, str) and x.startswith(_OWN) and len(x) <= _LONGEST_NAME
    return x.removeprefix(_OWN) if is_metric else ""


def steps_of(view: ChartView, clock: StepTimes) -> Window | None:
    """Return the steps of a run that a view is zoomed to; None for all."""
    if view.window is None or view.x == "step":
        return view.window
    if not clock:
        return None
    first, last = clock.steps_at(view.window).tolist()
    return (first, last) if first < last else None


def query(search: str | None) -> dict[str, str]:
    """Return the words of an address's query; of several with one name the first."""
    found: dict[str, str] = {}
    for name, value in parse_qsl((search or "").removeprefix("?")):
        found.setdefault(name, value)
    return found


def key_of(pathname: str) -> str:
    """Return the run that an address means; the opposite of `run_href`."""
    return unquote_plus(pathname.removeprefix("/run/").replace("+", "%2B")) or "."


def run_href(key: str) -> str:
    """Return the address of a run's page; a browser would swallow the key ``.``."""
    return "/run/" + ("" if key == "." else _quoted(key))


def zoomed_run_href(key: str, interval: tuple[int, int] | None) -> str:
    """Return the address of a run's page, zoomed to steps and half as many on either side."""
    if interval is None:
        return run_href(key)
    first, last = interval
    margin = max((last - first) // 2, _LEAST_MARGIN)
    return f"{run_href(key)}?from={max(first - margin, 0)}&to={last + margin}"


def export_href(key: str, ending: str) -> str:
    """Return the address of a run's rows as a file; `ending` is ``.csv`` or ``.parquet``."""
    return "/export/" + ("" if key == "." else _quoted(key)) + ending


def table_href(page: str) -> str:
    """Return the address of a page's table as CSV, from the page's own address."""
    return "/table" + page


def report_href(page: str) -> str:
    """Return the address of a page's report in one file, from the page's own address."""
    return "/report" + page


def run_keys(search: str | None, name: str = "runs") -> list[str]:
    """Return the runs that a query names, each once; commas within a key are written ``%2C``."""
    for part in (search or "").removeprefix("?").split("&"):
        word, _, keys = part.partition("=")
        if word == name:
            return list(dict.fromkeys(unquote_plus(key) for key in keys.split(",") if key))
    return []


def compare_href(keys: Iterable[str], base: str = "") -> str:
    """Return the address that compares runs, with one of them as the base."""
    runs = ",".join(_quoted(key) for key in keys)
    return f"/compare?runs={runs}" + (f"&base={_quoted(base)}" if base else "")


def curves_href(key: str, *, by_seed: bool) -> str:
    """Return the address that compares the runs of a sweep, those of one rate as one or not."""
    return f"/compare?group={_quoted(key)}" + ("&seeds=band" if by_seed else "")


def sweep_href(key: str) -> str:
    """Return the address of the sweep that a run belongs to."""
    return f"/sweep?group={_quoted(key)}"


def alerts_href(rule: str) -> str:
    """Return the address of the alerts of one rule."""
    return f"/alerts?rule={quote(rule, safe='')}"


def _window(first: Any, last: Any) -> Window | None:
    window = _number(first), _number(last)
    far = max(map(abs, window))
    return window if far <= _FARTHEST and window[1] - window[0] > _FINEST * far else None


def _width(text: Any) -> float | None:
    width = _number(text)
    return width if _FINEST < width <= _FARTHEST else None


def _half_life(text: Any) -> int | None:
    if text == _NO_SMOOTHING:
        return 0
    half_life = _number(text)
    return min(int(half_life), _LONGEST_HALF_LIFE) if half_life >= 1 else None


def _number(text: Any) -> float:
    """Return a number that is no larger than one can be drawn with, else NaN."""
    number = as_number(text)
    return number if number is not None and abs(number) <= _FARTHEST else math.nan


def _quoted(key: str) -> str:
    """Return a run's key as part of an address; a folder's name need not be UTF-8."""
    return quote(os.fsencode(key), safe="/")
