"""``lrwatch import --follow`` as a process, beside one that trains and logs with another tool."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from log_samples import LOSSES, SAMPLES
from processes import started

import lrwatch
from lrwatch.store import list_runs

pytestmark = pytest.mark.e2e


def test_a_growing_log_is_followed_until_ctrl_c(tmp_path: Path) -> None:
    job, store = tmp_path / "job", tmp_path / "runs"
    job.mkdir()
    log = SAMPLES["llamafactory"](job)
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:20]))
    with started("import", "auto", job, "--dir", store, "--follow") as process:
        assert process.stdout is not None
        told = [process.stdout.readline()]
        with log.open("a") as file:
            file.write("".join(lines[20:]))
        while len(lrwatch.read(store / "job")) < len(lines) - 1:
            told.append(process.stdout.readline())
            assert told[-1], process.stderr
        (run,) = list_runs(store)
        assert run.info is not None
        assert run.info.status == "running"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert "LLaMA-Factory trainer_log, 20 rows, loss averaged over 10 steps" in told[0]
    assert lrwatch.read(store / "job")["loss"].tolist() == LOSSES
    (run,) = list_runs(store)
    assert run.info is not None
    assert run.info.status == "finished"
