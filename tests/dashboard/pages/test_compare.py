from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from dashboard_views import FakeSource, a_diagnosis, curves, run_view, text_of
from lrwatch_dashboard.data.comparison import chosen_keys
from lrwatch_dashboard.pages import compare
from lrwatch_dashboard.pages.page import GRAPH_CONFIG


def _source(*keys: str) -> FakeSource:
    views = {key: run_view(key, config={"lr": i}) for i, key in enumerate(keys)}
    return FakeSource(views=views, lines=curves())


def _drawn(
    source: FakeSource, keys: list[str], theme: str = "light", token: str = "", **words: str
) -> dict[str, Any]:
    drawn = compare.draw(source, keys, words, theme, token)
    assert drawn is not None
    return drawn


def test_the_page_says_how_many_runs_there_are_and_which_are_missing() -> None:
    page = text_of(compare.layout(_source("a", "b"), "?runs=a,b,gone"))
    assert "2 runs, 2 running; no such run: gone" in page


def test_without_runs_the_page_says_how_to_choose_some() -> None:
    assert "Nothing to compare yet" in text_of(compare.layout(_source("a"), ""))


def test_the_chart_has_the_configuration_of_all_charts() -> None:
    page = compare.layout(_source("a"), "?runs=a")
    graphs = [p for p in page._traverse() if type(p).__name__ == "Graph"]
    assert [graph.config for graph in graphs] == [dict(GRAPH_CONFIG)]


@pytest.mark.slow
def test_more_runs_than_can_be_told_apart_are_cut_and_said() -> None:
    keys = [f"run-{i}" for i in range(25)]
    source = _source(*keys)
    assert "showing the first 20 of 25" in compare.status(source, keys, {})
    assert len({trace.name for trace in _drawn(source, keys)["figure"].data} - {""}) == 20


def test_the_table_has_verdict_loss_delta_and_what_differs() -> None:
    source = _source("a", "b")
    table = text_of(_drawn(source, ["a", "b"], base="a")["table"])
    for part in ("lr", "oscillating", "0.02", "base", "0.0 %", "no base", "✕"):
        assert part in table


@pytest.mark.slow
def test_links_keep_the_other_runs_and_the_base() -> None:
    answer = _drawn(_source("a", "b/c", "d,e"), ["a", "b/c", "d,e"], base="a")
    links = [p.href for p in answer["table"]._traverse() if type(p).__name__ == "A"]
    assert "/compare?runs=a,b/c,d%2Ce&base=b/c" in links
    assert "/compare?runs=a,d%2Ce&base=a" in links
    assert "/compare?runs=b/c,d%2Ce" in links


@pytest.mark.slow
def test_what_is_shown_is_drawn_again_only_when_something_changed() -> None:
    source = _source("a", "b")
    token = _drawn(source, ["a", "b"])["token"]
    assert compare.draw(source, ["a", "b"], {}, "light", token) is None

    assert _drawn(source, ["a", "b"], "dark", token)["token"] != token
    assert _drawn(source, ["a", "b"], token=token, y="log")["token"] != token
    changed = run_view("b", diagnosis=a_diagnosis("ok"), token="a:2")
    source.views["b"] = changed
    assert _drawn(source, ["a", "b"], token=token)["token"] != token


@pytest.mark.slow
def test_the_zoom_of_the_address_is_asked_for_in_steps() -> None:
    source = _source("a")
    _drawn(source, ["a"], **{"from": "5", "to": "9"})
    assert source.asked[-1] == (5.0, 9.0)


def test_runs_that_are_all_gone_leave_a_sentence() -> None:
    figure = _drawn(_source(), ["a"])["figure"]
    assert "None of these runs" in figure.layout.annotations[0].text


@pytest.mark.slow
def test_other_runs_are_drawn_on_demand() -> None:
    source = _source("a", "b")
    source.views["b"] = dataclasses.replace(source.views["b"], outline=curves().loss)
    names = [t.name for t in _drawn(source, ["a"], others="on")["figure"].data]
    assert names[0] == "other runs"
    without = [t.name for t in _drawn(source, ["a"])["figure"].data]
    assert without[0] == "a"


def test_names_of_runs_and_settings_are_text() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    source = FakeSource(views={hostile: run_view(hostile, config={hostile: hostile})}, lines=None)
    table = _drawn(source, [hostile])["table"]
    assert "dangerously" not in str(table.to_plotly_json())


def _sweep() -> FakeSource:
    views = {
        f"{rate}-{seed}": run_view(f"{rate}-{seed}", lr=rate, config={"lr": rate, "seed": seed})
        for rate in (0.1, 0.3)
        for seed in range(3)
    }
    return FakeSource(views=views, lines=curves())


def test_a_sweep_is_compared_by_one_of_its_runs() -> None:
    assert len(chosen_keys(_sweep(), [], {"group": "0.1-1"})) == 6
    assert chosen_keys(_sweep(), ["0.1-1"], {"group": "0.1-1"}) == ["0.1-1"]
    assert chosen_keys(_sweep(), [], {"group": "gone"}) == ["gone"]
    assert "6 runs" in text_of(compare.layout(_sweep(), "?group=0.1-1"))


@pytest.mark.slow
def test_runs_that_differ_in_the_seed_only_are_drawn_as_one_on_demand() -> None:
    source = _sweep()
    keys = ["0.3-0", "0.1-0", "0.3-1", "0.1-1"]
    single = _drawn(source, keys)["figure"]
    assert len([t for t in single.data if t.yaxis == "y"]) == 4

    answer = _drawn(source, keys, seeds="band")
    drawn = [t.name for t in answer["figure"].data if t.yaxis == "y" and t.name != "one seed"]
    assert drawn == [
        "quartiles",
        "0.3-0 and 1 more, median",
        "quartiles",
        "0.1-0 and 1 more, median",
    ]
    rows = [
        p.children[1].children.children
        for p in answer["table"].children[0].children.children[1].children
    ]
    assert rows == ["0.3-0", "0.3-1", "0.1-0", "0.1-1"]


def test_more_runs_are_shown_where_seeds_are_one_line() -> None:
    keys = [f"run-{i}" for i in range(25)]
    assert "first" not in compare.status(_source(*keys), keys, {"seeds": "band"})
