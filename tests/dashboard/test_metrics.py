from __future__ import annotations

import dataclasses
import time
from typing import Any

import pytest
from alert_boards import NOW, a_board, a_line
from attacks import ATTACKS
from dashboard_views import FakeAlerts, FakeSource, an_overview, run_row
from lrwatch_dashboard.alert_views import AlertBoard, ReceiverHealth
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.metrics import MOST_RUNS, StoreCollector
from lrwatch_dashboard.security.access import Access
from lrwatch_dashboard.views import RunView
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

TOKEN = "a-token-of-some-length"
OPEN_METRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def _source(*rows: RunView, board: AlertBoard | None = None, problem: str = "") -> FakeSource:
    source = FakeSource(an_overview(*rows), problem=problem)
    source.alerts = FakeAlerts(board or a_board(a_line()))
    return source


def _registry(source: FakeSource) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(StoreCollector(source, clock=lambda: NOW))
    return registry


def _value(source: FakeSource, name: str, **labels: str) -> float | None:
    return _registry(source).get_sample_value(name, labels)


def test_runs_are_counted_by_verdict_and_state() -> None:
    rows = (run_row("a"), run_row("b"), run_row("c", verdict="ok", state="finished"))
    source = _source(*rows)
    assert _value(source, "lrwatch_runs", verdict="oscillating", state="running") == 2
    assert _value(source, "lrwatch_runs", verdict="ok", state="finished") == 1


def test_alerts_are_counted_by_rule_severity_and_state() -> None:
    source = _source(board=a_board(a_line("a"), a_line("b")))
    labels = {"rule": "diverging", "severity": "page", "state": "firing"}
    assert _value(source, "lrwatch_alerts", **labels) == 2


def test_only_runs_that_may_go_on_have_an_age() -> None:
    source = _source(
        run_row("running", updated_at=NOW - 3),
        run_row("silent", state="silent", updated_at=NOW - 4000),
        run_row("given up", state="silent", updated_at=NOW - 2 * 86400),
        run_row("ended", state="finished", updated_at=NOW - 5),
        run_row("ahead", updated_at=NOW + 60),
    )
    ages = {
        run: _value(source, "lrwatch_run_last_row_age_seconds", run=run)
        for run in ("running", "silent", "given up", "ended", "ahead")
    }
    assert ages == {"running": 3, "silent": 4000, "given up": None, "ended": None, "ahead": 0}


def test_however_many_runs_there_are_the_series_are_bounded_and_the_longest_waits_kept() -> None:
    rows = [run_row(f"run-{i}", updated_at=NOW - i) for i in range(3 * MOST_RUNS)]
    families = list(_registry(_source(*rows)).collect())
    (ages,) = [f.samples for f in families if f.name == "lrwatch_run_last_row_age_seconds"]
    assert len(ages) == MOST_RUNS
    assert min(sample.value for sample in ages) == 2 * MOST_RUNS
    assert sum(len(family.samples) for family in families) < MOST_RUNS + 50


def test_the_watcher_is_up_while_it_follows_and_its_age_stays_when_it_does_not() -> None:
    known = a_board().watcher
    assert known is not None
    gone = dataclasses.replace(known, looked_at=NOW - 900, problem="disk full")
    for watcher, is_up, age in ((known, 1, 2), (gone, 0, 900), (None, 0, None)):
        source = _source(board=a_board(watcher=watcher, is_followed=bool(is_up)))
        assert _value(source, "lrwatch_watcher_up") == is_up
        assert _value(source, "lrwatch_watcher_last_look_age_seconds") == age
    assert _value(_source(board=a_board(watcher=gone)), "lrwatch_watcher_problem") == 1


def test_receivers_have_counters_and_a_queue() -> None:
    source = _source()
    told = {
        name: _value(source, f"lrwatch_receiver_{name}", receiver="pager")
        for name in ("sent_total", "failed_total", "dropped_total", "queued")
    }
    assert told == {"sent_total": 4, "failed_total": 3, "dropped_total": 0, "queued": 2}


