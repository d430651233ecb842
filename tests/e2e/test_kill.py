"""A training killed at any step reads back every step it recorded."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from nursery import Ended, Script, forked

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


def forked_script(script: str, folder: Path, *arguments: str) -> Ended:
    (folder / "train.py").write_text(f"import warnings\nwarnings.simplefilter('error')\n{script}")
    (ended,) = forked(Script(["train.py", *arguments], {}), folder=folder)
    return ended


LENGTHS = [1, 37, 999, 1000, 1001, 5000, 16_384, 16_385]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folders of trainings of all lengths."""
    folder = tmp_path_factory.mktemp("killed")
    for n_steps in LENGTHS:
        ended = forked_script(SCRIPT, folder, str(folder / str(n_steps)), str(n_steps), "SIGKILL")
        assert ended == Ended(-signal.SIGKILL, "", "")
    return folder


@pytest.mark.e2e
@pytest.mark.parametrize("n_steps", LENGTHS)
def test_sigkill_loses_no_recorded_step(killed: Path, n_steps: int) -> None:
    frame = lrwatch.read(killed / str(n_steps) / "killed")
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
    ended = forked_script(script, tmp_path, str(tmp_path), "5", "-")
    assert ended.status == 1
    assert "of the script" in ended.errors
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
    ended = forked_script(script, tmp_path, str(tmp_path), "5", "-")
    assert ended == Ended(0, "", "")
    assert len(lrwatch.read(tmp_path / "killed")) == 5
    assert lrwatch.store.read_run_info(tmp_path / "killed").status == "finished"


REQUEUED = textwrap.dedent(
    """
    import sys
    import lrwatch

    run = lrwatch.open_run(dir=sys.argv[1], name="job", resume="auto", alerts=False)
    print("begun", run.next_step, flush=True)
    for step in range(run.next_step, 10**9):
        run.record(loss=float(step), **({"own": 1.0} if step % 50 == 0 else {}))
        print("made", step, flush=True)
    """
)


@pytest.mark.e2e
def test_a_job_that_is_killed_and_requeued_again_and_again_is_one_run(tmp_path: Path) -> None:
    draws = random.Random(5)
    made = -1
    for kill_after in ["", "begun", "made", *[f"made {draws.randrange(400)}" for _ in range(4)]]:
        with subprocess.Popen(
            [sys.executable, "-c", REQUEUED, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as job:
            assert job.stdout is not None
            if not kill_after:  # somewhere on the way to its first step, or after it
                time.sleep(draws.uniform(0.1, 1.0))
            n_lines = int(kill_after.split()[-1]) if " " in kill_after else 1
            said = [job.stdout.readline() for _ in range(n_lines if kill_after else 0)]
            job.kill()
            said += job.stdout.readlines()
        told = [int(line.split()[1]) for line in said if line.endswith("\n") and "made" in line]
        made = max([made, *told])
    names = [path.name for path in tmp_path.iterdir()]
    assert names == ["job"]
    run = lrwatch.open_run(dir=tmp_path, name="job", resume=True)
    assert run.next_step > made > 100
    run.finish()
    frame = lrwatch.read(run.path)
    assert frame["step"].tolist() == list(range(run.next_step))
    assert frame["loss"].tolist() == frame["step"].tolist()
