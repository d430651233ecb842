from __future__ import annotations

import errno
import logging
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from stores import new_writer, row, write_run

from lrwatch.errors import RunBusy, RunNotFound
from lrwatch.records import FLOAT_COLUMNS, NULL, RunInfo
from lrwatch.store import compaction, parts, read, read_run_info, read_table
from lrwatch.store import writer as writer_module
from lrwatch.store.creation import create_run, resume_run
from lrwatch.store.journal import JournalRows, JournalWriter
from lrwatch.store.keeper import Keeper


def files(run: Path) -> list[str]:
    return sorted(p.relative_to(run).as_posix() for p in run.rglob("*") if p.is_file())


def steps(run: Path) -> list[int]:
    return [int(step) for step in read(run)["step"]]


def test_every_row_is_readable_as_soon_as_it_is_appended(tmp_path: Path) -> None:
    writer = new_writer(tmp_path)
    for step in range(5):
        writer.append(row(step, writer))
        assert steps(writer.folder) == list(range(step + 1))
    writer.close("finished")


def test_a_finished_run_is_one_parquet_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "JOURNAL_ROWS", 7)
    run = write_run(tmp_path, steps=range(100))
    assert files(run) == ["run.json", "steps/part-000000000000-000000000100.parquet"]
    assert steps(run) == list(range(100))
    assert pd.read_parquet(run / "steps")["step"].tolist() == list(range(100))


@pytest.mark.slow
def test_full_journals_become_parts_while_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer_module, "JOURNAL_ROWS", 10)
    writer = new_writer(tmp_path)
    for step in range(95):
        writer.append(row(step, writer))
        assert steps(writer.folder) == list(range(step + 1))
    writer.close("finished")
    assert steps(writer.folder) == list(range(95))
    assert caplog.records == []


def test_a_run_without_steps_reads_as_an_empty_frame(tmp_path: Path) -> None:
    run = write_run(tmp_path, steps=[])
    frame = read(run)
    assert len(frame) == 0
    assert list(frame.columns) == ["step", "time", *FLOAT_COLUMNS, "skipped"]
    assert str(frame["time"].dtype) == "datetime64[us, UTC]"


def test_null_and_nan_stay_apart_in_the_table(tmp_path: Path) -> None:
    run = write_run(tmp_path, steps=range(3), values={"loss": [1.0, math.nan, NULL]})
    loss = read_table(run)["loss"]
    assert loss.is_valid().to_pylist() == [True, True, False]
    assert math.isnan(loss[1].as_py())


def test_columns_that_come_later_are_null_before(tmp_path: Path) -> None:
    writer = new_writer(tmp_path)
    for step in range(3):
        writer.append(row(step, writer))
    writer.widen(["accuracy"])
    values = writer.last_values()
    assert values is not None
    writer.amend([*values[:-1], 0.5])
    writer.append(row(3, writer, accuracy=0.75))
    for _ in range(2):
        assert read_table(writer.folder)["accuracy"].to_pylist() == [None, None, 0.5, 0.75]
        assert steps(writer.folder) == [0, 1, 2, 3]
        writer.close("finished")


def test_many_new_columns_at_the_first_row_leave_one_journal(tmp_path: Path) -> None:
    writer = new_writer(tmp_path)
    writer.append(row(0, writer))
    for i in range(20):
        writer.widen([f"metric {i}"])
    assert [name for name in files(writer.folder) if name.startswith("journal")] == [
        "journal-000000000000.bin"
    ]
    assert steps(writer.folder) == [0]
    writer.close("finished")


