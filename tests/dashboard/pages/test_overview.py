from __future__ import annotations

import json
import math
from typing import Any

from dash import no_update
from dashboard_views import FakeSource, a_diagnosis, an_overview, run_row, run_view, text_of
from lrwatch_dashboard import ids
from lrwatch_dashboard.own_metrics import MetricSummary
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
    assert not _by_id(page, "table").hidden
    assert _by_id(page, "empty").hidden


def test_an_empty_folder_shows_the_empty_state_and_no_table() -> None:
    page = overview.layout(FakeSource(an_overview()))
    assert _by_id(page, "table").hidden
    assert not _by_id(page, "empty").hidden


def test_the_address_sets_the_filters() -> None:
    page = overview.layout(FakeSource(), "?q=sgd%20a&verdict=up,nonsense")
    assert _by_id(page, "filter").value == "sgd a"
    pressed = [getattr(b, "aria-pressed") for b in _by_id(page, "mark-filters").children]
    assert pressed == ["false", "true", "false", "false", "false"]


def test_the_summary_counts_runs() -> None:
    rows = (run_row("a"), run_row("b", state="finished"))
    assert overview.summary(an_overview(*rows)) == "2 runs, 1 running"
    assert overview.summary(an_overview(run_row("a"))) == "1 run, 1 running"
    judging = an_overview(run_row("a", verdict="judging", state="finished"))
    assert overview.summary(judging) == "1 run, 0 running, judging 1"


def test_a_poll_with_nothing_new_changes_nothing() -> None:
    assert overview.poll(FakeSource(), "a:1", "") == {"counts": [no_update] * 5}


def test_a_poll_brings_changed_rows_counts_and_the_new_token() -> None:
    table = an_overview(run_row("a", verdict="ok"), token="a:2", whole=False, removed=("b",))
    views = {"a": run_row("a", verdict="ok")}
    answer = overview.poll(FakeSource(table, views), "a:1", "")
    assert [row["key"] for row in answer["change"]["rows"]] == ["a"]
    assert answer["change"]["removed"] == ["b"]
    assert answer["token"] == "a:2"
    assert answer["counts"] == ["0", "0", "0", "0", "1"]
    assert (answer["no_table"], answer["no_empty"]) == (False, True)


def test_the_last_run_that_goes_leaves_the_empty_state() -> None:
    table = an_overview(token="a:2", whole=False, removed=("a",))
    answer = overview.poll(FakeSource(table), "a:1", "")
    assert (answer["no_table"], answer["no_empty"]) == (True, False)
    assert "No runs yet" in json.dumps(answer["empty"], cls=PlotlyJSONEncoder)


def _flagged(*, judging: int = 0) -> FakeSource:
    bad = {f"bad{i}": run_view(f"bad{i}", lr=1.0) for i in range(3)}
    good = {f"good{i}": run_view(f"good{i}", lr=0.1, diagnosis=a_diagnosis("ok")) for i in range(3)}
    rows = [run_row(key) for key in (*bad, *good)]
    table = an_overview(*rows, verdicts={"oscillating": 3, "ok": 3, "judging": judging})
    return FakeSource(table, views=bad | good)


def test_what_flagged_runs_share_is_one_sentence_below_the_filters() -> None:
    page = overview.layout(_flagged())
    shared = page["shared"]
    assert text_of(shared) == (
        "Flagged runs share: learning rate >= 1 in 3 of 3 runs too high, and in 0 of 3 others Sweep"
    )


def test_what_flagged_runs_share_is_not_said_before_all_are_judged() -> None:
    assert text_of(overview.layout(_flagged(judging=1))["shared"]) == ""


def test_what_flagged_runs_share_is_worked_out_anew_only_when_verdicts_change() -> None:
    source = _flagged()
    first = overview.poll(source, "", "")
    assert "3 of 3" in text_of(first["shared"])
    assert "shared" not in overview.poll(source, "", first["verdicts"])


