from __future__ import annotations

import json
from typing import Any

from dash import no_update
from dashboard_views import FakeSource, an_overview, run_row
from lrwatch_dashboard import ids
from lrwatch_dashboard.pages import overview
from plotly.utils import PlotlyJSONEncoder


def _by_id(part: Any, wanted: str) -> Any:
    if getattr(part, "id", None) == wanted:
        return part
    children = getattr(part, "children", None)
    for child in children if isinstance(children, (list, tuple)) else [children]:
        found = _by_id(child, wanted) if child is not None else None
        if found is not None:
            return found
    return None


def test_the_first_paint_has_the_rows_already() -> None:
    page = overview.layout(FakeSource(an_overview(run_row("a"), run_row("b"))))
    assert [row["key"] for row in _by_id(page, ids.GRID).rowData] == ["a", "b"]
    assert not _by_id(page, ids.TABLE).hidden
    assert _by_id(page, ids.EMPTY).hidden


def test_an_empty_folder_shows_the_empty_state_and_no_table() -> None:
    page = overview.layout(FakeSource(an_overview()))
    assert _by_id(page, ids.TABLE).hidden
    assert not _by_id(page, ids.EMPTY).hidden


def test_the_address_sets_the_filters() -> None:
    page = overview.layout(FakeSource(), "?q=sgd%20a&verdict=up,nonsense")
    assert _by_id(page, ids.FILTER).value == "sgd a"
    pressed = [getattr(b, "aria-pressed") for b in _by_id(page, ids.MARK_FILTERS).children]
    assert pressed == ["false", "true", "false", "false", "false"]


def test_the_summary_counts_runs() -> None:
    rows = (run_row("a"), run_row("b", state="finished"))
    assert overview.summary(an_overview(*rows)) == "2 runs, 1 running"
    assert overview.summary(an_overview(run_row("a"))) == "1 run, 1 running"
    judging = an_overview(run_row("a", verdict="judging", state="finished"))
    assert overview.summary(judging) == "1 run, 0 running, judging 1"


def test_a_poll_with_nothing_new_sends_the_clock_only() -> None:
    answer = overview.poll(FakeSource(), "a:1", now=5.0)
    assert answer.pop("beat") == {"now": 5.0}
    assert answer.pop("counts") == [no_update] * 5
    assert all(value is no_update for value in answer.values())


def test_a_poll_brings_changed_rows_counts_and_the_new_token() -> None:
    table = an_overview(run_row("a", verdict="ok"), token="a:2", whole=False, removed=("b",))
    answer = overview.poll(FakeSource(table), "a:1", now=5.0)
    assert [row["key"] for row in answer["change"]["rows"]] == ["a"]
    assert answer["change"]["removed"] == ["b"]
    assert answer["token"] == "a:2"
    assert answer["counts"] == ["0", "0", "0", "0", "1"]
    assert (answer["no_table"], answer["no_empty"]) == (False, True)


def test_the_last_run_that_goes_leaves_the_empty_state() -> None:
    table = an_overview(token="a:2", whole=False, removed=("a",))
    answer = overview.poll(FakeSource(table), "a:1", now=5.0)
    assert (answer["no_table"], answer["no_empty"]) == (True, False)
    assert "No runs yet" in json.dumps(answer["empty"], cls=PlotlyJSONEncoder)