def test_the_health_of_the_dashboard_is_told() -> None:
    assert _value(_source(), "lrwatch_store_readable") == 1
    assert _value(_source(problem="no such folder"), "lrwatch_store_readable") == 0
    assert _value(_source(), "lrwatch_dashboard_last_look_age_seconds") == 1.5


def test_names_follow_the_conventions_and_everything_is_explained() -> None:
    for family in _registry(_source(run_row())).collect():
        assert family.name.startswith("lrwatch_")
        assert len(family.documentation) > 10
        names = {sample.name for sample in family.samples}
        assert family.type != "counter" or all(name.endswith("_total") for name in names)


@pytest.mark.parametrize(
    ("accept", "content_type", "parse"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8", plain_text),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8", plain_text),
        (OPEN_METRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8", open_metrics),
        ("nonsense;;version=x", "text/plain; version=0.0.4; charset=utf-8", plain_text),
    ],
)
def test_the_scraper_gets_the_format_it_asks_for(
    accept: str, content_type: str, parse: Any
) -> None:
    client = create_app(_source(run_row("a"))).server.test_client()
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(content_type)
    samples = [sample for family in parse(answer.text) for sample in family.samples]
    assert any(s.name == "lrwatch_runs" and s.labels["verdict"] == "oscillating" for s in samples)


def test_label_values_are_text_whatever_they_hold() -> None:
    hostile = (*ATTACKS, 'a"b', "a\\b", "a\nlrwatch_runs 1", "a\\", "ä\u202e", "x" * 5000)
    receivers = tuple(ReceiverHealth(name, "webhook", sent=1) for name in hostile)
    rows = [run_row(name, updated_at=time.time()) for name in hostile]
    source = _source(*rows, board=dataclasses.replace(a_board(), receivers=receivers))
    client = create_app(source).server.test_client()
    for accept, parse in (("", plain_text), (OPEN_METRICS, open_metrics)):
        families = list(parse(client.get("/metrics", headers={"Accept": accept}).text))
        samples = [sample for family in families for sample in family.samples]
        sent = {s.labels["receiver"] for s in samples if s.name == "lrwatch_receiver_sent_total"}
        runs = {s.labels["run"] for s in samples if "run" in s.labels}
        assert sent == runs == set(hostile)


def test_a_name_that_is_no_utf_8_does_not_end_the_metrics() -> None:
    client = create_app(_source(run_row("bad\udcff", updated_at=time.time()))).server.test_client()
    assert 'run="bad\\\\udcff"' in client.get("/metrics").text


def test_receivers_of_one_name_do_not_make_the_scrape_invalid() -> None:
    receivers = (ReceiverHealth("pager", "webhook"), ReceiverHealth("pager", "slack"))
    text = (
        create_app(_source(board=a_board(receivers=receivers)))
        .server.test_client()
        .get("/metrics")
        .text
    )
    assert text.count('lrwatch_receiver_sent_total{receiver="pager"}') == 1


def test_several_apps_have_their_own_numbers() -> None:
    few, many = _source(run_row("a")), _source(run_row("a"), run_row("b"))
    texts = [create_app(s).server.test_client().get("/metrics").text for s in (few, many)]
    assert 'verdict="oscillating"} 1.0' in texts[0]
    assert 'verdict="oscillating"} 2.0' in texts[1]


def test_with_a_token_the_metrics_are_for_who_shows_it() -> None:
    client = create_app(_source(), Access(token=TOKEN)).server.test_client()
    assert client.get("/metrics").status_code == 401
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_another_site_cannot_read_them() -> None:
    client = create_app(_source()).server.test_client()
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/metrics", headers=headers).status_code == 403
    assert client.get("/metrics", headers={"Host": "evil.example"}).status_code == 403
