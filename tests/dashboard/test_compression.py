from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from dashboard_views import FakeSource, curves
from lrwatch_dashboard.app import create_app

PLOTLY = "/_dash-component-suites/plotly/package_data/plotly.min.js"
GZIP = {"Accept-Encoding": "br;q=0.5, gzip"}


@pytest.fixture
def client() -> Any:
    source = FakeSource(lines=curves())
    return create_app(source).server.test_client()


@pytest.mark.parametrize(
    "path", ["/", "/_dash-dependencies", "/assets/grid.js", PLOTLY, "/metrics"]
)
def test_an_answer_is_compressed_for_who_accepts_it_and_says_the_same(
    client: Any, path: str
) -> None:
    plain = client.get(path, buffered=True)
    packed = client.get(path, headers=GZIP, buffered=True)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data)
    for answer in (plain, packed):
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.mimetype == plain.mimetype
        assert "Content-Security-Policy" in answer.headers
    if path not in ("/", "/metrics"):  # which differ each time
        assert gzip.decompress(packed.data) == plain.data


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip;q=0, br"}])
def test_who_does_not_accept_it_gets_the_answer_as_it_is(client: Any, headers: Any) -> None:
    answer = client.get("/metrics", headers=headers)
    assert answer.data.startswith(b"# HELP")


@pytest.mark.parametrize("path", ["/assets/grid.js", PLOTLY])
def test_what_a_browser_has_is_not_sent_again(client: Any, path: str) -> None:
    tag = client.get(path, headers=GZIP, buffered=True).headers["ETag"]
    assert tag.startswith("W/")
    again = client.get(path, headers={**GZIP, "If-None-Match": tag}, buffered=True)
    assert (again.status_code, again.data) == (304, b"")


def test_scripts_of_dash_are_not_sent_again_either(client: Any) -> None:
    client.get("/")  # says where they are
    path = "/_dash-component-suites/dash/dcc/async-graph.js"
    first = client.get(path, headers=GZIP)
    assert first.headers["Content-Encoding"] == "gzip"
    again = client.get(path, headers={**GZIP, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["/health", "/export/gone.csv", "/report/run/sgd-0.1"])
def test_small_answers_and_files_to_take_away_are_sent_as_they_are(client: Any, path: str) -> None:
    answer = client.get(path, headers=GZIP, buffered=True)
    assert "Content-Encoding" not in answer.headers


def test_a_head_is_that_of_the_plain_answer(client: Any) -> None:
    answer = client.head("/assets/grid.js", headers=GZIP, buffered=True)
    assert answer.data == b""
    assert "Content-Encoding" not in answer.headers


def test_charts_are_drawn_by_the_slim_plotly(client: Any) -> None:
    assert b"plotly.js (basic - minified)" in client.get(PLOTLY, buffered=True).data[:300]
    assert not re.search(r"<script[^>]*plotly", client.get("/").text)
