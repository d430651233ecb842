"""The ways for systems that lack a call, taken on one that has it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from lrwatch import system
from lrwatch.plain_files import read_file


def test_bytes_are_written_and_read_at_an_offset(tmp_path: Path) -> None:
    file = os.open(tmp_path / "a", system.NEW_FILE)
    try:
        assert system._seek_and_write(file, bytearray(b"abcdef"), 0) == 6
        assert system._seek_and_write(file, memoryview(b"xy"), 2) == 2
        assert system._seek_and_read(file, 3, 1) == b"bxy"
    finally:
        os.close(file)
    assert (tmp_path / "a").read_bytes() == b"abxyef"
    with pytest.raises(OSError, match="Bad file descriptor"):
        system._seek_and_write(-1, b"a", 0)


def refusing(path: Path, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a file refuse to be renamed or deleted so many times, as one that is read on Windows."""
    left = [n]

    def after(call: Any) -> Any:
        def refuse(source: Any, *more: Any, **options: Any) -> Any:
            if Path(source) == path and left[0]:
                left[0] -= 1
                raise PermissionError(13, "in use", str(source))
            return call(source, *more, **options)

        return refuse

    monkeypatch.setattr(os, "replace", after(os.replace))
    monkeypatch.setattr(os, "unlink", after(os.unlink))
    monkeypatch.setattr(os, "open", after(os.open))


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "a", tmp_path / "b"
    for path in paths:
        path.write_text(path.name)
    return paths


def test_a_file_that_is_read_just_now_is_moved_a_moment_later(
    two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "MOVES_OPEN_FILES", False)
    refusing(two[0], 3, monkeypatch)
    system.move(*two)
    assert two[1].read_text() == "a"


def test_a_file_that_is_replaced_just_now_is_read_a_moment_later(
    two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(two[0], 3, monkeypatch)
    with pytest.raises(PermissionError):
        read_file(two[0])  # elsewhere it means that it may not be read
    monkeypatch.setattr(system, "MOVES_OPEN_FILES", False)
    assert read_file(two[0]) == b"a"


@pytest.mark.parametrize("moves_open_files", [True, False])
def test_a_file_that_is_in_use_for_long_stays(
    two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, *, moves_open_files: bool
) -> None:
    monkeypatch.setattr(system, "MOVES_OPEN_FILES", moves_open_files)
    monkeypatch.setattr(system, "_PAUSE_SECONDS", 0.0)
    refusing(two[0], 10**9, monkeypatch)
    with pytest.raises(PermissionError):
        system.move(*two)
    if moves_open_files:
        with pytest.raises(PermissionError):
            system.remove(two[0])
    else:
        system.remove(two[0])  # a reader has it: somebody else removes it later
    assert [path.read_text() for path in two] == ["a", "b"]
    system.remove(two[1])
    system.remove(two[1])
    assert not two[1].exists()


@pytest.mark.parametrize("moves_open_files", [True, False])
def test_a_file_is_brought_to_the_disk(
    two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, *, moves_open_files: bool
) -> None:
    monkeypatch.setattr(system, "MOVES_OPEN_FILES", moves_open_files)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    system.sync(two[0])
    assert len(synced) == 1
    with pytest.raises(FileNotFoundError):
        system.sync(two[0].with_name("c"))


def test_a_program_that_cannot_replace_this_one_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(system, "_IS_WINDOWS", True)
    ends = "import os, sys; sys.exit(int(os.environ['STATUS']))"
    assert system.become(sys.executable, ["python", "-c", ends], {**os.environ, "STATUS": "7"}) == 7


def test_without_an_answer_a_process_is_taken_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it gets no signal: 0 is Ctrl-C on Windows."""
    monkeypatch.setattr(system, "_IS_WINDOWS", True)
    monkeypatch.delattr(os, "kill")
    assert system.is_running(2**22 + 1)
    assert system.process_mark(os.getpid()) == ""


def test_other_unixes_tell_by_ps_when_a_process_began() -> None:
    if shutil.which("ps", path="/bin") is None:
        pytest.skip("there is no /bin/ps here")
    mark = system._mark_of_ps(os.getpid())
    assert mark == system._mark_of_ps(os.getpid()) != ""
    assert mark != system._mark_of_ps(1)
    assert system._mark_of_ps(2**22 + 1) == ""


def test_what_a_file_may_grow_to(tmp_path: Path) -> None:
    class Found:
        st_size = 700

    assert system.allocated(Found()) == 700  # type: ignore[arg-type]
    (tmp_path / "a").write_bytes(b"x" * 700)
    assert system.allocated((tmp_path / "a").stat()) >= 700
