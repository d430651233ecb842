"""A training killed at any step reads back every step it recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import lrwatch

SCRIPT = textwrap.dedent(
    """
    import os, signal, sys
    import torch
    import lrwatch

    torch.set_num_threads(1)
    weight = torch.nn.Parameter(torch.ones(4))
    optimizer = torch.optim.SGD([weight], lr=1e-4)
    run = lrwatch.watch(optimizer, dir=sys.argv[1], name="killed")
    for step in range(int(sys.argv[2])):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    os.kill(os.getpid(), getattr(signal, sys.argv[3]))
    """
)


def run_script(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.e2e
@pytest.mark.parametrize("n_steps", [1, 37, 999, 1000, 1001, 5000, 16_384, 16_385, 20_000])
def test_sigkill_loses_no_recorded_step(tmp_path: Path, n_steps: int) -> None:
    ended = run_script(SCRIPT, str(tmp_path), str(n_steps), "SIGKILL")
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    frame = lrwatch.read(tmp_path / "killed")
    assert frame["step"].tolist() == list(range(n_steps))
    assert frame["loss"].notna().all()


@pytest.mark.e2e
def test_the_end_of_the_program_ends_the_run(tmp_path: Path) -> None:
    script = SCRIPT.rsplit("os.kill", 1)[0]
    ended = run_script(script, str(tmp_path), "50", "-")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert lrwatch.store.read_run_info(tmp_path / "killed").status == "finished"
    assert len(list((tmp_path / "killed" / "steps").glob("*.parquet"))) == 1


@pytest.mark.e2e
def test_an_uncaught_exception_is_told(tmp_path: Path) -> None:
    script = SCRIPT.rsplit("os.kill", 1)[0] + "raise ValueError('of the script')"
    ended = run_script(script, str(tmp_path), "5", "-")
    assert ended.returncode == 1
    assert "of the script" in ended.stderr
    assert lrwatch.store.read_run_info(tmp_path / "killed").status == "failed"


@pytest.mark.e2e
def test_a_forked_child_writes_nothing_into_its_parents_run(tmp_path: Path) -> None:
    script = SCRIPT.rsplit("os.kill", 1)[0] + textwrap.dedent(
        """
        if os.fork() == 0:
            weight.square().sum().backward()
            optimizer.step()
            sys.exit(0)
        os.wait()
        """
    )
    ended = run_script(script, str(tmp_path), "5", "-")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(lrwatch.read(tmp_path / "killed")) == 5
    assert lrwatch.store.read_run_info(tmp_path / "killed").status == "finished"
