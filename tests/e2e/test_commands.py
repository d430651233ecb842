"""The command line as a process: pipes, terminals, exit statuses, runs under way."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shutil
import struct
import subprocess
import sys
import termios
import textwrap
from pathlib import Path

import pytest
from processes import lrwatch_command, ran
from sources import ROOT
from stores import write_run

pytestmark = pytest.mark.e2e

SAMPLES = ROOT / "sample_runs"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["ls", "sample_runs"], 0),
        (["check", "sample_runs/chars-adamw-warmup-cosine-0.03"], 0),
        (["check", "sample_runs/chars-momentum-cosine-1"], 1),
        (["check", "nowhere"], 2),
        (["ls", "--nonsense"], 2),
    ],
)
def test_the_exit_status_tells_the_outcome(arguments: list[str], status: int) -> None:
    ended = ran(*arguments, cwd=ROOT)
    assert ended.returncode == status, ended.stderr
    assert ended.stderr.count("\n") == (status == 2)


def test_the_installed_program_is_the_same() -> None:
    program = Path(sys.executable).with_name("lrwatch")
    if not program.exists():
        pytest.skip("lrwatch is not installed: pip install -e .")
    ended = subprocess.run(
        [program, "--version"], check=True, capture_output=True, text=True, timeout=60
    )
    assert ended.stdout == ran("--version").stdout


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    for i in range(3):
        shutil.copytree(SAMPLES / "chars-momentum-cosine-1", tmp_path / f"{'x' * 200}{i}")
    with subprocess.Popen(
        lrwatch_command("check", tmp_path, "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        assert (process.wait(60), said) == (1, b"")


def test_a_terminal_that_knows_ascii_only_is_enough(tmp_path: Path) -> None:
    write_run(tmp_path, "größe")
    ended = ran("check", tmp_path, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert ended.returncode == 0, ended.stderr
    assert "gr\\xf6\\xdfe" in ended.stdout


@pytest.mark.parametrize("width", [80, 140])
def test_in_a_terminal_the_list_has_colours_and_fits(width: int) -> None:
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"}
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        environment.pop(name, None)
    with subprocess.Popen(
        lrwatch_command("ls", SAMPLES), stdout=end, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        os.close(end)
        shown = _everything(terminal)
        assert process.wait(60) == 0
    assert "\x1b[" in shown
    plain = _without_colours(shown).splitlines()
    assert any("✗ diverging" in line for line in plain)
    assert max(map(len, plain)) <= width


def test_a_run_under_way_is_judged_so_far(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import torch, lrwatch
        weight = torch.nn.Parameter(torch.ones(4))
        optimizer = torch.optim.SGD([weight], lr=10.0)
        lrwatch.watch(optimizer, dir={str(tmp_path)!r}, name="live")
        for step in range(300):
            optimizer.zero_grad()
            weight.square().sum().backward()
            optimizer.step()
        print("trained", flush=True)
        input()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as training:
        assert training.stdout is not None
        assert training.stdout.readline() == "trained\n"
        listed = json.loads(ran("ls", tmp_path, "--json").stdout)
        training.communicate("\n", timeout=60)
    assert [(run["run"], run["status"], run["steps"]) for run in listed] == [
        ("live", "running", 300)
    ]
    assert listed[0]["verdict"] == "diverging"


def _everything(terminal: int) -> str:
    """Read what a terminal shows until the program at its other end has gone."""
    shown = b""
    try:
        while block := os.read(terminal, 65536):
            shown += block
    except OSError:  # Linux says so when the other end is closed
        pass
    finally:
        os.close(terminal)
    return shown.decode()


def _without_colours(text: str) -> str:
    import re

    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.replace("\r", ""))
