"""The parts of the Run page beside its chart: its head, the verdict, its evidence, a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from dash import dcc, html

from lrwatch.formats import NOTHING, count, counted, duration, number
from lrwatch.verdicts import Diagnosis, Evidence, Outcome
from lrwatch_dashboard.address import export_href, run_href, sweep_href
from lrwatch_dashboard.components.common_parts import facts, row, table
from lrwatch_dashboard.components.verdicts import verdict_badge
from lrwatch_dashboard.own_metrics import is_own
from lrwatch_dashboard.theme import look
from lrwatch_dashboard.units import with_unit
from lrwatch_dashboard.views import Curve, RunCurves, RunView

__all__ = ["curve_table", "evidence_table", "run_labels", "run_links", "run_status", "verdict_card"]

_NEARLY_SURE: Final = 0.99
_CALM = {"for": "good sign", "neither": "noted"}
"""What stands for "fired" where it does not speak against the run."""

_ORDER: Final[Mapping[Outcome, int]] = {"fired": 0, "quiet": 1, "not run": 2}
_HEADS = ("Test", "Result", "Statistic", "Fires at", "Steps", "In words")
_N_ROWS: Final = 12


def run_status(view: RunView, now: float) -> list[Any]:
    """Return the line below the name; `now` in seconds since the Unix epoch."""
    parts = [_state(view, now)]
    if view.last_step is not None:
        planned = f"{count(view.steps)} of " if view.total_steps is not None else ""
        parts.append(planned + counted(view.total_steps or view.steps, "step"))
    if view.optimizer:
        parts.append(view.optimizer)
    if view.lr is not None:
        parts.append(f"peak learning rate {number(view.lr, 3)}")
    if view.best_loss is not None:
        parts.append(f"best loss {number(view.best_loss)}")
    parts += [f"{name} {view.job[name]}" for name in ("trained for", "speed") if name in view.job]
    if view.lost_rows:
        parts.append(f"{counted(view.lost_rows, 'step')} could not be written")
    dot = html.Span(className=f"dot dot-{view.state}", **{"aria-hidden": "true"})
    return [dot, *(html.Span(part, className="part") for part in parts)]


def run_links(key: str) -> html.P:
    """Return where to go from here: the run's sweep, and its rows as a file."""
    return html.P(
        [
            html.A("Open its sweep", href=sweep_href(key)),
            *(
                html.A(f"Download {name}", href=export_href(key, ending), download="")
                for name, ending in (("CSV", ".csv"), ("Parquet", ".parquet"))
            ),
        ],
        className="run-links",
    )


def run_labels(view: RunView) -> list[Any]:
    """Return tags and note as the run's page shows them; nothing where there is nothing.

    The note is Markdown without HTML. Its links may lead to addresses of the web and of mail;
    pictures become links, so that looking at a run asks nothing of other servers.
    """
    tags = [*view.tags, *(["archived"] if view.is_archived else [])]
    parts: list[Any] = []
    if tags:
        parts.append(html.P([html.Span(t, className="tag") for t in tags], className="labels"))
    if view.note:
        text = view.note.replace("![", "[")
        note = dcc.Markdown(text, dangerously_allow_html=False, link_target="_blank")
        parts.append(html.Div(note, className="run-note"))
    return parts


def verdict_card(view: RunView) -> html.Div:
    """Return verdict, reason, advice, and what they rest on in one line."""
    diagnosis = view.diagnosis
    lines: list[Any] = [
        html.Div([verdict_badge(view.verdict), _neighbours(view)], className="card-head"),
        html.P(view.reason, className="reason"),
    ]
    if "error" in view.job:
        lines.append(html.P(["It ended with ", html.Code(view.job["error"])], className="failure"))
    if diagnosis is not None and diagnosis.advice:
        lines.append(html.P(diagnosis.advice, className="advice"))
    lines += facts(_known(diagnosis) if diagnosis is not None else ())
    mark = look(view.verdict).mark
    return html.Div(lines, className=f"card verdict-card verdict-{mark}")


def _state(view: RunView, now: float) -> str:
    ago = duration(max(now - view.updated_at, 1.0))
    if view.state == "silent":
        usual = f" (usually one every {duration(view.usual_gap)})" if view.usual_gap else ""
        return f"no new step for {ago}{usual}"
    if view.state == "running":
        return f"running, last step {ago} ago"
    if view.state == "unreadable":
        return "cannot be read"
    return f"{view.state} {ago} ago"


