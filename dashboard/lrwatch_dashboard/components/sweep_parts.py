"""The parts of the Sweep page beside its chart: what sweeps there are, what one says, a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dash import html

from lrwatch.formats import NOTHING, number
from lrwatch_dashboard.address import run_href, sweep_href
from lrwatch_dashboard.components.verdict_badge import mark_shape
from lrwatch_dashboard.theme import look
from lrwatch_dashboard.views import Sweep, SweepRate, SweepRun

__all__ = ["rate_table", "sweep_card", "sweep_list"]


def sweep_list(found: Sequence[Sweep], chosen: Sweep) -> list[Any]:
    """Return a link to each sweep that has more than one rate, and to the one that is shown."""
    links = []
    for sweep in found:
        if len(sweep.rates) < 2 and sweep is not chosen:  # noqa: PLR2004
            continue
        size = f"{_counted(len(sweep.rates), 'rate')}, {_counted(len(sweep.runs), 'run')}"
        current = {"aria-current": "true"} if sweep is chosen else {}
        links.append(
            html.A(
                [html.Span(sweep.label), html.Span(size, className="quiet")],
                href=sweep_href(sweep.runs[0].key),
                className="sweep-link",
                **{"data-keep": "view", **current},
            )
        )
    return links


def sweep_card(sweep: Sweep) -> html.Div:
    """Return what the sweep says: which rate won, and what to try next."""
    facts = []
    if sweep.best is not None:
        facts.append(("Best rate", number(sweep.best, 3)))
    if sweep.band is not None and sweep.band[0] < sweep.band[1]:
        low, high = sweep.band
        facts.append(("Recommended", f"{number(low, 3)} to {number(high, 3)}"))
    n_broken = sum(rate.n_broken for rate in sweep.rates)
    if n_broken:
        facts.append(("Without a finite loss", _counted(n_broken, "run")))
    n_running = sum(run.is_running for run in sweep.runs)
    if n_running:
        facts.append(("Still running", _counted(n_running, "run")))
    lines: list[Any] = [html.P(sweep.reason, className="reason")]
    if facts:
        pairs = [
            html.Div([html.Span(name, className="quiet"), html.Span(value, className="value")])
            for name, value in facts
        ]
        lines.append(html.Div(pairs, className="facts"))
    return html.Div(lines, className="card sweep-card")


def rate_table(sweep: Sweep) -> html.Div:
    """Return the chart as a table: a row for each rate, with its runs."""
    heads = ("Learning rate", "Median loss", "Quartiles", "Runs")
    head = html.Tr([html.Th(name, scope="col") for name in heads])
    rows = [_row(rate, sweep) for rate in sweep.rates]
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="evidence rates")
    label = {"aria-label": "Loss by learning rate"}
    return html.Div(table, className="scroll-x", tabIndex=0, role="region", **label)


def _row(rate: SweepRate, sweep: Sweep) -> html.Tr:
    mine = [run for run in sweep.runs if float(f"{run.lr:.4g}") == rate.lr]
    has_spread = rate.n_runs > 1 and math.isfinite(rate.low)
    spread = f"{_loss(rate.low)} to {_loss(rate.high)}" if has_spread else NOTHING
    band = sweep.band
    is_good = band is not None and band[0] <= rate.lr <= band[1]
    return html.Tr(
        [
            html.Th(number(rate.lr, 3), scope="row"),
            html.Td(_loss(rate.median), className="num"),
            html.Td(spread, className="num"),
            html.Td([_run(run) for run in mine], className="note runs-of-rate"),
        ],
        className="is-base" if is_good else None,
    )


def _run(run: SweepRun) -> html.A:
    shown = look(run.verdict)
    return html.A(
        [mark_shape(shown.mark), html.Span(run.name)],
        href=run_href(run.key),
        title=f"{shown.word}, loss {number(run.loss)}",
        className=f"verdict-{shown.mark} run-of-rate",
    )


def _loss(loss: float) -> str:
    return number(loss) if math.isfinite(loss) else "not finite"


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
