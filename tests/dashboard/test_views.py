from __future__ import annotations

from dashboard_views import a_diagnosis, run_view


def test_a_run_without_a_verdict_says_why() -> None:
    reading = run_view(diagnosis=None, steps=0)
    assert (reading.verdict, reading.reason) == ("judging", "Reading the run; the verdict follows")
    damaged = run_view(diagnosis=None, steps=0, problem="run.json is damaged")
    assert (damaged.verdict, damaged.reason) == ("unreadable", "run.json is damaged")
    torn = run_view(diagnosis=a_diagnosis("insufficient_data"), steps=0, problem="no part")
    assert (torn.verdict, torn.reason) == ("unreadable", "no part")
    empty = run_view(diagnosis=a_diagnosis("insufficient_data"), steps=0)
    assert (empty.verdict, empty.reason) == ("insufficient_data", "No step recorded yet")


def test_a_run_that_can_be_read_in_part_keeps_its_verdict_and_says_so() -> None:
    view = run_view(diagnosis=a_diagnosis("ok", reason="Fine"), problem="steps/2 is damaged")
    assert view.verdict == "ok"
    assert view.reason == "Fine; part of the run cannot be read: steps/2 is damaged"


def test_what_cannot_be_read_ranks_after_what_is_wrong_and_before_what_cannot_be_told() -> None:
    views = [
        run_view("ok", diagnosis=a_diagnosis("ok")),
        run_view("judging", diagnosis=None),
        run_view("short", diagnosis=a_diagnosis("insufficient_data")),
        run_view("newer", diagnosis=a_diagnosis("word of a later lrwatch")),
        run_view("damaged", diagnosis=None, problem="x"),
        run_view("stalled", diagnosis=a_diagnosis("stalled")),
    ]
    order = [view.key for view in sorted(views, key=lambda view: view.rank)]
    assert order == ["stalled", "damaged", "short", "judging", "ok", "newer"]
