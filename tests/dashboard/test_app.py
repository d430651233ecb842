from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import lrwatch_dashboard
import pytest
from dashboard_views import FakeSource, curves, text_of
from lrwatch_dashboard import app as app_module
from lrwatch_dashboard import ids
from lrwatch_dashboard.app import create_app, route
from lrwatch_dashboard.security import content_security_policy
from plotly.offline import get_plotlyjs_version

PACKAGE = Path(lrwatch_dashboard.__file__).parent


def _client(**options: Any) -> Any:
    return create_app(FakeSource(lines=curves()), **options).server.test_client()


def test_several_apps_live_in_one_process_with_all_their_callbacks() -> None:
    first, second = create_app(FakeSource()), create_app(FakeSource())
    assert first.server is not second.server
    for app in (first, second):
        page = app.server.test_client().get("/_dash-dependencies")
        outputs = [callback["output"] for callback in page.get_json()]
        assert any(f"{ids.GRAPH}.figure" in output for output in outputs)
        assert any(f"{ids.OVERVIEW_CHANGE}.data" in output for output in outputs)
        assert len(outputs) == 9


def test_addresses_lead_to_their_pages() -> None:
    source = FakeSource()
    assert "1 run, 1 running" in text_of(route(source, "/", ""))
    assert "oscillating" in text_of(route(source, "/run/sgd-0.1", ""))
    assert "No such run" in text_of(route(source, "/run/other", ""))
    assert "No such page" in text_of(route(source, "/elsewhere", None))


def test_every_answer_has_the_headers() -> None:
    client = _client()
    for path in ("/", "/health", "/assets/lrwatch.css", "/no/such/page"):
        headers = client.get(path, buffered=True).headers
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "script-src 'self' 'sha256-" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_scripts_may_not_be_inline_without_a_hash() -> None:
    policy = content_security_policy(["'sha256-abc='"])
    scripts = re.search("script-src ([^;]*)", policy)
    assert scripts
    assert scripts.group(1) == "'self' 'sha256-abc='"


def test_every_inline_script_of_the_page_is_one_of_the_hashed() -> None:
    app = create_app(FakeSource())
    page = app.server.test_client().get("/").get_data(as_text=True)
    inline = re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>(.*?)</script>", page)
    assert inline == [app.renderer]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8050", 200),
        ("127.0.0.1", 200),
        ("[::1]:8050", 200),
        ("LOCALHOST", 200),
        ("evil.example", 403),
        ("localhost.evil.example:8050", 403),
        ("127.0.0.1.evil.example", 403),
        ("", 403),
    ],
)
def test_only_names_of_this_machine_are_answered(host: str, status: int) -> None:
    assert _client().get("/health", headers={"Host": host}).status_code == status


def test_behind_a_proxy_any_name_is_answered() -> None:
    client = _client(allowed_hosts=None)
    assert client.get("/health", headers={"Host": "runs.example"}).status_code == 200


def test_health_says_whether_runs_can_be_read() -> None:
    good = create_app(FakeSource()).server.test_client().get("/health")
    assert (good.status_code, good.get_json()) == (200, {"status": "ok"})
    source = FakeSource(problem="runs: No such file or directory")
    bad = create_app(source).server.test_client().get("/health")
    assert bad.status_code == 503
    assert "No such file" in bad.get_json()["problem"]


def test_files_of_the_page_are_kept_by_the_browser_and_pages_are_not() -> None:
    client = _client()
    assert (
        "immutable" in client.get("/assets/lrwatch.css?m=1", buffered=True).headers["Cache-Control"]
    )
    assert "immutable" not in client.get("/").headers.get("Cache-Control", "")


@pytest.mark.parametrize(
    "path", ["/assets/../app.py", "/assets/%2e%2e/app.py", "/assets//etc/passwd"]
)
def test_nothing_beside_the_assets_is_served(path: str) -> None:
    answer = _client().get(path, buffered=True)
    assert b"create_app" not in answer.data
    assert b"root:" not in answer.data


def test_the_slim_plotly_is_of_the_version_that_plotly_draws_for() -> None:
    bundle = PACKAGE / "assets" / "vendor" / f"plotly-basic-{get_plotlyjs_version()}.min.js"
    assert bundle.exists()
    assert f"v{get_plotlyjs_version()}" in bundle.read_text("utf-8")[:200]
    assert bundle.name in _client().get("/").get_data(as_text=True)


def test_with_another_plotly_the_page_falls_back_to_the_full_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app_module, "get_plotlyjs_version", lambda: "99.0.0")
    with caplog.at_level(logging.WARNING):
        page = _client().get("/").get_data(as_text=True)
    assert "plotly-basic" not in page
    assert "no slim plotly.js 99.0.0" in caplog.text


def test_the_page_names_no_other_host() -> None:
    page = _client().get("/").get_data(as_text=True)
    tags = re.findall(r"<(?:script|link|img)[^>]*>", page)
    assert not [tag for tag in tags if "//" in tag]


def test_the_dashboard_needs_no_torch() -> None:
    code = "import sys, lrwatch_dashboard.server; sys.exit('torch' in sys.modules)"
    path = {"PYTHONPATH": ":".join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=path, check=False).returncode == 0