def test_columns_that_come_one_a_row_become_few_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One part a column took minutes to write and merge at the end of a run."""
    written: list[Path] = []

    def write_part(path: Path, *arguments: Any) -> None:
        written.append(path)
        parts.write_part(path, *arguments)

    monkeypatch.setattr(compaction, "write_part", write_part)
    monkeypatch.setattr(Keeper, "wake", lambda _: None)
    writer = new_writer(tmp_path)
    for i in range(60):
        writer.append(row(i, writer))
        writer.widen([f"metric {i}"])
        values = writer.last_values()
        assert values is not None
        writer.amend([*values[:-1], float(i)])
    writer.close("finished")
    assert len(written) == 1
    assert steps(writer.folder) == list(range(60))
    frame = read(writer.folder)
    for i in range(60):
        assert frame[f"metric {i}"].dropna().tolist() == [i]


def test_the_end_is_written_into_run_json(tmp_path: Path) -> None:
    run = write_run(tmp_path, status="failed", config={"a": 1})
    info = read_run_info(run)
    assert (info.status, info.config, info.lost_rows) == ("failed", {"a": 1}, 0)
    assert info.ended_at is not None


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    assert [write_run(tmp_path, "a").name for _ in range(3)] == ["a", "a-2", "a-3"]
    assert read_run_info(tmp_path / "a-2").name == "a-2"


class TestADiskThatRefuses:
    @pytest.fixture
    def full(self, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
        """Have every journal write fail while the list holds True."""
        state = [False]
        append = JournalWriter.append

        def refuse(self: JournalWriter, records: bytes) -> None:
            if state[0]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            append(self, records)

        monkeypatch.setattr(JournalWriter, "append", refuse)
        monkeypatch.setattr(writer_module, "_RETRY_SECONDS", (0.0, 0.0))
        return state

    def test_rows_wait_and_are_written_when_it_is_possible_again(
        self, tmp_path: Path, full: list[bool], caplog: pytest.LogCaptureFixture
    ) -> None:
        writer = new_writer(tmp_path)
        for step in range(30):
            full[0] = 5 <= step < 20
            writer.append(row(step, writer))
        writer.close("finished")
        assert steps(writer.folder) == list(range(30))
        assert read_run_info(writer.folder).lost_rows == 0
        warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
        assert len(warnings) == 2
        assert "training goes on" in warnings[0]
        assert "written again" in warnings[1]

    def test_the_oldest_rows_go_when_the_buffer_is_full(
        self, tmp_path: Path, full: list[bool], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writer_module, "BACKLOG_ROWS", 4)
        writer = new_writer(tmp_path)
        for step in range(20):
            full[0] = 5 <= step < 15
            writer.append(row(step, writer))
        writer.close("finished")
        assert steps(writer.folder) == [0, 1, 2, 3, 4, *range(12, 20)]
        assert read_run_info(writer.folder).lost_rows == 7

    def test_a_run_that_ends_on_a_full_disk_says_how_many_rows_are_lost(
        self, tmp_path: Path, full: list[bool], caplog: pytest.LogCaptureFixture
    ) -> None:
        writer = new_writer(tmp_path)
        for step in range(10):
            full[0] = step >= 6
            writer.append(row(step, writer))
        writer.close("finished")
        assert steps(writer.folder) == list(range(6))
        assert "4 rows" in caplog.text

    def test_columns_logged_meanwhile_are_there_afterwards(
        self, tmp_path: Path, full: list[bool]
    ) -> None:
        writer = new_writer(tmp_path)
        writer.append(row(0, writer))
        full[0] = True
        writer.append(row(1, writer))
        writer.widen(["accuracy"])
        writer.append(row(2, writer, accuracy=0.5))
        full[0] = False
        writer.append(row(3, writer, accuracy=0.6))
        writer.close("finished")
        assert read_table(writer.folder)["accuracy"].to_pylist() == [None, None, 0.5, 0.6]


def test_a_part_damaged_while_the_run_goes_on_ends_nothing_and_loses_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer_module, "JOURNAL_ROWS", 20)
    run = write_run(tmp_path, steps=range(30))
    part = next((run / "steps").iterdir())
    part.write_bytes(part.read_bytes()[:50])
    writer, step = resume_run(tmp_path, RunInfo(id="new", name="run"), FLOAT_COLUMNS, step=None)
    assert step == 30
    for i in range(step, 75):
        writer.append(row(i, writer))
    writer.close("finished")
    assert read_run_info(run).status == "finished"
    assert f"{part.name} is damaged" in caplog.text
    part.unlink()
    assert steps(run) == list(range(30, 75))


@pytest.mark.parametrize("error", [MemoryError(), ValueError("of Arrow"), OSError(5, "Input")])
def test_whatever_breaks_at_the_end_the_status_is_written_and_the_training_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    def fail(run: Path) -> None:
        raise error

    monkeypatch.setattr(writer_module, "compact_all", fail)
    run = write_run(tmp_path, steps=range(5))
    assert steps(run) == list(range(5))
    assert read_run_info(run).status == "finished"
    assert "ends in several files" in caplog.text


def test_many_new_columns_one_after_the_other_end_as_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table a column would take time by the square of their number."""
    made: list[int] = []
    one_table = parts.arrow_table

    def counted(rows: JournalRows) -> pa.Table:
        made.append(len(rows))
        return one_table(rows)

    monkeypatch.setattr(Keeper, "wake", lambda _: None)
    monkeypatch.setattr(compaction, "arrow_table", counted)
    writer = new_writer(tmp_path)
    for step in range(40):
        writer.append(row(step, writer))
        writer.widen([f"own-{step}"])
        writer.amend([*row(step, writer).values[:-1], step])
    writer.close("finished")
    assert made == [40]
    frame = read(writer.folder)
    own = frame[[f"own-{step}" for step in range(40)]]
    assert own.notna().to_numpy().tolist() == np.eye(40, dtype=bool).tolist()
    assert np.diag(own).tolist() == list(range(40))
    assert frame["loss"].tolist() == list(range(40))


