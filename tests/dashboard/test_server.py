"""Serving as others do: gunicorn with two workers, and several apps in one process."""

from __future__ import annotations

import http.client
import importlib.util
import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lrwatch_dashboard import ids
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.data import RunStore
from lrwatch_dashboard.security.access import Access
from lrwatch_dashboard.security.token import TokenError
from lrwatch_dashboard.server import access_from
from stores import write_run

TOKEN = "a-token-of-some-length"
PATIENCE_SECONDS = 60


def _page_call(path: str) -> dict[str, Any]:
    """Return what a browser posts when it goes to an address."""
    return {
        "output": f"{ids.PAGE}.children",
        "outputs": {"id": ids.PAGE, "property": "children"},
        "inputs": [{"id": ids.URL, "property": "pathname", "value": path}],
        "state": [{"id": ids.URL, "property": "search", "value": ""}],
        "changedPropIds": [f"{ids.URL}.pathname"],
    }


def _falling(n: int) -> dict[str, list[float]]:
    return {"loss": [2.0 * math.exp(-i / 100) + 0.1 for i in range(n)]}


def test_two_apps_of_one_process_share_no_runs_no_callbacks_and_no_sessions(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "only-in-a", steps=range(5))
    write_run(tmp_path / "b", "only-in-b", steps=range(5))
    token_a, token_b = TOKEN + "-a", TOKEN + "-b"
    clients = {}
    for name, token in (("a", token_a), ("b", token_b)):
        app = create_app(RunStore(tmp_path / name), Access(token=token))
        clients[name] = app.server.test_client()
        assert clients[name].post("/login", data={"token": token}).status_code == 303
    for name, other in (("a", "b"), ("b", "a")):
        answer = clients[name].post("/_dash-update-component", json=_page_call("/"))
        assert f"only-in-{name}" in answer.get_data(as_text=True)
        assert f"only-in-{other}" not in answer.get_data(as_text=True)
        layout = clients[name].get("/_dash-layout").get_data(as_text=True)
        assert f"only-in-{other}" not in layout
    assert clients["a"].post("/login", data={"token": token_b}).status_code == 401


def test_failed_attempts_at_one_app_do_not_slow_another() -> None:
    first, second = (
        create_app(RunStore("none"), Access(token=TOKEN)).server.test_client() for _ in range(2)
    )
    for _ in range(6):
        refused = first.post("/login", data={"token": "wrong"})
    assert refused.status_code == 429
    assert second.post("/login", data={"token": TOKEN}).status_code == 303


def test_the_environment_says_who_may_ask() -> None:
    said = access_from({"LRWATCH_ALLOWED_HOSTS": " Runs.example, ", "LRWATCH_TOKEN": TOKEN})
    assert said.allows("runs.example")
    assert said.allows("localhost:8050")
    assert not said.allows("evil.example")
    assert said.token == TOKEN
    assert access_from({"LRWATCH_ALLOWED_HOSTS": "*"}).allows("anything.example")
    assert not access_from({}).allows("anything.example")
    with pytest.raises(TokenError):
        access_from({"LRWATCH_TOKEN": "short"})


@contextmanager
def _gunicorn(folder: Path, **environment: str) -> Iterator[int]:
    """Serve a folder with two workers; yield the port once both could answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{port}"]
    known = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LRWATCH_RUNS": str(folder),
        "LRWATCH_CACHE_DIR": "",
    }
    server = subprocess.Popen(
        [*command, "lrwatch_dashboard.server:wsgi"],
        env={**os.environ, **known, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _ask(port, "GET", "/health")[0] != 200:
            assert server.poll() is None, "gunicorn ended"
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(PATIENCE_SECONDS)


def _ask(
    port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    given = {"Content-Type": "application/json"} | (headers or {})
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    try:
        connection.request(method, path, text, given)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    except OSError:
        return 0, "", {}
    finally:
        connection.close()


@pytest.mark.skipif(
    importlib.util.find_spec("gunicorn") is None or sys.platform == "win32",
    reason="gunicorn is not installed: pip install gunicorn",
)
@pytest.mark.slow
def test_gunicorn_serves_with_two_workers_that_know_the_same_sessions(tmp_path: Path) -> None:
    for i in range(3):
        write_run(tmp_path, f"run-{i}", steps=range(300), values=_falling(300))
    with _gunicorn(tmp_path, LRWATCH_TOKEN=TOKEN) as port:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert _ask(port, "POST", "/login", None, {"Content-Length": "900000000"})[0] == 413
        status, _, headers = _ask(port, "POST", "/login", f"token={TOKEN}", form)
        assert status == 303
        session = {"Cookie": headers["Set-Cookie"].partition(";")[0]}
        assert _ask(port, "POST", "/_dash-update-component", _page_call("/"))[0] == 401
        # Often enough that both have answered, and each at first without knowing a verdict.
        for _ in range(12):
            call = _page_call("/")
            status, text, _ = _ask(port, "POST", "/_dash-update-component", call, session)
            assert status == 200
            assert all(f"run-{i}" in text for i in range(3))
            status, text, _ = _ask(
                port, "POST", "/_dash-update-component", _page_call("/run/run-1"), session
            )
            assert status == 200
            assert "No such run" not in text


@pytest.mark.parametrize(
    "path",
    [
        "/export/..%2fsecret%2frun.csv",
        "/export/../secret/run.csv",
        "/export/%2e%2e/secret/run.parquet",
        "/export//etc/passwd.csv",
        "/export/run%00.csv",
        "/export/run%2f..%2frun.csv",
        "/export/run.pickle",
        "/export/.csv",
    ],
)
def test_no_rows_are_handed_out_but_of_listed_runs(tmp_path: Path, path: str) -> None:
    write_run(tmp_path / "runs", "run", steps=range(5))
    write_run(tmp_path / "secret", "run", steps=range(5))
    store = RunStore(tmp_path / "runs", threaded=False)
    store.refresh()
    client = create_app(store).server.test_client()
    assert client.get("/export/run.csv", buffered=True).status_code == 200
    answer = client.get(path, buffered=True, follow_redirects=True)
    assert answer.status_code == 404 or answer.mimetype == "text/html"
    assert b"grad_norm" not in answer.data


def test_rows_need_the_token_and_are_kept_by_nobody(tmp_path: Path) -> None:
    write_run(tmp_path, "run", steps=range(5))
    store = RunStore(tmp_path, threaded=False)
    store.refresh()
    client = create_app(store, Access(token=TOKEN)).server.test_client()
    assert client.get("/export/run.csv").status_code == 401
    client.post("/login", data={"token": TOKEN})
    answer = client.get("/export/run.csv", buffered=True)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith("attachment")
