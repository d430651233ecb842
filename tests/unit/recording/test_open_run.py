"""Runs of loops without an optimizer of torch, row by row as `record` is given them."""

from __future__ import annotations

import gc
import logging
import math
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from alert_samples import an_alert
from fake_device import FakeDevice, pretend_to_be_elsewhere
from scripted_alerts import script_alerts
from torch_models import small_net, train

import lrwatch
from lrwatch.alerts import Alert
from lrwatch.capture import device_queue
from lrwatch.errors import InvalidArgument, RunNotFound
from lrwatch.store import read_run_info


@pytest.fixture
def run(tmp_path: Path) -> lrwatch.Run:
    return lrwatch.open_run(dir=tmp_path, alerts=False)


def test_a_call_is_a_row_and_readable_at_once(run: lrwatch.Run) -> None:
    for step in range(3):
        run.record(
            loss=1.0 / (step + 1),
            lr=0.1,
            grad_norm=2.0,
            grad_norm_clipped=1.0,
            update_norm=0.1,
            param_norm=5.0,
            **{"val/loss": 7.0},
        )
    frame = lrwatch.read(run.path)
    assert frame["step"].tolist() == [0, 1, 2]
    assert frame["loss"].tolist() == [1.0, 1 / 2, 1 / 3]
    known = frame[["lr", "grad_norm", "grad_norm_clipped", "update_norm", "param_norm", "val/loss"]]
    assert known.to_numpy().tolist() == [[0.1, 2.0, 1.0, 0.1, 5.0, 7.0]] * 3
    assert not frame["skipped"].any()
    assert frame["time"].is_monotonic_increasing
    assert frame["time"].iloc[0] > pd.Timestamp("2020-01-01", tz="UTC")
    run.finish()
    assert lrwatch.read(run.path).equals(frame)
    assert read_run_info(run.path).status == "finished"


