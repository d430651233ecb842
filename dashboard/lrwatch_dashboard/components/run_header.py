"""The head of the Run page: name, state, verdict, reason and what to try."""

from __future__ import annotations

from typing import Any, Final

from dash import html

from lrwatch.formats import count, counted, duration, number
from lrwatch.verdicts import Diagnosis
from lrwatch_dashboard.address import export_href, run_href, sweep_href
from lrwatch_dashboard.components.facts import facts
from lrwatch_dashboard.components.verdict_badge import verdict_badge
from lrwatch_dashboard.theme import look
from lrwatch_dashboard.views import RunView

__all__ = ["run_links", "run_status", "verdict_card"]

_NEARLY_SURE: Final = 0.99


def run_status(view: RunView, now: float) -> list[Any]:
    """Return the line below the name; `now` in seconds since the Unix epoch."""
    parts = [_state(view, now)]
    if view.last_step is not None:
        planned = f" of {count(view.total_steps)}" if view.total_steps is not None else ""
        parts.append(f"step {count(view.last_step)}{planned}")
    if view.optimizer:
        parts.append(view.optimizer)
    if view.lr is not None:
        parts.append(f"peak learning rate {number(view.lr, 3)}")
    if view.best_loss is not None:
        parts.append(f"best loss {number(view.best_loss)}")
    if view.lost_rows:
        parts.append(f"{counted(view.lost_rows, 'step')} could not be written")
    line: list[Any] = [html.Span(className=f"dot dot-{view.state}", **{"aria-hidden": "true"})]
    for part in parts:
        line += [html.Span(part, className="part")]
    return line


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


def verdict_card(view: RunView) -> html.Div:
    """Return verdict, reason, advice, and what they rest on in one line."""
    diagnosis = view.diagnosis
    lines: list[Any] = [
        html.Div([verdict_badge(view.verdict), _neighbours(view)], className="card-head"),
        html.P(view.reason, className="reason"),
    ]
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
    for key, sign, name in (
        (view.previous, "←", "previous"),
        (view.following, "→", "next"),
    ):
        if key is not None:
            title = f"The {name} run in triage order: {key}"
            spoken = {"aria-label": title, "data-go": name}
            href = run_href(key)
            links.append(html.A(sign, href=href, title=title, className="step-link", **spoken))
    return html.Nav(links, className="neighbours")
