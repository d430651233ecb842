"""What the thread beside a run does while the run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stores import new_writer, row

from lrwatch.store import keeper, read
from lrwatch.store import writer as writer_module
from lrwatch.store.writer import RunWriter

PATIENCE_SECONDS = 60


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "_WAKE_SECONDS", 0.01)


def write_until(writer: RunWriter, is_done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_done():
        assert time.monotonic() < deadline
        writer.append(row(writer.n_rows, writer))
        time.sleep(0.001)


def parts(run: Path) -> list[Path]:
    return list((run / "steps").glob("*.parquet"))


def test_a_full_journal_becomes_a_part_before_the_run_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "JOURNAL_ROWS", 10)
    writer = new_writer(tmp_path)
    write_until(writer, lambda: parts(writer.folder))
    assert read(writer.folder)["step"].tolist() == list(range(writer.n_rows))
    writer.close("finished")


def test_a_journal_that_is_old_becomes_a_part_before_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_NEW_JOURNAL_SECONDS", 0.0)
    monkeypatch.setattr(keeper, "_NEW_JOURNAL_ROWS_BYTES", 100)
    writer = new_writer(tmp_path)
    write_until(writer, lambda: parts(writer.folder))
    assert writer.n_rows < writer_module.JOURNAL_ROWS
    assert read(writer.folder)["step"].tolist() == list(range(writer.n_rows))
    writer.close("finished")


def test_rows_are_brought_to_the_disk_by_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(keeper, "_SYNC_SECONDS", 0.0)
    monkeypatch.setattr(keeper, "sync", synced.append)
    writer = new_writer(tmp_path)
    write_until(writer, lambda: len(synced) > 1)
    assert {path.name.partition("-")[0] for path in synced} == {"journal"}
    writer.close("finished")
