"""docs/team.md: what it prints is what happens."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import lrwatch_dashboard.server
import pytest
from callback_calls import callback_call
from lrwatch_dashboard import ids
from patience import ending_within
from sources import ROOT
from stores import write_run

from lrwatch.cli import main

PAGE = (ROOT / "docs" / "team.md").read_text(encoding="utf-8")
UPDATE = "/_dash-update-component"


def commands() -> list[list[str]]:
    """Return the commands of lrwatch on the page, in order."""
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", PAGE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    split = [shlex.split(line, comments=True) for line in lines]
    return [words[1:] for words in split if words[:1] == ["lrwatch"]]


@pytest.mark.slow
def test_every_command_of_the_page_works_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = []

    def serve(listener: socket.socket, root: str, access: Any, **_: Any) -> None:
        listener.close()
        served.append(access)

    monkeypatch.setattr(lrwatch_dashboard.server, "serve", serve)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deploy").mkdir()
    write_run(tmp_path / "runs", "sgd-0.1")
    assert len(commands()) >= 8
    for arguments in commands():
        assert main(arguments) == 0, arguments
    by_token, by_proxy = served
    assert by_token.people is not None
    assert by_proxy.proxy.editors == {"ann@example.org", "group:ml"}


@pytest.mark.slow
def test_every_option_that_the_page_names_is_there() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "lrwatch_dashboard", "--help"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ).stdout
    named = set(re.findall(r"\| `(--[a-z-]+)", PAGE))
    assert len(named) >= 4
    assert all(option in shown for option in named)


def test_what_is_printed_of_the_log_is_a_line_of_it() -> None:
    (line,) = re.findall(r"(?ms)^```json\n(.*?)^```", PAGE)
    assert json.loads(line).keys() == {
        *("time", "user", "role", "via", "action", "run", "before", "after")
    }


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Serve runs by the real command for an editor and a reader, with alerts."""
    shutil.copytree(ROOT / "sample_runs", tmp_path / "runs")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LRWATCH_CACHE_DIR": "",
    }
    program = [sys.executable, "-m", "lrwatch_dashboard"]
    tokens = {}
    for name, role in (("ann", "editor"), ("prometheus", "reader")):
        made = subprocess.run(
            [*program, "token", name, "--role", role, "--file", tmp_path / "people"],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
        )
        tokens[name] = made.stdout.strip()
    options = ["--port", "18450", "--token-file", str(tmp_path / "people"), "--alert"]
    with subprocess.Popen(
        [*program, str(tmp_path / "runs"), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        found = re.search(r":(\d+)/", process.stdout.readline())
        assert found
        try:
            yield int(found[1]), tokens
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=60)
            assert "Traceback" not in said
        finally:
            process.kill()


def _ask(
    port: int, path: str, token: str = "", body: dict[str, Any] | None = None
) -> tuple[int, str]:
    headers = {"Host": f"localhost:{port}", "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        text = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, text, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def _pin(port: int, token: str) -> str:
    """Ask for a run to be pinned, as the Overview does."""
    dependencies = json.loads(_ask(port, "/_dash-dependencies", token)[1])
    found = next(d for d in dependencies if d["inputs"][0]["id"] == ids.OVERVIEW_ASKED)
    values = {
        ids.OVERVIEW_ASKED: {"do": "pin", "runs": ["digits-sgd-constant-0.1"]},
        ids.OVERVIEW_WORDS: {},
    }
    return _ask(port, UPDATE, token, callback_call(found, values))[1]


@pytest.mark.e2e
def test_one_process_shows_alerts_counts_and_keeps_out(
    server: tuple[int, dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port, tokens = server
    with ending_within(120):
        while _ask(port, "/ready")[0] != 200:
            time.sleep(0.1)
    assert _ask(port, "/health")[0] == 200
    assert _ask(port, "/")[0] == 401
    assert _ask(port, "/metrics")[0] == 401
    with ending_within(120):
        while "lrwatch_watcher_up 1.0" not in _ask(port, "/metrics", tokens["prometheus"])[1]:
            time.sleep(0.1)
    assert "prometheus is a reader" in _pin(port, tokens["prometheus"])
    assert "Pinned 1 run" in _pin(port, tokens["ann"])
    assert main(["log", str(tmp_path / "runs")]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("  ann (editor)  digits-sgd-constant-0.1  pinned")
