from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lrwatch import system
from lrwatch.errors import RunBusy
from lrwatch.store import ownership as module
from lrwatch.store.ownership import Ownership, writer_is_gone
from lrwatch.system import process_mark

GONE = 2**22 + 1  # above every process number of Linux


def locked(folder: Path, *, host: str = "", pid: int = GONE, **more: object) -> Path:
    lock = folder / "writer.lock"
    lock.write_text(json.dumps({"host": host or socket.gethostname(), "pid": pid, **more}))
    return lock


def test_a_folder_has_one_owner_at_a_time(tmp_path: Path) -> None:
    first = Ownership(tmp_path)
    with pytest.raises(RunBusy, match=f"process {os.getpid()} on .*: record under another name"):
        Ownership(tmp_path, otherwise="record under another name")
    first.release()
    Ownership(tmp_path).release()
    assert list(tmp_path.iterdir()) == []


def test_locks_of_other_names_do_not_disturb_each_other(tmp_path: Path) -> None:
    owners = [Ownership(tmp_path), Ownership(tmp_path, "watcher.lock")]
    assert {path.name for path in tmp_path.iterdir()} == {"writer.lock", "watcher.lock"}
    for owner in owners:
        owner.release()


def test_a_lock_whose_process_is_gone_is_taken_over(tmp_path: Path) -> None:
    lock = locked(tmp_path)
    Ownership(tmp_path)
    assert json.loads(lock.read_text())["pid"] == os.getpid()


def test_a_lock_of_a_process_that_lives_is_not(tmp_path: Path) -> None:
    locked(tmp_path, pid=os.getppid())
    with pytest.raises(RunBusy):
        Ownership(tmp_path)


needs_start_times = pytest.mark.skipif(
    not process_mark(os.getpid()), reason="only Linux tells when a process started"
)


@needs_start_times
def test_a_lock_whose_process_number_belongs_to_another_by_now_is_taken_over(
    tmp_path: Path,
) -> None:
    locked(tmp_path, pid=os.getppid(), started="an-earlier-boot 17")
    assert writer_is_gone(tmp_path)
    Ownership(tmp_path).release()


@pytest.mark.slow
@needs_start_times
def test_a_lock_names_the_very_process_that_took_it(tmp_path: Path) -> None:
    script = "import sys; from lrwatch.store.ownership import *; from pathlib import Path\n"
    script += "Ownership(Path(sys.argv[1])); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        said = json.loads((tmp_path / "writer.lock").read_text())
        assert said["started"] == process_mark(process.pid) != ""
        assert not writer_is_gone(tmp_path)
        with pytest.raises(RunBusy):
            Ownership(tmp_path)
        process.communicate()
    assert writer_is_gone(tmp_path)


def test_where_no_start_time_is_known_the_number_alone_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "_PROCESSES", tmp_path / "no such folder")
    locked(tmp_path, pid=os.getppid(), started="an-earlier-boot 17")
    assert not writer_is_gone(tmp_path)
    with pytest.raises(RunBusy):
        Ownership(tmp_path)


def test_a_lock_left_by_an_earlier_process_with_our_number_is_taken_over(tmp_path: Path) -> None:
    """As in a container that is started again, where the first process is number 1 each time."""
    locked(tmp_path, pid=os.getpid())
    Ownership(tmp_path).release()


def test_a_lock_of_another_host_is_taken_over_when_nothing_was_written_for_long(
    tmp_path: Path,
) -> None:
    lock = locked(tmp_path, host="elsewhere", pid=1)
    with pytest.raises(RunBusy):
        Ownership(tmp_path)
    os.utime(lock, (1e9, 1e9))
    Ownership(tmp_path).release()


@pytest.mark.parametrize(("age", "is_free"), [(500, False), (700, True)])
def test_a_lock_of_another_host_is_stale_after_ten_minutes(
    tmp_path: Path, age: int, *, is_free: bool
) -> None:
    lock = locked(tmp_path, host="elsewhere", pid=1)
    os.utime(lock, (time.time() - age,) * 2)
    if is_free:
        Ownership(tmp_path).release()
        assert not lock.exists()
    else:
        with pytest.raises(RunBusy):
            Ownership(tmp_path)


