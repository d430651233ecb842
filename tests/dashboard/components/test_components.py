from __future__ import annotations

import json
from typing import Any

import pytest
from dashboard_views import a_diagnosis, an_overview, run_row, run_view, text_of
from lrwatch_dashboard.address import key_of, run_href
from lrwatch_dashboard.components.common_parts import settings_list
from lrwatch_dashboard.components.page_shell import page_shell
from lrwatch_dashboard.components.run_parts import evidence_table, run_status, verdict_card
from lrwatch_dashboard.components.run_table import grid_row, run_table, table_change
from lrwatch_dashboard.components.verdicts import mark_counts, mark_filters, verdict_badge
from lrwatch_dashboard.pages.overview import empty_state
from lrwatch_dashboard.theme import VERDICTS
from plotly.utils import PlotlyJSONEncoder

from lrwatch.verdicts import Evidence


def _json(part: Any) -> str:
    return json.dumps(part, cls=PlotlyJSONEncoder)


def test_every_verdict_has_a_mark_a_word_and_a_meaning() -> None:
    for verdict, look in VERDICTS.items():
        badge = verdict_badge(verdict)
        assert look.word in text_of(badge)
        assert f"mark-{look.mark}" in _json(badge)
        assert badge.title == look.meaning


def test_a_verdict_that_a_later_lrwatch_gives_is_shown_in_its_own_words() -> None:
    assert text_of(verdict_badge("too_clever")).strip() == "too clever"


def test_rows_sort_worst_first_then_running_then_newest() -> None:
    rows = [
        run_row("ok", verdict="ok"),
        run_row("old", created_at=10.0),
        run_row("new", created_at=20.0),
        run_row("done", state="finished", created_at=30.0),
        run_row("bad", verdict="diverging", state="finished"),
    ]
    ranked = sorted(rows, key=lambda row: grid_row(row)["rank"])
    assert [row.key for row in ranked] == ["bad", "new", "old", "done", "ok"]


def test_a_row_carries_numbers_to_sort_by_and_texts_to_read() -> None:
    row = grid_row(run_row(best_loss=None))
    assert (row["lr"], row["lr_text"], row["try_text"]) == (0.3, "0.3", "0.05")
    assert (row["best"], row["best_text"], row["steps_text"]) == (None, "–", "1,200")


def test_a_row_without_a_suggestion_suggests_nothing() -> None:
    assert grid_row(run_row(diagnosis=a_diagnosis(suggested_lr=None)))["try_text"] == ""


@pytest.mark.parametrize("key", ["sgd-0.1", "sweep/a b", ".", "50%/ü?#", "a\\b", "<b>"])
def test_the_address_of_a_run_leads_back_to_its_key(key: str) -> None:
    href = run_href(key)
    assert key_of(href) == key
    assert not set(href) & set(" ?#<>\\")


def test_the_table_runs_no_code_that_a_run_could_have_written() -> None:
    table = run_table([run_row()])
    assert getattr(table, "dangerously_allow_code", None) is None
    assert table.getRowId == "params.data.key"


def test_a_change_names_rows_and_what_is_gone() -> None:
    change = table_change(an_overview(run_row("a"), removed=("b",), whole=False))
    assert [row["key"] for row in change["rows"]] == ["a"]
    assert (change["removed"], change["whole"]) == (["b"], False)


def test_counts_are_by_mark_and_the_pressed_buttons_say_so() -> None:
    verdicts = {"diverging": 2, "exploding": 1, "ok": 1200, "judging": 7}
    assert mark_counts(verdicts) == ["3", "0", "0", "0", "1,200"]
    buttons = mark_filters(verdicts, {"cross"}).children
    assert [getattr(b, "aria-pressed") for b in buttons] == ["true"] + ["false"] * 4


def test_the_empty_state_shows_the_folder_and_how_to_log_a_run() -> None:
    said = text_of(empty_state("/data/runs"))
    assert "/data/runs" in said
    assert "run = lrwatch.watch(optimizer, dir='/data/runs')" in said
    assert "lrwatch run --dir /data/runs train.py" in said
    assert "lrwatch.watch(optimizer)" in text_of(empty_state("runs"))


