"""The tables of Compare and Sweep as rows of plain values, for a file to go on with."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from lrwatch.formats import as_number
from lrwatch_dashboard.comparison_views import RangeReading, SideBySide, SweepView

__all__ = ["as_cell", "as_csv", "comparison_rows", "range_rows", "sweep_rows"]

TableRow = Sequence[Any]


def comparison_rows(comparison: SideBySide) -> list[TableRow]:
    """Return a head and a row a run."""
    head = ["run", "verdict", "last_loss", "difference_to_base", "difference_at"]
    head += ["best_loss", "peak_lr", "suggested_lr", *comparison.own]
    head += comparison.differing
    rows: list[TableRow] = [head]
    for run in comparison.runs:
        view, delta = run.view, run.delta
        against = [delta.difference, delta.at] if delta is not None else [None, None]
        found = [view.best_loss, view.lr, view.suggested_lr]
        said = [view.key, view.verdict, run.last_loss]
        rows.append([*said, *against, *found, *run.own, *run.settings])
    return rows


def sweep_rows(sweep: SweepView) -> list[TableRow]:
    """Return a head and a row a run, with what its rate came to."""
    head = ["lr", "run", "verdict", "loss", "rate_median", "rate_low", "rate_high"]
    rows: list[TableRow] = [[*head, "not_compared"]]
    rates = {rate.lr: (rate.median, rate.low, rate.high) for rate in sweep.choice.rates}
    for run in sweep.runs:
        own = [run.lr, run.view.key, run.view.verdict, run.loss]
        # No run of its rate may have been compared.
        rows.append([*own, *rates.get(run.rate, (None,) * 3), run.left_out])
    return rows


def range_rows(test: RangeReading) -> list[TableRow]:
    """Return a head and a row a stretch."""
    medians = zip(test.middle_rates.tolist(), test.median_losses.tolist(), strict=True)
    return [["lr", "median_loss"], *medians]


def as_csv(rows: Iterable[TableRow]) -> bytes:
    """Write rows as CSV."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(map(as_cell, row) for row in rows)
    return file.getvalue().encode("utf-8", "replace")


def as_cell(value: Any) -> Any:
    """Return a value for a cell; a text that begins like a formula is kept from being one.

    References
    ----------
    OWASP, CSV Injection.
    """
    is_formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    return f"'{value}" if is_formula and as_number(value) is None else value
