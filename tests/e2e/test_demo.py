"""``lrwatch demo``: trains for real, with the dashboard beside it, and leaves nothing behind."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from processes import ran, started

import lrwatch
from lrwatch.demo.sweep import TRIALS
from lrwatch.store import list_runs

pytest.importorskip(
    "dash", reason="the dashboard is not installed: pip install 'lrwatch[dashboard]'"
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PATIENCE_SECONDS = 120.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def read_until(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Read what a process prints until a line matches."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if found := re.search(pattern, line):
            return found
    assert process.stderr is not None
    raise AssertionError(f"ended before {pattern!r}: {said}{process.stderr.read()}")


def get(address: str, path: str) -> tuple[int, str]:
    host, _, port = address.removeprefix("http://").strip("/").partition(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=30)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def endless_demo(store: Path) -> AbstractContextManager[subprocess.Popen[str]]:
    return started("demo", "--steps", "100000", "--port", str(free_port()), "--dir", store)


def wait_for_steps(store: Path) -> None:
    """Wait until every trial has made a step."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        lengths = [len(lrwatch.read(run.path)) for run in list_runs(store) if run.info]
        if len(lengths) == len(TRIALS) and all(lengths):
            return
        time.sleep(0.2)
    raise AssertionError(f"no steps in {store}")


def refuses(address: str) -> bool:
    """Return whether nobody listens there any more, within a few seconds."""
    host, _, port = address.removeprefix("http://").strip("/").partition(":")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return True
        time.sleep(0.2)
    return False


def test_it_trains_every_rate_for_real_and_says_the_verdicts(tmp_path: Path) -> None:
    ended = ran("demo", "--no-dashboard", "--steps", "60", "--dir", tmp_path / "runs")
    assert ended.returncode == 0, ended.stderr
    runs = list_runs(tmp_path / "runs")
    assert {run.key for run in runs} == {trial.name for trial in TRIALS}
    assert {run.info.status for run in runs if run.info} == {"finished"}
    assert all(trial.name in ended.stdout for trial in TRIALS)
    assert f"lrwatch dashboard {tmp_path / 'runs'}" in ended.stdout


def test_a_second_demo_leaves_the_first_alone(tmp_path: Path) -> None:
    for _ in range(2):
        ended = ran("demo", "--no-dashboard", "--steps", "2", cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"demo", "demo-2"}
    assert len(list_runs(tmp_path / "runs" / "demo")) == len(TRIALS)


def test_the_dashboard_is_there_while_it_trains_and_until_ctrl_c(tmp_path: Path) -> None:
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port)),  # in use: the next one is taken
        started("demo", "--steps", "150", "--port", str(port), "--dir", tmp_path) as demo,
    ):
        address = read_until(demo, r"live: (http://127\.0\.0\.1:\d+)/")[1]
        assert address != f"http://127.0.0.1:{port}"
        assert get(address, "/health")[0] == 200
        assert "lrwatch" in get(address, "/")[1]
        read_until(demo, r"Dashboard: http://.*Ctrl-C")
        assert get(address, "/health")[0] == 200
        os.killpg(demo.pid, signal.SIGINT)  # as a terminal does: to the dashboard as well
        _, err = demo.communicate(timeout=PATIENCE_SECONDS)
        assert (demo.returncode, err.strip()) == (0, "")
        assert refuses(address)


def test_ctrl_c_while_training_ends_everything_quietly(tmp_path: Path) -> None:
    with endless_demo(tmp_path) as demo:
        address = read_until(demo, r"live: (http://\S+)")[1]
        wait_for_steps(tmp_path)
        os.killpg(demo.pid, signal.SIGINT)
        _, err = demo.communicate(timeout=PATIENCE_SECONDS)
        # Python itself ends by the signal if it came while a module was being imported.
        assert demo.returncode in (130, -signal.SIGINT)
        assert err.strip() == ""
        assert refuses(address)
    assert {run.info.status for run in list_runs(tmp_path) if run.info} == {"interrupted"}


def test_sigterm_ends_the_dashboard_too(tmp_path: Path) -> None:
    with endless_demo(tmp_path) as demo:
        address = read_until(demo, r"live: (http://\S+)")[1]
        demo.terminate()
        demo.communicate(timeout=PATIENCE_SECONDS)
        assert demo.returncode == 128 + signal.SIGTERM
        assert refuses(address)


def test_without_the_dashboard_it_says_so_and_trains_on(tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    missing = "raise ModuleNotFoundError(\"No module named 'dash'\", name='dash')"
    (tmp_path / "hidden" / "dash.py").write_text(missing)
    path = os.pathsep.join([str(tmp_path / "hidden"), *sys.path])
    ended = ran("demo", "--steps", "2", "--dir", tmp_path / "runs", PYTHONPATH=path)
    assert ended.returncode == 0, ended.stderr
    assert "pip install 'lrwatch[dashboard]'" in ended.stderr
    assert "The dashboard could not start" in ended.stdout
    assert len(list_runs(tmp_path / "runs")) == len(TRIALS)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = ran("demo", "--steps", "2", "--dir", tmp_path / "file" / "runs")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert str(tmp_path / "file") in ended.stderr
