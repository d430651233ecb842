"""Who did what, as the pages show it."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime
from typing import Any

from dashboard_views import FakeAlerts, FakeSource, curves, text_of
from lrwatch_dashboard.alert_views import AlertBoard
from lrwatch_dashboard.components.activity_list import activity_card, activity_line
from lrwatch_dashboard.pages import alerts, run

from lrwatch.activity import Activity


def _done(action: str = "rename", ago: float = 180.0, **about: Any) -> Activity:
    when = datetime.fromtimestamp(time.time() - ago, UTC).isoformat()
    return Activity(when, action, **{"user": "ann", "run": "sgd-0.1", **about})


def test_the_page_of_a_run_says_who_did_what_to_it_lately() -> None:
    source = FakeSource(lines=curves())
    assert "ann" not in text_of(run.layout(source, "sgd-0.1"))
    source.done = [_done(after={"name": "best"}), _done("pin", user=""), _done(run="other")]
    text = text_of(run.layout(source, "sgd-0.1"))
    assert "renamed to best by ann 3 min ago" in text
    assert "pinned by somebody 3 min ago" in text
    assert len(activity_line([_done()] * 9)[0].children) == 3


def test_the_alerts_page_has_a_card_of_it() -> None:
    source = FakeSource()
    done = (
        _done("silence", run="", after={"rule": "too_low", "until": "2026-11-27 12:00 UTC"}),
        _done("delete"),
        _done("acknowledge"),
    )
    source.alerts = FakeAlerts(AlertBoard(activity=done))
    text = text_of(alerts.layout(source))
    assert "too low on every run silenced until 2026-11-27 12:00 UTC by ann" in text
    assert "sgd-0.1 deleted by ann" in text
    assert "sgd-0.1 alert acknowledged" in text
    source.alerts = FakeAlerts(AlertBoard())
    assert "Who did what" not in text_of(alerts.layout(source))


def test_what_is_gone_is_no_link() -> None:
    items = activity_card([_done("delete"), _done()]).children[1].children
    assert [type(item.children[0].children[0]).__name__ for item in items] == ["Span", "A"]


def test_hostile_lines_stay_text() -> None:
    line = _done("<b>", user="\x1b[31m", run="\u202e<i>", after={"name": ["x"]}, ago=-1e9)
    text = text_of(activity_card([line, dataclasses.replace(line, time="never", action="tag")]))
    assert "\x1b" not in text
    assert "\u202e" not in text
