"""Recording into an address: the training is never held up, and all arrives in the end."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from failing_storages import FailingStorage
from patience import eventually
from torch_models import small_net, train

import lrwatch
from lrwatch.errors import (
    AccessDenied,
    InvalidArgument,
    MissingExtra,
    RunNotFound,
    StorageUnavailable,
)
from lrwatch.storage import open_storage
from lrwatch.store.reader import RunReader
from lrwatch.uploading import carrying, courier, stop_all
from lrwatch.uploading.run_upload import RunUpload


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LRWATCH_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("LRWATCH_UPLOAD_EVERY", "0")
    monkeypatch.setattr(courier, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(courier, "_PAUSES", (0.01, 0.02))
    yield tmp_path / "spool"
    stop_all()
    carrying._couriers.clear()
    carrying._cargo.clear()


@pytest.fixture
def address(tmp_path: Path, spool: Path) -> str:
    return (tmp_path / "there").as_uri()


@pytest.fixture
def failing(address: str, monkeypatch: pytest.MonkeyPatch) -> FailingStorage:
    storage = FailingStorage(open_storage(address))
    monkeypatch.setattr(carrying, "open_storage", lambda _: storage)
    return storage


def steps(tmp_path: Path, name: str = "a") -> list[int]:
    return lrwatch.read(tmp_path / "there" / name)["step"].tolist()


def record(run: lrwatch.Run, n: int) -> None:
    for _ in range(n):
        run.record(loss=1.0)


def another_process() -> None:
    """Go on as a process that knows nothing of the uploads so far."""
    carrying._couriers.clear()
    carrying._cargo.clear()


def test_rows_wait_for_half_a_minute_or_until_there_are_16_384(tmp_path: Path) -> None:
    upload = RunUpload(tmp_path / "a", open_storage(tmp_path / "there"))
    n_rows = 0
    cargo = courier.Cargo(upload, lambda: n_rows)
    assert cargo.is_due(100.0, 30.0)  # the name is claimed at once
    cargo.sent_at = 100.0
    assert not cargo.is_due(129.9, 30.0)
    assert cargo.is_due(130.0, 30.0)
    n_rows = 16_383
    assert not cargo.is_due(101.0, 30.0)
    n_rows = 16_384
    assert cargo.is_due(101.0, 30.0)


def test_a_run_of_an_address_is_there(address: str, tmp_path: Path, spool: Path) -> None:
    model = small_net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with lrwatch.watch(optimizer, dir=address, name="a", alerts=False) as run:
        train(model, optimizer, n_steps=20)
        assert run.address == f"{address}/a"
        assert run.path.is_relative_to(spool)
    assert steps(tmp_path) == list(range(20))
    assert lrwatch.read(run)["step"].tolist() == list(range(20))  # as long as the program runs
    stop_all()
    assert not run.path.exists()
    assert f"{address}/a" in repr(run)


def test_a_folder_of_this_machine_has_no_address(tmp_path: Path) -> None:
    with lrwatch.open_run(dir=tmp_path, alerts=False) as run:
        assert run.address is None
    assert not (run.path / ".upload.json").exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StorageUnavailable("no route to it"), "no route to it"),
        (AccessDenied("ExpiredToken"), "ExpiredToken"),
        (ValueError("something odd"), "something odd"),
    ],
)
def test_an_outage_is_told_once_and_all_arrives_after_it(
    failing: FailingStorage,
    address: str,
    tmp_path: Path,
    error: Exception,
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing.error = error
    run = lrwatch.open_run(dir=address, name="a", alerts=False)
    record(run, 50)
    eventually(lambda: failing.calls.total() > 5)
    told = [line for line in caplog.messages if said in line]
    assert len(told) == 1
    assert str(run.path) in told[0]
    failing.error = None
    record(run, 50)
    run.finish()
    assert steps(tmp_path) == list(range(100))
    assert sum("again" in line for line in caplog.messages) == 2


def test_the_end_waits_only_so_long_and_says_what_to_do(
    failing: FailingStorage,
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("LRWATCH_UPLOAD_SECONDS", "0.05")
    failing.error = StorageUnavailable("it is down")
    runs = [lrwatch.open_run(dir=address, name=name, alerts=False) for name in "ab"]
    for run in runs:
        record(run, 5)
        run.finish()
    for run in runs:
        (told,) = [line for line in caplog.messages if "push" in line and str(run.path) in line]
        assert "it is down" in told
    failing.error = None
    eventually(lambda: all(not (run.path / "writer.lock").exists() for run in runs))
    eventually((tmp_path / "there/b/run.json").exists)
    eventually(lambda: steps(tmp_path, "b") == list(range(5)))


@pytest.mark.slow
def test_a_storage_that_hangs_holds_up_no_step(
    failing: FailingStorage, address: str, tmp_path: Path
) -> None:
    failing.hold.clear()
    run = lrwatch.open_run(dir=address, name="a", alerts=False)
    record(run, 20_000)  # returns, while not one call has
    eventually(lambda: failing.calls.total() == 1)
    failing.hold.set()
    run.finish()
    assert steps(tmp_path) == list(range(20_000))


def test_what_a_process_left_is_sent_by_the_next(
    failing: FailingStorage, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRWATCH_UPLOAD_SECONDS", "0")
    failing.error = StorageUnavailable("down")
    with lrwatch.open_run(dir=address, name="a", alerts=False) as earlier:
        record(earlier, 7)
    stop_all()
    another_process()
    failing.error = None
    monkeypatch.delenv("LRWATCH_UPLOAD_SECONDS")
    with lrwatch.open_run(dir=address, name="b", alerts=False) as run:
        record(run, 3)
    eventually(lambda: not earlier.path.exists())
    assert steps(tmp_path) == list(range(7))
    assert steps(tmp_path, "b") == list(range(3))


@pytest.mark.slow
def test_two_machines_of_one_name_have_two_runs(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lrwatch.open_run(dir=address, name="a", alerts=False)
    eventually((tmp_path / "there/a/run.json").exists)
    monkeypatch.setenv("LRWATCH_SPOOL", str(tmp_path / "other"))
    another_process_of_another_machine = carrying._couriers.copy(), carrying._cargo.copy()
    another_process()
    second = lrwatch.open_run(dir=address, name="a", alerts=False)
    record(second, 3)
    second.finish()
    assert second.address == f"{address}/a-2"
    carrying._couriers.update(another_process_of_another_machine[0])
    carrying._cargo.update(another_process_of_another_machine[1])
    record(first, 5)
    first.finish()
    assert steps(tmp_path) == list(range(5))
    assert steps(tmp_path, "a-2") == list(range(3))


@pytest.mark.slow
@pytest.mark.parametrize("resume", [True, "auto", 10])
def test_another_machine_goes_on(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool | str
) -> None:
    with lrwatch.open_run(dir=address, name="a", config={"x": 1}, alerts=False) as first:
        record(first, 10)
    stop_all()
    another_process()
    monkeypatch.setenv("LRWATCH_SPOOL", str(tmp_path / "other"))
    with lrwatch.open_run(dir=address, name="a", resume=resume, alerts=False) as run:  # type: ignore[arg-type]
        assert (run.id, run.next_step) == (first.id, 10)
        assert lrwatch.read(run)["step"].tolist() == list(range(10))
        record(run, 10)
    assert steps(tmp_path) == list(range(20))
    assert RunReader(tmp_path / "there/a").info.config == {"x": 1}


@pytest.mark.slow
def test_the_same_machine_goes_on_with_what_is_not_sent(
    failing: FailingStorage, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRWATCH_UPLOAD_SECONDS", "0")
    run = lrwatch.open_run(dir=address, name="a", alerts=False)
    record(run, 10)
    eventually((tmp_path / "there/a/run.json").exists)
    failing.error = StorageUnavailable("down")
    record(run, 10)
    run.finish()
    stop_all()
    another_process()
    run = lrwatch.open_run(dir=address, name="a", resume=True, alerts=False)
    assert run.next_step == 20
    failing.error = None
    record(run, 5)
    monkeypatch.delenv("LRWATCH_UPLOAD_SECONDS")
    run.finish()
    assert steps(tmp_path) == list(range(25))


def test_a_run_to_resume_that_is_not_there_is_told(
    address: str, failing: FailingStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRWATCH_UPLOAD_SECONDS", "0")
    with pytest.raises(RunNotFound):
        lrwatch.open_run(dir=address, name="a", resume=True)
    failing.error = StorageUnavailable("down")
    with pytest.raises(StorageUnavailable):
        lrwatch.open_run(dir=address, name="a", resume=True)
    lrwatch.open_run(dir=address, name="a", resume="auto", alerts=False).finish()


def test_what_cannot_be_an_address_is_refused_at_once(spool: Path) -> None:
    for bad, error in (
        ("nothing://x", InvalidArgument),
        ("s3://", InvalidArgument),
        ("s3://bucket/runs?key=1", InvalidArgument),
    ):
        with pytest.raises(error):
            lrwatch.open_run(dir=bad)


def test_the_extra_that_is_missing_is_named(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(MissingExtra, match=r"pip install 'lrwatch\[objects\]'"):
        lrwatch.open_run(dir="s3://bucket/runs")


def test_a_spool_that_cannot_be_written_is_told(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("LRWATCH_SPOOL", str(tmp_path / "file"))
    with pytest.raises(lrwatch.errors.StoreNotWritable, match="LRWATCH_SPOOL"):
        lrwatch.open_run(dir=address)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_sends_nothing(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import os, sys, lrwatch
        run = lrwatch.open_run(dir=sys.argv[1], name="a", alerts=False)
        for _ in range(10):
            run.record(loss=1.0)
        child = os.fork()
        if child == 0:
            run.record(loss=2.0)
            run.finish()
            with lrwatch.open_run(dir=sys.argv[1], name="child", alerts=False) as own:
                own.record(loss=3.0)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        run.record(loss=1.0)
        """
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, (tmp_path / "there").as_uri()],
        check=False, capture_output=True, text=True, timeout=120,
        env={**os.environ, "LRWATCH_SPOOL": str(tmp_path / "spool")},
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    assert steps(tmp_path) == list(range(11))
    assert steps(tmp_path, "child") == [0]
