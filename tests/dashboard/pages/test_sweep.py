from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dashboard_views import FakeSource, a_diagnosis, an_overview, curves, run_view, text_of
from lrwatch_dashboard.own_metrics import MetricSummary
from lrwatch_dashboard.pages import sweep
from lrwatch_dashboard.views import Curve, RunView

from lrwatch.verdicts import Evidence


def _source(**settings: Any) -> FakeSource:
    ends = {0.01: 1.5, 0.1: 1.0, 1.0: 1.9}
    views = {
        f"lr{lr}": run_view(
            f"lr{lr}",
            lr=lr,
            config={"lr": lr, **settings},
            diagnosis=a_diagnosis("ok"),
            outline=Curve("loss", np.arange(2.0), np.array([2.0, end])),
        )
        for lr, end in ends.items()
    }
    return FakeSource(views=views)


def _known(view: RunView) -> dict[str, Any]:
    names = ("lr", "config", "outline", "diagnosis")
    return {name: getattr(view, name) for name in names}


def _drawn(
    source: FakeSource, theme: str = "light", token: str = "", **words: str
) -> dict[str, Any]:
    drawn = sweep.draw(source, words, theme, token)
    assert drawn is not None
    return drawn


def test_the_page_says_which_rate_won_and_shows_every_run() -> None:
    answer = _drawn(_source())
    assert "0.1 is best, at a final loss of 1" in text_of(answer["card"])
    assert "3 rates, 3 runs" in text_of(answer["list"])
    links = [p.href for p in answer["table"]._traverse() if type(p).__name__ == "A"]
    assert links == ["/run/lr0.01", "/run/lr0.1", "/run/lr1.0"]


def test_a_run_that_is_not_compared_says_so_in_the_table_and_stands_apart() -> None:
    source = _source()
    for key, view in source.views.items():
        source.views[key] = run_view(key, **_known(view), state="finished")
    first = Curve("loss", np.arange(1.0), np.array([2.0]))
    early = {**_known(view), "lr": 0.3, "outline": first}
    source.views["early"] = run_view("early", **early, state="failed")
    answer = _drawn(source)
    assert "not compared: failed after 1 of 2 steps" in text_of(answer["table"])
    assert "Not compared 1 run" in text_of(answer["card"])
    marks = [x for trace in answer["figure"].data if trace.mode == "markers" for x in trace.x]
    assert marks == [0.01, 0.1, 1.0, 0.3]
    assert answer["figure"].data[-1].name == "not compared"


def test_the_sweep_of_the_address_is_shown_and_the_others_are_links() -> None:
    source = _source(depth=2)
    other = {f"deep-{key}": view for key, view in _source(depth=9).views.items()}
    source.views |= {
        key: run_view(key, lr=view.lr, config=view.config, outline=view.outline)
        for key, view in other.items()
    }
    answer = _drawn(source, group="deep-lr0.1")
    current = [getattr(link, "aria-current", None) for link in answer["list"]]
    assert current.count("true") == 1
    assert "deep-lr0.1" in text_of(answer["table"])
    assert {link.href for link in answer["list"]} == {
        "/sweep?group=lr0.01",
        "/sweep?group=deep-lr0.01",
    }


@pytest.mark.slow
def test_what_is_shown_is_drawn_again_only_when_something_changed() -> None:
    source = _source()
    token = _drawn(source)["token"]
    assert sweep.draw(source, {}, "light", token) is None
    assert _drawn(source, "dark", token)["token"] != token
    assert _drawn(source, token=token, loss="best")["token"] != token
    source.table = an_overview(token="a:2")
    assert _drawn(source, token=token)["token"] != token


def test_a_store_without_rates_says_so() -> None:
    answer = _drawn(FakeSource(views={"a": run_view("a", lr=None)}))
    assert "No run has a learning rate yet" in answer["figure"].layout.annotations[0].text


def test_names_are_text() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    source = FakeSource(views={hostile: run_view(hostile, config={"lr": 0.3, "x": hostile})})
    answer = _drawn(source)
    assert hostile in text_of(answer["table"])


def test_the_rate_to_run_next_is_named_where_runs_are_measured_by_the_loss() -> None:
    """It comes from the verdicts, and they are about the training loss."""
    views = {}
    for key, lr, end in (("a", 0.01, 1.5), ("b", 0.1, 1.0)):
        known = {"lr": lr, "config": {"lr": lr}, "last_step": 99, "state": "finished"}
        known["metrics"] = {"val/acc": MetricSummary(n=9, last=lr, high=lr)}
        outline = Curve("loss", np.arange(100.0), np.linspace(2.0, end, 100))
        views[key] = run_view(key, diagnosis=a_diagnosis("ok"), outline=outline, **known)
    source = FakeSource(views=views)
    (line,) = _drawn(source)["figure"].layout.annotations
    assert line.text.startswith("try ")
    assert "Try next" in text_of(_drawn(source)["card"])
    by_metric = _drawn(source, by="val/acc")
    assert "Try next" not in text_of(by_metric["card"])
    assert not by_metric["figure"].layout.annotations


def _with_a_range_test() -> FakeSource:
    source = _source()
    test = Evidence("range_test", 1e6, 30.0, fired=True)
    judged = a_diagnosis("insufficient_data", evidence=[test])
    source.views["lr-find"] = run_view("lr-find", lr=10.0, diagnosis=judged)
    x = np.arange(100.0)
    loss, lr = Curve("loss", x, 2 - x / 100), Curve("", x, np.geomspace(1e-4, 1, 100))
    source.lines = curves(loss=loss, lr=(lr,))
    return source


@pytest.mark.slow
def test_a_range_test_is_shown_on_its_own_beside_the_sweeps() -> None:
    source = _with_a_range_test()
    answer = _drawn(source)
    assert "3 rates, 3 runs" in text_of(answer["list"])
    assert "lr-find range test" in text_of(answer["list"])
    assert "lr-find" not in text_of(answer["table"])

    answer = _drawn(source, group="lr-find")
    assert "Loss falls fastest at" in text_of(answer["card"])
    assert "Lowest loss" in text_of(answer["card"])
    assert "steepest descent" in text_of(answer["table"])
    assert [t.name for t in answer["figure"].data][:2] == ["loss", "median"]


def test_a_store_of_one_range_test_shows_it_and_one_that_cannot_be_read_says_so() -> None:
    source = _with_a_range_test()
    source.views = {"lr-find": source.views["lr-find"]}
    assert "Loss falls fastest at" in text_of(_drawn(source)["card"])
    source.lines = None
    said = _drawn(source)["figure"].layout.annotations[0].text
    assert said == "The rows of this run cannot be read."
