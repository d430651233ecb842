from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from dashboard_views import FakeSource, a_diagnosis, curve, curves, run_view, text_of
from lrwatch_dashboard.components.run_parts import curve_table
from lrwatch_dashboard.pages import run
from lrwatch_dashboard.pages.page import GRAPH_CONFIG


def _source(**changes: Any) -> FakeSource:
    return FakeSource(views={"sgd-0.1": run_view(**changes)}, lines=curves())


def _drawn(*where: Any) -> tuple[Any, Any, str]:
    drawn = run.draw(*where)
    assert drawn is not None
    return drawn["figure"], drawn["numbers"], drawn["token"]


def test_the_page_shows_verdict_evidence_and_settings() -> None:
    said = text_of(run.layout(_source(), "sgd-0.1"))
    for part in (
        "sgd-0.1",
        "oscillating",
        "swings 3.1",
        "bounce",
        "batch_size 64",
        "model.depth 2",
    ):
        assert part in said


def test_the_chart_has_the_configuration_of_all_charts() -> None:
    page = run.layout(_source(), "sgd-0.1")
    graphs = [p for p in page._traverse() if type(p).__name__ == "Graph"]
    assert [graph.config for graph in graphs] == [dict(GRAPH_CONFIG)]


def test_an_unknown_run_is_said_to_be_unknown() -> None:
    assert "There is no run ../etc/passwd" in text_of(run.layout(_source(), "../etc/passwd"))


def test_a_poll_with_nothing_new_changes_the_age_only() -> None:
    answer = run.poll(_source(), "sgd-0.1", "a:1", now=2010.0)
    assert "last step 10 s ago" in text_of(answer["status"])
    assert set(answer) == {"status"}


def test_a_new_verdict_comes_with_its_evidence() -> None:
    source = _source(diagnosis=a_diagnosis("diverging"), token="a:2")
    answer = run.poll(source, "sgd-0.1", "a:1", now=2010.0)
    assert "diverging" in text_of(answer["verdict"])
    assert "bounce" in text_of(answer["evidence"])
    assert answer["token"] == "a:2"


def test_a_run_whose_folder_is_gone_keeps_what_was_shown() -> None:
    answer = run.poll(FakeSource(views={}), "sgd-0.1", "a:1", now=0.0)
    assert "gone" in answer["status"]
    assert "verdict" not in answer
    assert run.draw(FakeSource(views={}), "sgd-0.1", {}, "light", "") is None


@pytest.mark.slow
def test_the_figure_is_drawn_once_and_again_when_anything_it_shows_changes() -> None:
    source = _source()
    figure, _, token = _drawn(source, "sgd-0.1", {}, "light", "")
    assert figure.data
    assert run.draw(source, "sgd-0.1", {}, "light", token) is None

    assert _drawn(source, "sgd-0.1", {}, "dark", token)[2] != token
    assert _drawn(source, "sgd-0.1", {"from": "1", "to": "5"}, "light", token)[2] != token
    assert source.asked[-1] == (1.0, 5.0)
    source.lines = dataclasses.replace(curves(), token="a:2")
    assert _drawn(source, "sgd-0.1", {}, "light", token)[2] != token
    source.lines = curves()
    source.views["sgd-0.1"] = run_view(diagnosis=a_diagnosis(interval=(1, 2)))
    assert _drawn(source, "sgd-0.1", {}, "light", token)[2] != token


def test_rows_that_cannot_be_read_leave_a_sentence_for_a_chart() -> None:
    source = FakeSource(lines=None)
    figure, _, token = _drawn(source, "sgd-0.1", {}, "light", "")
    assert "cannot be read" in figure.layout.annotations[0].text
    assert run.draw(source, "sgd-0.1", {}, "light", token) is None


@pytest.mark.slow
def test_the_chart_has_a_table_of_the_same_curves() -> None:
    _, numbers, _ = _drawn(_source(), "sgd-0.1", {}, "light", "")
    table = text_of(numbers)
    for part in ("Step", "Loss", "Learning rate", "Gradient norm", "Update / weight"):
        assert part in table
    assert "0 2 0.1 2 0.002" in table
    assert "99 0.02 0.05 0.02 0.002" in table


def test_the_table_follows_the_zoom_and_says_when_there_is_nothing() -> None:
    zoomed = curve_table(curves(window=(10.0, 13.0)))
    assert [row.children[0].children for row in zoomed.children.children[1].children] == [
        "10",
        "11",
        "12",
        "13",
    ]
    nothing = {n: curve(n=0, y=[]) for n in ("loss", "smooth_loss", "grad_norm", "update_ratio")}
    assert "No step" in text_of(curve_table(curves(lr=(), last_step=None, **nothing)))


@pytest.mark.slow
def test_the_chart_names_the_schedule() -> None:
    source = _source()
    source.lines = curves(schedule="cosine decay")
    figure, _, _ = _drawn(source, "sgd-0.1", {}, "light", "")
    assert any("cosine decay" in str(note.text) for note in figure.layout.annotations)
