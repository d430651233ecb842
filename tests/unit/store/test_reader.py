from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from stores import new_writer, row, write_run

from lrwatch.errors import RunNotFound, RunUnreadable
from lrwatch.records import NULL
from lrwatch.store import RunReader, list_runs, read, read_table
from lrwatch.store import writer as writer_module
from lrwatch.store.compaction import merge_all
from lrwatch.store.layout import part_path, parts
from lrwatch.store.parts import merge_parts


def test_a_reader_gets_each_row_once_while_files_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "JOURNAL_ROWS", 5)
    writer = new_writer(tmp_path)
    reader = RunReader(writer.folder)
    seen: list[int] = []
    for step in range(60):
        writer.append(row(step, writer))
        if step % 7 == 0:
            seen += reader.read_new().step.tolist()
    writer.close("finished")
    seen += reader.read_new().step.tolist()
    assert seen == list(range(60))
    assert len(reader.read_new()) == 0


def test_a_reader_sees_the_end(tmp_path: Path) -> None:
    writer = new_writer(tmp_path)
    reader = RunReader(writer.folder)
    assert reader.info.status == "running"
    writer.close("finished")
    assert reader.refresh_info().status == "finished"


def test_blocks_tell_a_loss_that_was_not_seen_from_one_that_was_nan(tmp_path: Path) -> None:
    writer = new_writer(tmp_path)
    writer.append(row(0, writer, loss=np.nan))
    writer.append(row(1, writer)._replace(values=[NULL] * 6))
    block = RunReader(writer.folder).read_new()
    assert block.loss_seen.tolist() == [True, False]
    assert np.isnan(block.loss).all()
    writer.close("finished")


def test_other_readers_of_parquet_read_the_parts_as_they_are(tmp_path: Path) -> None:
    run = write_run(tmp_path, steps=range(50))
    total = duckdb.sql(
        f"select count(*), sum(loss), epoch_us(max(time)) from '{run}/steps/*.parquet'"
    )
    assert total.fetchall() == [(50, sum(range(50)), 49_000_000)]
    frame = pl.read_parquet(run / "steps" / "*.parquet")
    assert frame["loss"].to_list() == list(range(50))
    assert frame["update_norm"].null_count() == 50
    assert frame.schema["time"] == pl.Datetime("us", "UTC")


def test_a_merge_that_was_cut_short_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "JOURNAL_ROWS", 10)
    monkeypatch.setattr(writer_module, "merge_all", lambda run: None)
    run = write_run(tmp_path, steps=range(45))
    held = parts(run)
    assert len(held) > 1
    merge_parts(part_path(run, 0, 45), held)  # and the old ones are still there
    assert read(run)["step"].tolist() == list(range(45))
    merge_all(run)
    assert [path.name for path in (run / "steps").iterdir()] == [part_path(run, 0, 45).name]


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    part = next((run / "steps").iterdir())
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(RunUnreadable, match=part.name):
        read(run)


def test_a_later_format_says_to_upgrade(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    content = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**content, "format": 99}))
    with pytest.raises(RunUnreadable, match="format 99, this lrwatch reads up to 1: upgrade"):
        read(run)


@pytest.mark.parametrize("content", ["{", "[]", '{"format": "x"}', '{"format": 1, "config": 3}'])
def test_a_damaged_run_json_is_named(tmp_path: Path, content: str) -> None:
    run = write_run(tmp_path)
    (run / "run.json").write_text(content)
    with pytest.raises(RunUnreadable, match=r"run\.json"):
        RunReader(run)


def test_no_run_and_no_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="there is no run at"):
        read(tmp_path / "nothing")
    with pytest.raises(RunNotFound, match="is not a run"):
        read(tmp_path)


def test_a_store_lists_its_runs_and_those_it_cannot_read(tmp_path: Path) -> None:
    write_run(tmp_path, "good")
    write_run(tmp_path / "sweep", "deep")
    bad = write_run(tmp_path, "bad")
    (bad / "run.json").write_text("garbage")
    (tmp_path / "notes.txt").write_text("no run")
    (tmp_path / "empty").mkdir()
    entries = {entry.key: entry for entry in list_runs(tmp_path)}
    assert list(entries) == ["bad", "good", "sweep/deep"]
    assert entries["good"].info is not None
    assert entries["good"].problem == ""
    assert entries["bad"].info is None
    assert "cannot be read as JSON" in entries["bad"].problem
    assert entries["good"].last_write > 0


def test_a_store_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunNotFound, match="is not a folder"):
        list_runs(tmp_path / "file")
    with pytest.raises(RunNotFound, match="does not exist"):
        list_runs(tmp_path / "nowhere")


def test_a_run_written_by_a_clock_that_jumps_back_reads_in_order(tmp_path: Path) -> None:
    writer = new_writer(tmp_path)
    for step, time in enumerate([5, 6, 2, 3]):
        writer.append(row(step, writer)._replace(time=time))
    writer.close("finished")
    table = read_table(writer.folder)
    assert table["step"].to_pylist() == [0, 1, 2, 3]
