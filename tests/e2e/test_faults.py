"""What goes wrong around a training: disks, signals, clocks. Training goes on, rows stay."""

from __future__ import annotations

import itertools
import logging
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from disks import fill
from every_line import at_line
from torch_models import small_net, train

import lrwatch
from lrwatch.store import journal, read_run_info, writer
from lrwatch.store import keeper as keeper_module

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once rather than after a second, look after files often."""
    monkeypatch.setattr(writer, "_RETRY_SECONDS", (0.0, 0.01))
    monkeypatch.setattr(keeper_module, "_WAKE_SECONDS", 0.02)


def test_a_full_disk_holds_nothing_up_and_loses_nothing(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=small_disk)
    losses = train(net, optimizer, 200)
    ballast = small_disk / "ballast"
    fill(ballast, 4096)
    losses += train(net, optimizer, 500)
    assert len(lrwatch.read(run.path)) < 700
    ballast.unlink()
    time.sleep(0.05)
    losses += train(net, optimizer, 50)
    assert lrwatch.read(run.path)["loss"].tolist() == losses
    run.finish()
    assert lrwatch.read(run.path)["loss"].tolist() == losses
    assert read_run_info(run.path).lost_rows == 0
    told = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert sum("training goes on" in message for message in told) == 1


def test_a_disk_that_is_full_at_the_end_leaves_readable_journals(small_disk: Path) -> None:
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=small_disk)
    losses = train(net, optimizer, 100)
    ballast = small_disk / "ballast"
    fill(ballast, 512)
    run.finish()
    assert lrwatch.read(run.path)["loss"].tolist() == losses


def test_rows_that_a_full_disk_never_takes_are_counted_at_the_end(small_disk: Path) -> None:
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=small_disk)
    losses = train(net, optimizer, 100)
    ballast = small_disk / "ballast"
    fill(ballast, 512)
    losses += train(net, optimizer, 350)
    run.finish()
    kept = lrwatch.read(run.path)["loss"].tolist()
    assert 100 <= len(kept) < 450
    assert kept == losses[: len(kept)]
    info = read_run_info(run.path)
    assert (info.status, info.lost_rows) == ("finished", 450 - len(kept))
    assert info.ended_at is not None


def test_a_disk_that_turns_read_only_holds_nothing_up(small_disk: Path) -> None:
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=small_disk)
    losses = train(net, optimizer, 50)
    subprocess.run(["mount", "-o", "remount,ro,force", str(small_disk)], check=False)
    losses += train(net, optimizer, 50)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    losses += train(net, optimizer, 10)
    run.finish()
    assert lrwatch.read(run.path)["loss"].tolist() == losses


def test_a_deleted_folder_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=tmp_path / "runs")
    losses = train(net, optimizer, 100)
    shutil.rmtree(tmp_path / "runs")
    deadline = time.monotonic() + 20
    while not run.path.exists() and time.monotonic() < deadline:
        losses += train(net, optimizer, 1)
        time.sleep(0.01)
    losses += train(net, optimizer, 10)
    run.finish()
    assert lrwatch.read(run.path)["loss"].tolist() == losses
    assert "was deleted; it is made again" in caplog.text


def test_a_disk_that_is_slow_now_and_then_delays_and_disorders_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write, n_slow, n_writes = os.pwrite, 0, 0

    def write_slowly(*arguments: Any) -> int:
        nonlocal n_slow, n_writes
        n_writes += 1
        if n_writes % 25 == 0:
            n_slow += 1
            time.sleep(0.05)
        return write(*arguments)

    monkeypatch.setattr(writer, "JOURNAL_ROWS", 40)
    monkeypatch.setattr(journal, "write_at", write_slowly)
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=tmp_path)
    losses = train(net, optimizer, 250)
    assert n_slow >= 10
    # Slow is not broken: each row went to the disk in its own step, none waited in memory.
    assert lrwatch.read(run.path)["loss"].tolist() == losses
    run.finish()
    assert lrwatch.read(run.path)["loss"].tolist() == losses
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


@pytest.mark.parametrize("work", ["compaction.write_part", "compaction.merge_parts", "keeper.sync"])
def test_a_disk_that_hangs_beside_the_loop_holds_no_step_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    """Parts and `fsync` are written by a thread beside; here it hangs until training is over."""
    module, _, name = f"lrwatch.store.{work}".rpartition(".")
    original = getattr(sys.modules[module], name)
    is_hanging, may_go_on = threading.Event(), threading.Event()

    def hang(*arguments: Any) -> None:
        is_hanging.set()
        assert may_go_on.wait(120)
        original(*arguments)

    monkeypatch.setattr(f"{module}.{name}", hang)
    monkeypatch.setattr(writer, "JOURNAL_ROWS", 40)
    monkeypatch.setattr(keeper_module, "_SYNC_SECONDS", 0.0)
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=tmp_path)
    losses: list[float] = []
    deadline = time.monotonic() + 60
    while not is_hanging.is_set() and time.monotonic() < deadline:
        losses += train(net, optimizer, 10)
    assert is_hanging.is_set()
    losses += train(net, optimizer, 200)  # the loop waits for nothing, or never comes to its end
    assert lrwatch.read(run.path)["loss"].tolist() == losses
    may_go_on.set()
    run.finish()
    assert lrwatch.read(run.path)["loss"].tolist() == losses


def test_a_clock_that_jumps_back_disorders_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([10**18 + i * (10**9 if i < 5 else -(10**12)) for i in range(10)])
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with lrwatch.watch(optimizer, dir=tmp_path) as run:
        monkeypatch.setattr("lrwatch.capture.steps_in_order.time.time_ns", lambda: next(moments))
        losses = train(net, optimizer, 10)
        monkeypatch.undo()
    frame = lrwatch.read(run.path)
    assert frame["loss"].tolist() == losses
    assert not frame["time"].is_monotonic_increasing


SIGNALLED = textwrap.dedent(
    """
    import signal, sys, time, torch, lrwatch
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
    torch.set_num_threads(1)
    weight = torch.nn.Parameter(torch.ones(4))
    optimizer = torch.optim.SGD([weight], lr=1e-4)
    if len(sys.argv) > 1:
        lrwatch.watch(optimizer, dir=sys.argv[1], name="run")
    for step in range(10**9):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
        if step == 100:
            print("ready", flush=True)
        time.sleep(0.001)
    """
)


@pytest.mark.parametrize(("name", "status"), [("SIGINT", "interrupted"), ("SIGTERM", "running")])
def test_signals_end_a_training_as_without_us(tmp_path: Path, name: str, status: str) -> None:
    """Torch itself may end by another code: what it imports at exit can hide an interrupt."""
    watched, plain = (
        subprocess.Popen(
            [sys.executable, "-c", SIGNALLED, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for arguments in ([str(tmp_path)], [])
    )
    try:
        for process in (watched, plain):
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(getattr(signal, name))
            process.communicate(timeout=60)
    finally:
        watched.kill()
        plain.kill()
    assert watched.returncode == plain.returncode
    frame = lrwatch.read(tmp_path / "run")
    assert frame["step"].tolist() == list(range(len(frame)))
    assert len(frame) > 100
    assert read_run_info(tmp_path / "run").status == status


@pytest.mark.slow
def test_200_kills_at_random_moments_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Journals of 40 rows, so that most kills fall near a compaction, a rename or a merge."""
    monkeypatch.setattr(writer, "JOURNAL_ROWS", 40)
    moments = random.Random(0)
    for number in range(200):
        store = tmp_path / str(number)
        done = mmap.mmap(-1, 8)
        child = os.fork()
        if child == 0:
            train_for_ever(store, done)
        while struct.unpack("<q", done[:])[0] == 0:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.1))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        n_done = struct.unpack("<q", done[:])[0]
        steps = lrwatch.read(store / "run")["step"].tolist()
        assert steps == list(range(len(steps)))
        # A step whose row was written may have been killed before the loop counted it.
        assert len(steps) in (n_done, n_done + 1)
        shutil.rmtree(store)