def _known(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    known = []
    if diagnosis.suggested_lr is not None:
        known.append(("Learning rate to try", number(diagnosis.suggested_lr, 2)))
    if diagnosis.verdict != "insufficient_data":
        known.append(("Confidence", _percent(diagnosis.confidence)))
    if diagnosis.interval is not None:
        first, last = diagnosis.interval
        known.append(("Based on steps", f"{count(first)} to {count(last)}"))
    if diagnosis.first_alarm_step is not None:
        known.append(("First alarm", f"step {count(diagnosis.first_alarm_step)}"))
    return known


def _percent(share: float) -> str:
    # Nothing here is certain: 0.9999 must not read as 100 %.
    return "over 99 %" if share > _NEARLY_SURE else f"{100 * share:.0f} %"


def _neighbours(view: RunView) -> html.Nav:
    links = []
    sides = ((view.previous, "←", "previous"), (view.following, "→", "next"))
    for key, sign, name in sides:
        if key is not None:
            title = f"The {name} run in triage order: {key}"
            spoken = {"aria-label": title, "data-go": name}
            href = run_href(key)
            links.append(html.A(sign, href=href, title=title, className="step-link", **spoken))
    return html.Nav(links, className="neighbours")


def evidence_table(evidence: Sequence[Evidence]) -> html.Div:
    """Return what fired as a table, and the rest folded; a sentence if no test has run yet."""
    if not evidence:
        return html.Div(html.P("No test has run yet.", className="quiet"))
    ordered = sorted(evidence, key=lambda test: _ORDER[test.outcome])
    fired = [test for test in ordered if test.outcome == "fired"]
    rest = ordered[len(fired) :]
    parts: list[Any] = [html.P("No test fired.", className="quiet")]
    if fired:
        parts = [table(_HEADS, [_row(test) for test in fired], "Evidence", "evidence")]
    if rest:
        quiet = table(_HEADS, [_row(test) for test in rest], "Tests that did not fire", "evidence")
        body, kept = [html.Summary(_folded(rest)), quiet], {"data-fold": "tests"}
        parts.append(html.Details(body, className="twin folded", **kept))
    return html.Div(parts)


def _folded(rest: Sequence[Evidence]) -> str:
    n_quiet = sum(test.outcome == "quiet" for test in rest)
    names = [(n_quiet, "quiet"), (len(rest) - n_quiet, "not run")]
    said = ", ".join(f"{count(n)} {what}" for n, what in names if n)
    return f"Tests that did not fire: {said}"


def _row(test: Evidence) -> html.Tr:
    steps = f"{count(test.interval[0])}–{count(test.interval[1])}" if test.interval else NOTHING
    is_calm = test.outcome == "fired" and test.speaks in _CALM
    said = _CALM[test.speaks] if is_calm else test.outcome
    look = "quiet" if is_calm else test.outcome.replace(" ", "-")
    outcome = html.Span(said, className=f"outcome outcome-{look}")
    numbers = number(test.value, 3), number(test.threshold, 3), steps
    name = test.name.replace("_", " ")
    return row("head,,num,num,num,note", name, outcome, *numbers, test.note)


def curve_table(curves: RunCurves) -> html.Div:
    """Return the values of each curve at steps that are evenly spread over what is shown."""
    lines = [("Loss", curves.smooth_loss)]
    lines += [(f"Learning rate {curve.name}".strip(), curve) for curve in curves.lr if len(curve.x)]
    lines += [("Gradient norm", curves.grad_norm), ("Update / weight", curves.update_ratio)]
    lines += [(curve.name, curve) for curve in curves.own if is_own(curve.name)]
    lines = [(name, curve) for name, curve in lines if len(curve.x)]
    if not lines:
        return html.Div(html.P("No step recorded yet.", className="quiet"))
    looks = "head" + ",value" * len(lines)
    rows = [
        row(looks, count(step), *(_value(curve, step) for _, curve in lines))
        for step in _steps(curves, [curve for _, curve in lines])
    ]
    heads = ("Step", *(name for name, _ in lines))
    return table(heads, rows, "The curves in numbers", "compared")


def _steps(curves: RunCurves, lines: list[Curve]) -> list[int]:
    first, last = curves.window or (
        min(float(line.x[0]) for line in lines),
        max(float(line.x[-1]) for line in lines),
    )
    return sorted({round(float(step)) for step in np.linspace(first, last, _N_ROWS)})


def _value(curve: Curve, step: int) -> str:
    """Return the value at a step, or the last one before it; nothing beyond the curve."""
    place = int(np.searchsorted(curve.x, step, side="right")) - 1
    is_beyond = place < 0 or step > curve.x[-1] + 1
    return NOTHING if is_beyond else with_unit(curve.name, float(curve.y[place]))