class Scalar:
    """As of a library of which nothing is known but that it has `item`."""

    def __init__(self, value: object) -> None:
        self.value = value

    def item(self) -> object:
        return self.value


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        np.float32(0.5),
        np.array(0.5),
        np.array([[0.5]]),
        torch.tensor(0.5, dtype=torch.bfloat16),
        torch.tensor([0.5], requires_grad=True),
        Scalar(0.5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_number_of_any_library_is_one(run: lrwatch.Run, value: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.record(loss=value, lr=1, own=value)
    frame = lrwatch.read(run.path)
    assert frame[["loss", "lr", "own"]].to_numpy().tolist() == [[0.5, 1.0, 0.5]]


def test_what_is_not_known_is_missing_and_nan_is_a_value(run: lrwatch.Run) -> None:
    run.record(loss=math.nan, own=None)
    run.record(loss=math.inf, lr=0.1, own=1.0)
    run.record()
    assert lrwatch.read(run.path)["loss"].isna().tolist() == [True, False, True]
    run.finish()
    table = pd.read_parquet(run.path / "steps", dtype_backend="pyarrow")
    assert table["loss"].isna().tolist() == [False, False, True]
    assert table["lr"].isna().tolist() == [True, False, True]
    assert table["own"].isna().tolist() == [True, False, True]


class Hostile:
    """Raises whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    __float__ = __index__ = __repr__ = __bool__ = lambda self: 1 / 0  # type: ignore[assignment]


@pytest.mark.parametrize("name", ["loss", "grad_norm", "own", "skipped", "step"])
@pytest.mark.parametrize(
    "value",
    ["nine", 10**400, [1, 2], torch.ones(2), 1j, Hostile()],
    ids=["text", "huge", "list", "vector", "complex", "hostile"],
)
def test_whatever_is_given_nothing_reaches_the_loop_and_it_is_said_once(
    run: lrwatch.Run, caplog: pytest.LogCaptureFixture, name: str, value: Any
) -> None:
    for _ in range(3):
        run.record(**{"lr": 0.5, name: value})
    frame = lrwatch.read(run.path)
    assert frame["step"].tolist() == [0, 1, 2]
    assert frame["lr"].tolist() == [0.5] * 3
    assert not frame["skipped"].any()
    assert name in {"skipped", "step"} or name not in frame or frame[name].isna().all()
    (warning,) = caplog.records
    assert (warning.levelno, f"record({name}=...)" in warning.message) == (logging.WARNING, True)


def test_steps_may_be_numbered_by_the_loop(run: lrwatch.Run) -> None:
    for step in (0, 100, np.int64(200)):
        run.record(loss=1.0, step=step)
    run.record(loss=1.0)
    assert lrwatch.read(run.path)["step"].tolist() == [0, 100, 200, 201]
    run.record(loss=2.0, step=100)  # back to a checkpoint
    frame = lrwatch.read(run.path)
    assert frame[["step", "loss"]].to_numpy().tolist() == [[0, 1.0], [100, 2.0]]
    assert len(lrwatch.read(run.path, raw=True)) == 5


def test_a_step_may_have_been_skipped(run: lrwatch.Run) -> None:
    for skipped in (False, True, np.bool_(True), torch.tensor(False)):
        run.record(loss=1.0, skipped=skipped)
    assert lrwatch.read(run.path)["skipped"].tolist() == [False, True, True, False]


def test_what_is_logged_belongs_to_the_last_row_or_before_it_to_the_first(
    run: lrwatch.Run,
) -> None:
    run.log(accuracy=0.1)
    run.record(loss=1.0)
    run.record(loss=2.0)
    run.log(accuracy=0.3, loss=2.5)
    frame = lrwatch.read(run.path)
    assert frame["accuracy"].tolist() == [0.1, 0.3]
    assert frame["loss"].tolist() == [1.0, 2.5]


def test_columns_by_group_may_be_given_and_those_of_a_step_are_for_record(
    run: lrwatch.Run, caplog: pytest.LogCaptureFixture
) -> None:
    run.record(loss=1.0, **{"grad_norm/body": 3.0, "layer_grad_norm/body.0": 2.0})
    run.log(grad_norm=1.0)
    run.log(time=1.0)
    frame = lrwatch.read(run.path)
    assert frame[["grad_norm/body", "layer_grad_norm/body.0"]].to_numpy().tolist() == [[3.0, 2.0]]
    assert frame["grad_norm"].isna().all()
    assert ["it is for record()" in r.message for r in caplog.records] == [True, False]


def test_an_event_is_marked_at_the_step_just_made(run: lrwatch.Run) -> None:
    for step in range(4):
        run.record(loss=1.0)
        if step == 1:
            run.mark()
        if step == 2:
            run.mark("new data")
    run.finish()
    rows = lrwatch.read(run)
    assert rows["step"][rows["event/checkpoint"] == 1].tolist() == [1]
    assert rows["step"][rows["event/new data"] == 1].tolist() == [2]


def test_after_the_end_it_says_so_once(run: lrwatch.Run, caplog: pytest.LogCaptureFixture) -> None:
    run.record(loss=1.0)
    run.finish()
    run.record(loss=2.0)
    run.log(a=1.0)
    run.record(loss=3.0)
    assert len(lrwatch.read(run.path)) == 1
    (warning,) = caplog.records
    assert "has ended" in warning.message


def test_rows_of_several_threads_are_all_there(run: lrwatch.Run) -> None:
    def work(own: float) -> None:
        for _ in range(200):
            run.record(loss=own)

    threads = [threading.Thread(target=work, args=[k]) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    frame = lrwatch.read(run.path)
    assert frame["step"].tolist() == list(range(800))
    assert frame["loss"].value_counts().tolist() == [200] * 4


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError, "failed"), (KeyboardInterrupt, "interrupted"), (SystemExit, "finished")],
)
def test_a_with_block_tells_how_it_ended(
    tmp_path: Path, error: type[BaseException], status: str
) -> None:
    run = lrwatch.open_run(dir=tmp_path)
    run.record(loss=1.0)
    with pytest.raises(error), run:
        raise error
    assert read_run_info(run.path).status == status


@pytest.mark.slow
def test_a_run_that_nobody_holds_ends(tmp_path: Path) -> None:
    lrwatch.open_run(dir=tmp_path, name="dropped").record(loss=1.0)
    gc.collect()
    assert read_run_info(tmp_path / "dropped").status == "finished"


def test_an_error_of_ours_never_reaches_the_loop(
    run: lrwatch.Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run.record(loss=1.0)
    monkeypatch.setattr(run._writer, "append", None)
    run.record(loss=2.0)
    run.record(loss=3.0)
    assert "stops recording" in caplog.records[0].message
    assert read_run_info(run.path).status == "failed"


WITHOUT_TORCH = """
import sys
import lrwatch

with lrwatch.open_run(
    dir=sys.argv[1], name="plain", config={"a": 1}, total_steps=400, on_alert=[
        lrwatch.SaveCheckpoint(print), lambda alert: None
    ]
) as run:
    for step in range(400):
        run.record(loss=2.0 * 0.99**step, lr=0.1, grad_norm=1.0, own=step)
    run.log(last=1)
assert "torch" not in sys.modules
assert lrwatch.diagnose(run.path).verdict
assert "torch" not in sys.modules
"""


@pytest.mark.e2e
def test_torch_is_not_imported(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_TORCH, tmp_path],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    info = read_run_info(tmp_path / "plain")
    assert (info.status, info.config, info.total_steps) == ("finished", {"a": 1}, 400)
    assert "torch" not in info.environment


# -- alerts ----------------------------------------------------------------------------------------


@pytest.fixture
def at_step_20(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Have an alert fire at step 20, soon."""
    monkeypatch.setattr("lrwatch.alerts.training_thread._LOOK_SECONDS", (0.01, 0.02))
    script_alerts(monkeypatch, an_alert(step=20))
    return monkeypatch


def record_until(run: lrwatch.Run, is_over: threading.Event) -> int:
    """Record steps until something has happened, a little at a time; return how many."""
    n_steps = 0
    while not is_over.is_set() and n_steps < 5_000:  # a minute at most
        run.record(loss=1.0, lr=0.1)
        n_steps += 1
        if n_steps > 30:
            is_over.wait(0.01)
    return n_steps


@pytest.mark.usefixtures("at_step_20")
def test_training_is_stopped_by_the_record_after(tmp_path: Path) -> None:
    run = lrwatch.open_run(dir=tmp_path, on_alert=lrwatch.StopTraining())
    with pytest.raises(lrwatch.TrainingStopped) as caught:
        record_until(run, threading.Event())
    assert caught.value.alert is not None
    assert caught.value.alert.run == run.name
    assert read_run_info(run.path).status == "interrupted"
    assert len(lrwatch.read(run.path)) > 20
    run.record(loss=1.0)  # who goes on may go on


@pytest.mark.usefixtures("at_step_20")
def test_functions_get_the_alert_and_a_checkpoint_is_saved_within_record(tmp_path: Path) -> None:
    seen: list[tuple[str, threading.Thread]] = []
    saved, told = threading.Event(), threading.Event()

    def save(alert: Alert) -> None:
        seen.append(("save", threading.current_thread()))
        saved.set()

    def tell(alert: Alert) -> None:
        seen.append(("tell", threading.current_thread()))
        told.set()

    run = lrwatch.open_run(dir=tmp_path, on_alert=[lrwatch.SaveCheckpoint(save), tell])
    record_until(run, saved)
    assert told.wait(60)
    threads = dict(seen)
    assert threads["save"] is threading.main_thread()
    assert threads["tell"] is not threading.main_thread()
    run.finish()


def test_there_is_no_rate_to_cut(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"suggested_lr"):
        lrwatch.open_run(dir=tmp_path, on_alert=lrwatch.CutLearningRate())
    assert not list(tmp_path.iterdir())


# -- resume ----------------------------------------------------------------------------------------


def test_a_job_that_is_requeued_goes_on_with_its_run(tmp_path: Path) -> None:
    for first in (0, 3):
        run = lrwatch.open_run(dir=tmp_path, name="job", resume="auto")
        assert run.next_step == first
        for _ in range(3):
            run.record(loss=1.0)
        run.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["job"]
    assert lrwatch.read(tmp_path / "job")["step"].tolist() == list(range(6))


def test_a_job_without_a_checkpoint_begins_at_step_0_whether_or_not_it_ran(tmp_path: Path) -> None:
    for loss in (1.0, 2.0):
        run = lrwatch.open_run(dir=tmp_path, name="job", resume=0)
        run.record(loss=loss)
        run.finish()
    assert lrwatch.read(tmp_path / "job")["loss"].tolist() == [2.0]


@pytest.mark.parametrize("resume", [True, 1])
def test_a_run_to_go_on_with_must_be_there(tmp_path: Path, resume: Any) -> None:
    with pytest.raises(RunNotFound):
        lrwatch.open_run(dir=tmp_path, name="none", resume=resume)


@pytest.mark.parametrize(
    "options",
    [
        {"resume": True},
        {"name": "a", "resume": "yes"},
        {"name": "a", "resume": -1},
        {"name": "a", "resume": None},
        {"name": "a", "resume": 1.5},
        {"total_steps": 0},
        {"name": 3},
        {"dir": "nowhere://bucket/runs"},
    ],
)
def test_what_is_not_allowed_is_said(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        lrwatch.open_run(**{"dir": tmp_path, **options})


# -- beside a watched optimizer --------------------------------------------------------------------


def test_a_watched_run_takes_the_steps_that_no_hook_sees(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    net = small_net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=tmp_path, alerts=False)
    losses = train(net, optimizer, 3)
    for loss in (9.0, 8.0):
        run.record(loss=loss, lr=0.02)
    assert not caplog.records
    losses += train(net, optimizer, 1)
    run.record(loss=7.0)
    run.finish()
    frame = lrwatch.read(run.path)
    assert frame["loss"].tolist() == [*losses[:3], 9.0, 8.0, losses[3], 7.0]
    assert frame["lr"].tolist()[:6] == [0.01] * 3 + [0.02] * 2 + [0.01]
    assert ["log() adds" in r.message for r in caplog.records] == [True]


@pytest.mark.parametrize("is_watched", [True, False])
def test_numbers_on_a_device_are_not_waited_for_and_keep_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_watched: bool
) -> None:
    device = FakeDevice()
    defaults = (device.begin_copy, 0.0)
    monkeypatch.setattr(device_queue.DeviceQueue.__init__, "__defaults__", defaults)
    monkeypatch.setattr("lrwatch.recording.handed_over._on_host_or_device", lambda value: value)
    if is_watched:
        pretend_to_be_elsewhere(monkeypatch)
        net = small_net()
        run = lrwatch.watch(torch.optim.SGD(net.parameters(), lr=0.1), dir=tmp_path, alerts=False)
    else:
        run = lrwatch.open_run(dir=tmp_path, alerts=False)
    for value in range(3):
        run.record(loss=torch.tensor(float(value)), lr=0.1)
    run.log(own=5.0)
    run.record(loss=3.0, lr=0.1)
    assert len(lrwatch.read(run.path)) == 0
    device.n_done = 2
    run.record(loss=4.0, lr=0.1)
    assert lrwatch.read(run.path)["loss"].tolist() == [0.0, 1.0]
    assert device.n_waits == 0
    run.finish()
    frame = lrwatch.read(run.path)
    assert frame["loss"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert frame["own"].isna().tolist() == [True, True, False, True, True]


@pytest.mark.parametrize(("planned_now", "kept"), [(None, 100), (200, 200)])
def test_a_run_that_goes_on_keeps_its_planned_length(
    tmp_path: Path, planned_now: int | None, kept: int
) -> None:
    lrwatch.open_run(dir=tmp_path, name="run", total_steps=100).finish()
    run = lrwatch.open_run(dir=tmp_path, name="run", resume=True, total_steps=planned_now)
    run.finish()
    assert read_run_info(run.path).total_steps == kept
