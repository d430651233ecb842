"""The parts of the Sweep page beside its chart: what sweeps there are, what one says, a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from dash import html

from lrwatch.formats import NOTHING, counted, number
from lrwatch_dashboard.address import curves_href, run_href, sweep_href
from lrwatch_dashboard.comparison_views import RangeReading, RateResult, SweepRun, SweepView
from lrwatch_dashboard.components.common_parts import facts, row, table
from lrwatch_dashboard.components.verdicts import mark_shape
from lrwatch_dashboard.theme import look
from lrwatch_dashboard.views import RunView

__all__ = ["range_card", "range_table", "rate_table", "sweep_card", "sweep_list"]

_N_ROWS: Final = 12
_LABEL: Final = "Loss by learning rate"
_LOOK: Final = "evidence rates"


def sweep_list(
    found: Sequence[SweepView], tests: Sequence[RunView], shown: SweepView | RunView
) -> list[Any]:
    """Return a link to each range test, each sweep of more than one rate, and what is shown."""
    links = []
    for sweep in found:
        if len(sweep.choice.rates) < 2 and sweep is not shown:  # noqa: PLR2004
            continue
        size = f"{counted(len(sweep.choice.rates), 'rate')}, {counted(len(sweep.runs), 'run')}"
        links.append(_link(sweep.runs[0].view.key, sweep.label, size, is_shown=sweep is shown))
    links += [_link(test.key, test.name, "range test", is_shown=test is shown) for test in tests]
    return links


def _link(key: str, label: str, what: str, *, is_shown: bool) -> html.A:
    current = {"aria-current": "true"} if is_shown else {}
    return html.A(
        [html.Span(label), html.Span(what, className="quiet")],
        href=sweep_href(key),
        className="sweep-link",
        **{"data-keep": "view", **current},
    )


def sweep_card(sweep: SweepView) -> html.Div:
    """Return what the sweep says: which rate won, and what to try next."""
    choice, known = sweep.choice, []
    if choice.best is not None and len(choice.rates) > 1:
        known.append(("Best rate", number(choice.best, 3)))
    if choice.band is not None and choice.band[0] < choice.band[1]:
        low, high = choice.band
        known.append(("Recommended", f"{number(low, 3)} to {number(high, 3)}"))
    if sweep.next_rate is not None:
        known.append(("Try next", number(sweep.next_rate, 2)))
    n_broken = sum(rate.n_broken for rate in choice.rates)
    if n_broken:
        known.append(("No finite loss", counted(n_broken, "run")))
    n_left_out = sum(bool(run.left_out) for run in sweep.runs)
    if n_left_out:
        known.append(("Not compared", counted(n_left_out, "run")))
    n_running = sum(run.view.state == "running" for run in sweep.runs)
    if n_running:
        known.append(("Still running", counted(n_running, "run")))
    by_seed = any(rate.n_runs > 1 for rate in choice.rates)
    href = curves_href(sweep.runs[0].view.key, by_seed=by_seed)
    return _card(choice.reason, known, html.A("Compare the curves", href=href))


def range_card(run: RunView, test: RangeReading) -> html.Div:
    """Return what a range test says."""
    points = (
        ("Steepest descent", test.steepest),
        ("Lowest loss", test.lowest),
        ("Diverges at", test.diverges),
    )
    known = [(name, number(rate, 2)) for name, rate in points if rate is not None]
    if test.band is not None:
        known.append(("Try", " to ".join(number(rate, 2) for rate in test.band)))
    reason = f"So far: {test.reason}" if run.state == "running" else test.reason
    return _card(reason, known, html.A("Open the run", href=run_href(run.key)), " of-range-test")


def _card(reason: str, pairs: Sequence[tuple[str, str]], link: html.A, look: str = "") -> html.Div:
    lines = [html.P(reason, className="reason"), *facts(pairs), html.P(link, className="run-links")]
    return html.Div(lines, className=f"card sweep-card{look}")


def range_table(test: RangeReading) -> html.Div:
    """Return the chart of a range test as a table: rates evenly spread, and those that tell."""
    x, y = test.middle_rates, test.median_losses
    marked = {test.steepest: "steepest descent", test.lowest: "lowest", test.diverges: "diverges"}
    spread = x[np.unique(np.linspace(0, max(len(x) - 1, 0), _N_ROWS).astype(int))]
    rates = sorted({*spread.tolist(), *(rate for rate in marked if rate is not None)})
    rows = []
    for rate in rates if len(x) else ():
        loss = float(np.interp(np.log(rate), np.log(x), y))
        is_good = test.band is not None and test.band[0] <= rate <= test.band[1]
        cells = number(rate, 2), number(loss), marked.get(rate, "")
        rows.append(row("head,num,note", *cells, look="is-base" if is_good else None))
    heads = ("Learning rate", "Median loss", "")
    return table(heads, rows, _LABEL, _LOOK)


def rate_table(sweep: SweepView, what: str = "loss") -> html.Div:
    """Return the chart as a table: a row for each rate, with its runs, compared or not."""
    known = {rate.lr: rate for rate in sweep.choice.rates}
    rows = [_row(lr, known.get(lr), sweep) for lr in sorted({run.rate for run in sweep.runs})]
    heads = ("Learning rate", f"Median {what}", "Quartiles", "Runs")
    return table(heads, rows, _LABEL, _LOOK)


def _row(lr: float, rate: RateResult | None, sweep: SweepView) -> html.Tr:
    mine = [run for run in sweep.runs if run.rate == lr]
    spread = NOTHING
    if rate is not None and rate.n_runs > 1 and math.isfinite(rate.low):
        spread = f"{_loss(rate.low)} to {_loss(rate.high)}"
    band = sweep.choice.band
    is_good = rate is not None and band is not None and band[0] <= lr <= band[1]
    median = NOTHING if rate is None else _loss(rate.median)
    cells = number(lr, 3), median, spread, [_run(run) for run in mine]
    return row("head,num,num,note runs-of-rate", *cells, look="is-base" if is_good else None)


def _run(run: SweepRun) -> html.A:
    shown = look(run.view.verdict)
    name = [mark_shape(shown.mark), html.Span(run.view.name)]
    if run.view.state == "running":
        dot = html.Span(className="dot dot-running", role="img", **{"aria-label": "running"})
        name.append(dot)
    said = "not compared: " + run.left_out.removeprefix("is ").removeprefix("was ")
    return html.A(
        [*name, html.Span(said, className="quiet")] if run.left_out else name,
        href=run_href(run.view.key),
        title=f"{shown.word}, {said if run.left_out else f'loss {number(run.loss)}'}",
        className=f"verdict-{shown.mark} run-of-rate",
    )


def _loss(loss: float) -> str:
    return number(loss) if math.isfinite(loss) else "not finite"