def test_of_two_processes_that_see_a_stale_lock_one_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = locked(tmp_path)
    first: list[Any] = []
    judge = module._Holder.is_alive

    def meanwhile(holder: Any) -> bool:
        if not first:
            first.append(None)
            first[0] = Ownership(tmp_path)
        return judge(holder)

    monkeypatch.setattr(module._Holder, "is_alive", meanwhile)
    with pytest.raises(RunBusy, match="just taken by another process"):
        Ownership(tmp_path)
    assert lock.read_bytes() == first[0]._content
    assert list(tmp_path.iterdir()) == [lock]
    first[0].release()
    assert not lock.exists()


def test_a_lock_that_another_process_has_taken_over_is_not_released(tmp_path: Path) -> None:
    owner = Ownership(tmp_path)
    lock = locked(tmp_path, host="elsewhere", pid=7)
    owner.release()
    assert lock.exists()


@pytest.mark.parametrize("content", ["[" * 100_000, '{"host": "a", "pid": 1e999}', "\0"])
def test_a_damaged_lock_is_taken_over(tmp_path: Path, content: str) -> None:
    (tmp_path / "writer.lock").write_text(content)
    Ownership(tmp_path).release()


def test_a_pipe_in_place_of_the_lock_makes_nobody_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "writer.lock")
    assert not writer_is_gone(tmp_path)
    Ownership(tmp_path).release()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "pid", "is_gone"),
    [("", GONE, True), ("", os.getpid(), False), ("elsewhere", GONE, False)],
    ids=["gone", "alive", "elsewhere"],
)
def test_only_of_this_host_can_be_known_that_a_writer_is_gone(
    tmp_path: Path, host: str, pid: int, *, is_gone: bool
) -> None:
    locked(tmp_path, host=host, pid=pid)
    assert writer_is_gone(tmp_path) is is_gone


def test_without_a_lock_no_writer_is_known_to_be_gone(tmp_path: Path) -> None:
    assert not writer_is_gone(tmp_path)
    (tmp_path / "writer.lock").write_text("{")
    assert not writer_is_gone(tmp_path)


@pytest.mark.parametrize(
    ("job", "restarts", "is_taken"),
    [("7", "3", True), ("7", "2", False), ("8", "3", False), ("", "3", False), ("7", "x", False)],
)
def test_a_requeued_job_takes_over_from_another_host_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, job: str, restarts: str, *, is_taken: bool
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    Ownership(tmp_path)
    lock = tmp_path / "writer.lock"
    lock.write_text(json.dumps({**json.loads(lock.read_text()), "host": "elsewhere"}))
    monkeypatch.setenv("SLURM_JOB_ID", job)
    monkeypatch.setenv("SLURM_RESTART_COUNT", restarts)
    if is_taken:
        Ownership(tmp_path).release()
        assert not lock.exists()
    else:
        with pytest.raises(RunBusy):
            Ownership(tmp_path)


def test_without_a_scheduler_nothing_was_requeued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    locked(tmp_path, host="elsewhere", pid=1)
    monkeypatch.setenv("SLURM_RESTART_COUNT", "3")
    with pytest.raises(RunBusy):
        Ownership(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("has_links", [True, False])
def test_of_many_threads_one_owns_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.delattr(os, "link")
    begin = threading.Barrier(8)

    def take(_: int) -> Ownership | None:
        begin.wait()
        try:
            return Ownership(tmp_path)
        except RunBusy:
            return None

    with ThreadPoolExecutor(8) as threads:
        for _ in range(20):
            owners = [owner for owner in threads.map(take, range(8)) if owner is not None]
            assert len(owners) == 1
            assert [path.name for path in tmp_path.iterdir()] == ["writer.lock"]
            owners[0].release()


def test_a_lock_says_whose_it_is_from_the_moment_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process would take an empty one for that of a process killed while it wrote it."""
    said: list[str] = []
    link = os.link

    def look(source: Path, target: Path) -> None:
        link(source, target)
        said.append(Path(target).read_text())

    monkeypatch.setattr(os, "link", look)
    Ownership(tmp_path).release()
    assert json.loads(said[0])["pid"] == os.getpid()
