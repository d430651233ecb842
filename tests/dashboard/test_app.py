from __future__ import annotations

import html as html_text
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import lrwatch_dashboard
import pytest
from dash import html
from dashboard_views import FakeSource, an_overview, curves, run_row, text_of
from lrwatch_dashboard import app as app_module
from lrwatch_dashboard import pages as pages_module
from lrwatch_dashboard.app import create_app, route
from lrwatch_dashboard.pages import PAGES
from lrwatch_dashboard.pages.page import Page
from lrwatch_dashboard.security.access import Access
from plotly.offline import get_plotlyjs_version

PACKAGE = Path(lrwatch_dashboard.__file__).parent


def _client() -> Any:
    return create_app(FakeSource(lines=curves())).server.test_client()


def _outputs(app: Any) -> list[str]:
    page = app.server.test_client().get("/_dash-dependencies")
    return [callback["output"] for callback in page.get_json()]


def test_several_apps_live_in_one_process_with_all_their_callbacks() -> None:
    first, second = create_app(FakeSource()), create_app(FakeSource())
    assert first.server is not second.server
    found = [_outputs(app) for app in (first, second)]
    assert len(found[0]) == len(found[1])
    for outputs in found:
        for part in ("run-graph.figure", "compare-graph.figure", "overview-change.data"):
            assert any(part in output for output in outputs)


def test_the_overview_comes_with_its_first_rows_in_the_document() -> None:
    attack = "</div><script>x</script>{%scripts%}EARLY_BODY\udcff"
    row = run_row("a/b", name=attack, is_pinned=True, state="failed")
    away = run_row("away", is_archived=True)
    source = FakeSource(an_overview(row, away), lines=curves())
    client = create_app(source).server.test_client()
    page = client.get("/").get_data(as_text=True)
    early = page[page.index('<div id="first-screen">') : page.index('id="react-entry-point"')]
    assert html_text.escape(attack, quote=False).replace("\udcff", "&#56575;") in early
    assert "<script" not in early
    assert ' id="' not in early.removeprefix('<div id="')  # those of the page proper
    assert 'href="/run/a/b"' in early
    assert early.count("early-link") == 1
    assert 'rel="preload"' in page
    for other in ("/?q=x", "/alerts", "/run/a/b"):
        assert "first-screen" not in client.get(other).get_data(as_text=True)


def test_requests_that_come_at_once_with_the_first_one_find_all_scripts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = create_app(FakeSource())
    # As if another request were looking for them just now.
    monkeypatch.setattr(app, "_walk_assets_directory", lambda: None)
    assert "/assets/live.js" in app.server.test_client().get("/").text


def test_what_nobody_has_looked_at_yet_is_not_waited_for() -> None:
    source = FakeSource()
    source.looked = None
    assert "first-screen" not in create_app(source).server.test_client().get("/").text
    away = FakeSource(an_overview(run_row("a", is_archived=True)))
    assert "first-screen" not in create_app(away).server.test_client().get("/").text


def test_addresses_lead_to_their_pages() -> None:
    source = FakeSource()
    assert "1 run, 1 running" in text_of(route(source, "/", ""))
    assert "oscillating" in text_of(route(source, "/run/sgd-0.1", ""))
    assert "No watcher is running" in text_of(route(source, "/alerts", ""))
    assert "No such run" in text_of(route(source, "/run/other", ""))
    assert "No such page" in text_of(route(source, "/elsewhere", None))


def test_every_page_is_served_and_those_with_a_name_are_in_the_bar() -> None:
    source = FakeSource()
    page = create_app(source).layout()
    links = {part.href: text_of(part) for part in page._traverse() if type(part).__name__ == "A"}
    for one in PAGES:
        assert "No such page" not in text_of(route(source, one.path, ""))
        assert not one.name or links[one.path] == one.name


def test_a_page_that_is_added_to_the_list_is_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    new = Page(
        "/new",
        lambda _source, search: html.Div(f"new {search}"),
        "New",
        report=lambda _source, _search: ("new", html.Div("a report")),
        table=lambda _source, _search: [["a", "row"]],
    )
    for module in (app_module, pages_module):
        monkeypatch.setattr(module, "PAGES", (*PAGES, new))
    app = create_app(FakeSource())
    assert "New" in text_of(app.layout())
    assert text_of(route(FakeSource(), "/new", "?a=1")) == "new ?a=1"
    client = app.server.test_client()
    assert "a report" in client.get("/report/new").text
    assert client.get("/table/new").text == "a,row\n"


def test_every_inline_script_of_the_page_is_one_of_the_hashed() -> None:
    app = create_app(FakeSource())
    page = app.server.test_client().get("/").get_data(as_text=True)
    inline = re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>(.*?)</script>", page)
    assert inline == [app.renderer]


def test_health_says_whether_runs_can_be_read(caplog: pytest.LogCaptureFixture) -> None:
    good = create_app(FakeSource()).server.test_client().get("/health")
    assert (good.status_code, good.get_json()) == (200, {"status": "ok"})
    source = FakeSource(problem="runs: No such file or directory")
    bad = create_app(source).server.test_client().get("/health")
    assert (bad.status_code, bad.get_json()) == (503, {"status": "error"})
    assert "No such file" in caplog.text


def test_the_slim_plotly_is_of_the_version_that_plotly_draws_for() -> None:
    bundle = PACKAGE / "assets" / "vendor" / f"plotly-basic-{get_plotlyjs_version()}.min.js"
    assert bundle.exists()
    assert f"v{get_plotlyjs_version()}" in bundle.read_text("utf-8")[:200]
    asked = "/_dash-component-suites/plotly/package_data/plotly.min.js"
    assert _client().get(asked, buffered=True).data == bundle.read_bytes()


def test_with_another_plotly_charts_fall_back_to_the_full_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app_module, "get_plotlyjs_version", lambda: "99.0.0")
    with caplog.at_level(logging.WARNING):
        client = _client()
    client.get("/")
    full = client.get("/_dash-component-suites/plotly/package_data/plotly.min.js")
    assert len(full.data) > 2_000_000
    assert "no slim plotly.js 99.0.0" in caplog.text


def test_the_page_names_no_other_host() -> None:
    page = _client().get("/").get_data(as_text=True)
    tags = re.findall(r"<(?:script|link|img)[^>]*>", page)
    assert not [tag for tag in tags if "//" in tag]


@pytest.mark.slow
def test_the_dashboard_needs_no_torch() -> None:
    code = "import sys, lrwatch_dashboard.server; sys.exit('torch' in sys.modules)"
    path = {"PYTHONPATH": ":".join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=path, check=False).returncode == 0


def test_it_is_ready_once_there_is_something_to_show() -> None:
    source = FakeSource()
    source.waits_for = "the runs have not been listed yet"
    client = create_app(source, Access(token="a-token-of-some-length")).server.test_client()
    answer = client.get("/ready")
    assert (answer.status_code, answer.get_json()) == (
        503,
        {"status": "waiting", "reason": "the runs have not been listed yet"},
    )
    source.waits_for = ""
    assert client.get("/ready").status_code == 200
    source.problem = "/secret/place: No such file or directory"
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert "secret" not in answer.get_data(as_text=True)