def _two() -> FakeSource:
    small = run_row("small", verdict="ok", config={"width": 16}, best_loss=0.5)
    wide = run_row("wide", config={"width": 64}, is_archived=True, tags=("old",))
    return FakeSource(an_overview(small, wide), {"small": small, "wide": wide})


def test_a_filter_chooses_runs_and_the_counts_follow() -> None:
    words = {"q": "width:64 is:all", "group": "", "cols": ""}
    answer = overview.poll(_two(), "a:1", "", words, '["", "", ""]')
    assert answer["found"]["keys"] == ("wide",)
    assert answer["counts"] == ["0", "1", "0", "0", "0"]
    assert "columns" not in answer
    # Asked again, nothing has changed.
    again = overview.poll(_two(), "a:1", "", words, answer["drawn"])
    assert again == {"counts": [no_update] * 5}


def test_what_is_archived_is_counted_and_left_out() -> None:
    page = overview.layout(_two())
    found = json.loads(getattr(_by_id(page, "overview-first"), "data-found"))
    assert found["keys"] == ["small"]
    assert text_of(page["summary"]) == "2 runs, 2 running, 1 archived"


def test_a_name_that_no_run_has_is_said_and_a_half_typed_one_is_not() -> None:
    def note(text: str) -> str:
        words = {"q": text, "group": "", "cols": ""}
        said: str = overview.poll(_two(), "a:1", "", words, '["?", "", ""]')["found"]["note"]
        return said

    assert note("widht:1").startswith("no run has 'widht'")
    assert [note(text) for text in ("widht:", "width:1", "lr>", "", "words")] == [""] * 5


def test_columns_and_groups_come_with_whole_rows() -> None:
    words = {"q": "", "group": "width", "cols": "name,config.width,nonsense"}
    answer = overview.poll(_two(), "a:1", "", words, '["", "", ""]')
    assert [c["field"] for c in answer["columns"]] == ["name", "config.width", "card"]
    assert [row["config.width"] for row in answer["change"]["rows"]] == [16, 64]
    assert [row["of"] for row in answer["change"]["rows"]] == ["16", "64"]
    assert answer["found"]["groups"] == ["16", "64"]


def test_groups_by_verdict_come_worst_first() -> None:
    rows = {word: run_row(word, verdict=word) for word in ("converged", "diverging", "too_low")}
    source = FakeSource(an_overview(*rows.values()), rows)
    words = {"q": "", "group": "verdict", "cols": ""}
    answer = overview.poll(source, "a:1", "", words, '["", "", ""]')
    assert answer["found"]["groups"] == ["diverging", "too low", "converged"]


def test_own_metrics_are_columns() -> None:
    metrics = {
        "acc": MetricSummary(n=3, last=0.8, low=0.1, high=0.9, at_best_loss=math.nan),
        "val_loss": MetricSummary(n=3, last=0.8, low=0.1, high=0.9, at_best_loss=0.2),
    }
    row = run_row("a", metrics=metrics)
    source = FakeSource(an_overview(row), {"a": row})
    names = ["best.acc", "best.val_loss", "last.acc", "at.acc", "at.val_loss", "last.none"]
    page = overview.layout(source, f"?cols=name,{','.join(names)}")
    grid = _by_id(page, ids.GRID)
    assert [column["field"] for column in grid.columnDefs] == ["name", *names, "card"]
    assert [grid.rowData[0][name] for name in names] == [0.9, 0.1, 0.8, None, 0.2, None]
    known = json.loads(getattr(_by_id(page, "overview-first"), "data-known"))
    assert known["metrics"] == ["acc", "val_loss"]


def test_the_address_sets_columns_and_groups() -> None:
    page = overview.layout(_two(), "?group=width&cols=name,config.width")
    grid = _by_id(page, ids.GRID)
    assert [column["field"] for column in grid.columnDefs] == ["name", "config.width", "card"]
    assert grid.rowData[0]["of"] == "16"


def test_a_read_only_page_has_no_buttons_that_write() -> None:
    source = _two()
    source.labels.is_read_only = True
    assert _by_id(overview.layout(source), "delete-button") is None
    assert _by_id(overview.layout(_two()), "delete-button") is not None