class TestResume:
    info = RunInfo(id="new", name="run")

    def test_goes_on_after_the_last_step(self, tmp_path: Path) -> None:
        run = write_run(tmp_path, steps=range(5), config={"a": 1})
        writer, step = resume_run(tmp_path, self.info, FLOAT_COLUMNS, step=None)
        assert step == 5
        for i in range(5, 8):
            writer.append(row(i, writer))
        writer.close("finished")
        assert steps(run) == list(range(8))
        assert (writer.info.id, writer.info.config) == ("id-run", {"a": 1})

    def test_rows_after_a_checkpoint_are_superseded_and_kept(self, tmp_path: Path) -> None:
        run = write_run(tmp_path, steps=range(10))
        writer, _ = resume_run(tmp_path, self.info, FLOAT_COLUMNS, step=6)
        for i in range(6, 8):
            writer.append(row(i, writer, loss=100.0 + i))
        writer.close("finished")
        assert read(run)["loss"].tolist() == [0, 1, 2, 3, 4, 5, 106, 107]
        assert read(run, raw=True)["step"].tolist() == [*range(10), 6, 7]

    def test_a_run_killed_in_its_journal_goes_on(self, tmp_path: Path) -> None:
        run = write_run(tmp_path, steps=range(5), status=None)
        (run / "writer.lock").write_text('{"host": "elsewhere", "pid": 1')  # cut by the kill
        writer, step = resume_run(tmp_path, self.info, FLOAT_COLUMNS, step=None)
        writer.append(row(step, writer))
        assert steps(run) == list(range(6))
        writer.close("finished")
        assert steps(run) == list(range(6))

    def test_a_run_killed_before_its_first_step_goes_on(self, tmp_path: Path) -> None:
        run = write_run(tmp_path, steps=[], status=None)
        (run / "writer.lock").unlink()
        assert files(run) == ["journal-000000000000.bin", "run.json"]
        writer, step = resume_run(tmp_path, self.info, FLOAT_COLUMNS, step=None)
        assert step == 0
        writer.append(row(0, writer))
        writer.close("finished")
        assert steps(run) == [0]

    @pytest.mark.parametrize(
        "left",
        [[], ["writer.lock"], ["writer.lock", ".run.json.0f3a"], ["writer.lock.0f3a.stale"]],
        ids=len,
    )
    def test_a_run_killed_as_it_was_made_goes_on(self, tmp_path: Path, left: list[str]) -> None:
        (tmp_path / "run").mkdir()
        for name in left:
            (tmp_path / "run" / name).write_text('{"host": "elsewh')
        writer, step = resume_run(tmp_path, self.info, FLOAT_COLUMNS, step=None)
        writer.append(row(step, writer))
        writer.close("finished")
        assert steps(tmp_path / "run") == [0]
        assert read_run_info(tmp_path / "run").id == "new"

    def test_a_folder_of_something_else_is_no_run(self, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "thesis.txt").write_text("mine")
        with pytest.raises(RunNotFound):
            resume_run(tmp_path, self.info, FLOAT_COLUMNS, step=None)

    def test_a_run_that_is_not_there_may_be_begun(self, tmp_path: Path) -> None:
        writer, step = resume_run(tmp_path, self.info, FLOAT_COLUMNS, step=None, may_begin=True)
        assert (step, writer.folder) == (0, tmp_path / "run")
        writer.close("finished")

    def test_a_journal_that_cannot_be_read_is_set_aside(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        run = write_run(tmp_path, steps=range(3), status=None)
        (run / "writer.lock").unlink()
        damaged = b"garbage, but of some worth to somebody"
        (run / "journal-000000000000.bin").write_bytes(damaged)
        writer, _ = resume_run(tmp_path, self.info, FLOAT_COLUMNS, step=3)
        writer.append(row(3, writer))
        writer.close("finished")
        assert steps(run) == [3]
        assert (run / "journal-000000000000.bin.damaged").read_bytes() == damaged
        assert "goes on without journal-000000000000.bin.damaged" in caplog.text

    def test_rows_after_a_damaged_record_keep_their_numbers(self, tmp_path: Path) -> None:
        run = write_run(tmp_path, steps=range(6), status=None)
        (run / "writer.lock").unlink()
        with (run / "journal-000000000000.bin").open("r+b") as file:
            file.seek(-3 * 72, 2)
            file.write(b"\xee\xee")
        writer, step = resume_run(tmp_path, self.info, FLOAT_COLUMNS, step=None)
        assert (step, writer.n_rows) == (6, 6)
        writer.append(row(6, writer))
        assert steps(run) == [0, 1, 2, 4, 5, 6]
        writer.close("finished")
        assert steps(run) == [0, 1, 2, 4, 5, 6]

    def test_a_second_writer_gets_a_clear_error(self, tmp_path: Path) -> None:
        writer = new_writer(tmp_path)
        with pytest.raises(RunBusy, match=f"being written by process {os.getpid()}"):
            resume_run(tmp_path, self.info, FLOAT_COLUMNS, step=None)
        writer.close("finished")

    def test_nothing_to_resume_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(RunNotFound, match="no run to resume"):
            resume_run(tmp_path, self.info, FLOAT_COLUMNS, step=None)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("a:b", "':'"),
        ("/a", "before and after each '/'"),
        ("a//b", "before and after each '/'"),
        ("..", "dot"),
        ("a\nb", r"'\\n'"),
        ("a\x00b", r"'\\x00'"),
        ("", "empty"),
        ("x" * 300, "200 bytes"),
        ("tail ", "space"),
        ("a\u202eb", "u202e"),
    ],
)
def test_names_that_cannot_be_folders_are_refused(tmp_path: Path, name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        create_run(tmp_path, RunInfo(id="x", name=name), FLOAT_COLUMNS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["lr=0.1, seed 3", "модель-1", "a.b", "100%"])
def test_other_names_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    assert write_run(tmp_path, name) == tmp_path / name