def test_a_folder_that_cannot_be_read_says_why() -> None:
    assert "runs does not exist" in text_of(empty_state("runs", "runs does not exist"))


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("running", "running, last step 4 s ago"),
        ("silent", "no new step for 4 s (usually one every 500 ms)"),
        ("finished", "finished 4 s ago"),
        ("interrupted", "interrupted 4 s ago"),
        ("failed", "failed 4 s ago"),
        ("unreadable", "cannot be read"),
    ],
)
def test_the_status_says_what_the_run_is_doing(state: str, sentence: str) -> None:
    said = text_of(run_status(run_view(state=state), now=2004.0))
    assert said.startswith(sentence)


def test_the_status_has_the_numbers_of_the_run() -> None:
    said = text_of(run_status(run_view(lost_rows=3, steps=100), now=2004.0))
    for part in ("100 of 1,000 steps", "SGD", "learning rate 0.3", "best loss 0.25", "3 steps"):
        assert part in said
    unplanned = text_of(run_status(run_view(steps=1, total_steps=None), now=2004.0))
    assert " 1 step SGD" in unplanned


def test_a_clock_that_runs_behind_gives_no_negative_age() -> None:
    assert "last step 1 s ago" in text_of(run_status(run_view(), now=1990.0))


def test_the_verdict_card_says_reason_advice_and_what_they_rest_on() -> None:
    said = text_of(verdict_card(run_view()))
    for part in ("oscillating", "swings 3.1", "Try 0.05", "80 %", "20 to 60", "step 25"):
        assert part in said


def test_nothing_is_said_to_be_certain() -> None:
    view = run_view(diagnosis=a_diagnosis(confidence=0.99999))
    assert "over 99 %" in text_of(verdict_card(view))


def test_a_card_without_facts_has_no_empty_line() -> None:
    view = run_view(diagnosis=None, previous="a", following=None)
    assert len(verdict_card(view).children) < len(verdict_card(run_view()).children)


def test_neighbours_are_links_to_the_runs_before_and_after() -> None:
    said = _json(verdict_card(run_view(previous="a b", following="c")))
    assert "/run/a%20b" in said
    assert "/run/c" in said


def test_evidence_tells_fired_quiet_and_not_run_apart() -> None:
    said = text_of(evidence_table(a_diagnosis().evidence))
    for part in ("bounce", "fired", "1.2", "0.6", "20–60", "gain ratio", "not run", "needs the"):
        assert part in said


@pytest.mark.parametrize(("speaks", "said"), [("for", "good sign"), ("neither", "noted")])
def test_a_test_that_speaks_for_a_run_is_shown_calmly(speaks: Any, said: str) -> None:
    against = Evidence("bounce", 0.1, 0.6, fired=True)
    calm = Evidence("settled", 0.1, 0.2, fired=True, speaks=speaks)
    assert "outcome-fired" in _json(evidence_table((against,)))
    assert "outcome-fired" not in _json(evidence_table((calm,)))
    assert said in text_of(evidence_table((calm,)))


def test_no_evidence_is_a_sentence() -> None:
    assert "No test has run" in text_of(evidence_table(()))


def test_settings_are_text_and_long_ones_are_cut() -> None:
    shown = text_of(settings_list({"a.b": [1, 2], "long": "x" * 1000, "none": None}, "none"))
    assert "a.b [1, 2]" in shown
    assert "none null" in shown
    assert len(shown) < 400


def test_very_many_settings_are_counted() -> None:
    assert "and 50 more" in text_of(settings_list({f"k{i}": i for i in range(250)}, ""))


def test_no_settings_is_a_sentence() -> None:
    assert text_of(settings_list({}, "None was given.")) == "None was given."


def test_no_component_makes_markup_of_what_a_user_wrote() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    view = run_view(
        hostile, config={hostile: hostile}, diagnosis=a_diagnosis(reason=hostile, advice=hostile)
    )
    parts = [
        verdict_card(view),
        run_status(view, 0.0),
        settings_list(view.config, ""),
        empty_state(hostile, hostile),
        run_table([run_row(hostile, diagnosis=a_diagnosis(reason=hostile))]),
    ]
    assert "dangerously" not in _json(parts)
    assert "Markdown" not in _json(parts)


def test_the_help_explains_every_verdict() -> None:
    said = text_of(page_shell())
    assert all(look.meaning in said for look in VERDICTS.values())