@pytest.mark.parametrize(("what", "every"), [("a row", 7), ("a new column", 7), ("an end", 41)])
def test_a_kill_at_any_line_loses_nothing_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, every: int
) -> None:
    """Journals of three rows, so that one is closed by the row, and several end as one part."""
    monkeypatch.setattr(writer, "JOURNAL_ROWS", 3)
    for n in itertools.count(1, every):
        store = tmp_path / str(n)
        done = mmap.mmap(-1, 8)
        child = os.fork()
        if child == 0:
            record_until_killed(store, done, what, n)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, -signal.SIGKILL)
        n_done = struct.unpack("<q", done[:])[0]
        losses = lrwatch.read(store / "run")["loss"].tolist()
        assert losses == list(range(len(losses)))
        assert len(losses) in (n_done, n_done + 1)
        run = lrwatch.open_run(dir=store, name="run", resume=True, system=False)
        run.record(loss=-1.0)
        run.finish()
        frame = lrwatch.read(run)
        assert frame["loss"].tolist() == [*losses, -1.0]
        assert frame["step"].tolist() == list(range(len(frame)))
        assert len(list((run.path / "steps").iterdir())) == 1  # nothing half written is left
        if status == 0:
            break
    assert n > 100


def record_until_killed(store: Path, done: mmap.mmap, what: str, n: int) -> None:
    """Record in a forked child, which is killed at the n-th line of what is tried."""
    try:
        run = lrwatch.open_run(dir=store, name="run", system=False)

        def record(**own: float) -> None:
            n_done: int = struct.unpack("<q", done[:])[0]
            run.record(loss=n_done, **own)
            done[:] = struct.pack("<q", n_done + 1)

        for _ in range(9 if what == "an end" else 3):
            record()
        with at_line(n, lambda: os.kill(os.getpid(), signal.SIGKILL)):
            if what == "an end":
                run.finish()
            else:
                record(**({"own": 1.0} if what == "a new column" else {}))
        os._exit(0)
    finally:
        os._exit(1)


def train_for_ever(store: Path, done: mmap.mmap) -> None:
    """Train in a forked child, telling the parent how many steps were made."""
    parent = os.getppid()
    try:
        weight = torch.nn.Parameter(torch.ones(4))
        optimizer = torch.optim.SGD([weight], lr=1e-4)
        lrwatch.watch(optimizer, dir=store, name="run")
        step = 0
        while os.getppid() == parent:  # tests that are killed leave nobody behind
            optimizer.zero_grad()
            weight.square().sum().backward()
            optimizer.step()
            step += 1
            done[:] = struct.pack("<q", step)
    finally:
        os._exit(1)
