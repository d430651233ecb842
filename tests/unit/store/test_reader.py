from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stores import new_writer, row, write_run

from lrwatch.errors import RunNotFound, RunUnreadable
from lrwatch.records import FLOAT_COLUMNS, NULL, STEP_COLUMNS, is_null
from lrwatch.store import RunReader, compaction, list_runs, read, read_table
from lrwatch.store import parts as parts_module
from lrwatch.store import writer as writer_module
from lrwatch.store.compaction import compact_all, merge_all
from lrwatch.store.journal import JournalWriter
from lrwatch.store.layout import journal_path, part_path, parts
from lrwatch.store.parts import merge_parts
from lrwatch.tables import step_block


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
    assert RunReader(writer.folder).info.status == "finished"


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


def test_a_merge_that_was_cut_short_doubles_nothing_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "JOURNAL_ROWS", 10)
    monkeypatch.setattr(compaction, "_ENOUGH", 10)
    monkeypatch.setattr(writer_module, "merge_all", lambda run: None)
    run = write_run(tmp_path, steps=range(45))
    held = parts(run)
    assert len(held) > 1
    merge_parts(part_path(run, 0, 45), held)  # and the old ones are still there
    assert read(run)["step"].tolist() == list(range(45))
    with_dot = part_path(run, 0, 45).with_name(f".{part_path(run, 0, 45).name}.7-8.tmp")
    with_dot.write_bytes(b"PAR1")
    merge_all(run)
    assert [path.name for path in (run / "steps").iterdir()] == [part_path(run, 0, 45).name]


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    part = next((run / "steps").iterdir())
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(RunUnreadable, match=part.name):
        read(run)


def test_a_large_part_is_gone_through_once_and_again_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone_through = Mock(wraps=parts_module._checksum)
    monkeypatch.setattr(parts_module, "_LARGE_BYTES", 1)
    monkeypatch.setattr(parts_module, "_checksum", gone_through)
    run = write_run(tmp_path, values={"loss": [0.1 * i for i in range(10)]})
    part = next((run / "steps").iterdir())
    gone_through.reset_mock()
    assert read(run)["loss"].equals(read(run)["loss"])
    assert gone_through.call_count == 1
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    os.utime(part, (1, 1))  # a clock too coarse to tell is another matter
    for _ in range(2):
        with pytest.raises(RunUnreadable, match=part.name):
            read(run)


@pytest.mark.slow
def test_a_flipped_bit_in_a_part_is_noticed_or_changes_nothing(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    run = write_run(tmp_path, steps=range(300), values={"loss": random.normal(size=300)})
    part = next((run / "steps").iterdir())
    whole, rows = part.read_bytes(), read_table(run)
    n_noticed = 0
    for bit in random.integers(8 * len(whole), size=300).tolist():
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        part.write_bytes(damaged)
        try:
            assert read_table(run).equals(rows)
        except RunUnreadable:
            n_noticed += 1
    assert n_noticed > 290


def test_parts_of_earlier_versions_are_read_without_a_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts_module, "_seal", lambda file: None)
    run = write_run(tmp_path, steps=range(5))
    assert read(run)["step"].tolist() == list(range(5))


def test_a_part_without_its_checksum_is_still_checked_page_by_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts_module, "_check_seal", lambda file: None)
    run = write_run(tmp_path, values={"loss": [0.1 * i for i in range(10)]})
    part = next((run / "steps").iterdir())
    page = pq.ParquetFile(part).metadata.row_group(0).column(2)  # the loss's, and nothing else
    data = bytearray(part.read_bytes())
    data[page.data_page_offset + page.total_compressed_size - 3] ^= 1
    part.write_bytes(data)
    with pytest.raises(RunUnreadable, match=part.name):
        read(run)


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"loss": [1.0]}, "no column step"),
        ({"step": ["a"]}, "column step is string, expected int64"),
        ({"step": [1], "loss": [[1.0]]}, "column loss is list"),
        ({"step": [1], "accuracy": ["good"]}, "column accuracy is string, expected double"),
        ({"step": [None]}, "column step is null"),
        ({"step": pa.array([None], pa.int64())}, "a row has no step"),
        ({"step": list(range(20))}, "has 20 rows, its name says 10"),
    ],
)
def test_a_part_that_no_writer_writes_is_named(
    tmp_path: Path, columns: dict[str, Any], problem: str
) -> None:
    run = write_run(tmp_path)
    part = next((run / "steps").iterdir())
    pq.write_table(pa.table(columns), part)
    with pytest.raises(RunUnreadable, match=f"^{part.name} is damaged: .*{problem}"):
        RunReader(run).read_new()


@pytest.mark.parametrize("what", ["steps", "journal-000000000010.bin", "part"])
@pytest.mark.parametrize("kind", ["pipe", "link to itself", "link to nothing", "device"])
def test_what_is_no_file_of_a_run_makes_no_reader_wait(
    tmp_path: Path, what: str, kind: str
) -> None:
    run = write_run(tmp_path)
    path = next((run / "steps").iterdir()) if what == "part" else run / what
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(
            {"link to itself": path.name, "link to nothing": "nowhere", "device": "/dev/zero"}[kind]
        )
    if (what, kind) == ("steps", "link to nothing"):
        assert len(RunReader(run).read_new()) == 0  # it may be missing
        return
    with pytest.raises(RunUnreadable, match=f"^{path.name} cannot be read: [^/]*$"):
        RunReader(run).read_new()


def test_a_damaged_record_costs_its_row_and_is_counted_live_and_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer_module, "JOURNAL_ROWS", 50)
    writer = new_writer(tmp_path)
    for step in range(20):
        writer.append(row(step, writer))
    with (writer.folder / "journal-000000000000.bin").open("r+b") as file:
        file.seek(-12 * 72 + 30, 2)
        file.write(b"\xee")
    reader = RunReader(writer.folder)
    assert reader.read_new().step.tolist() == [*range(8), *range(9, 20)]
    assert (reader.damaged_rows, reader.problem) == (1, "1 row is damaged and left out")
    for step in range(20, 130):
        writer.append(row(step, writer))
        assert reader.read_new().step.tolist() == [step]
    assert reader.damaged_rows == 1
    writer.close("finished")
    assert [(part.first, part.stop) for part in parts(writer.folder)] == [(0, 8), (9, 130)]
    assert read(writer.folder)["step"].tolist() == [*range(8), *range(9, 130)]
    assert f"{writer.folder}: 1 row is damaged and left out" in caplog.text
    late = RunReader(writer.folder)
    late.read_new()
    assert late.damaged_rows == 1


COLUMNS = (*FLOAT_COLUMNS, "accuracy", "lr/head", "lr/body")
ANY_FLOAT = st.one_of(st.just(NULL), st.floats(), st.sampled_from([math.nan, math.inf, -0.0]))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    journals=st.lists(
        st.tuples(
            st.lists(st.sampled_from(COLUMNS), unique=True, max_size=9),
            st.lists(
                st.tuples(
                    st.integers(-(2**63), 2**63 - 1),
                    st.integers(-(2**62), 2**62),
                    st.booleans(),
                    st.lists(ANY_FLOAT, min_size=9, max_size=9),
                ),
                min_size=1,
                max_size=4,
            ),
        ),
        min_size=1,
        max_size=3,
    ),
    n_parts=st.integers(0, 3),
)
def test_rows_from_journals_are_as_they_would_be_through_arrow(
    tmp_path_factory: pytest.TempPathFactory, journals: list[Any], n_parts: int
) -> None:
    run = write_run(tmp_path_factory.mktemp("both"), steps=[])
    first = 0
    for number, (columns, rows) in enumerate(journals):
        journal = JournalWriter(journal_path(run, first), first, columns)
        for step, time, is_skipped, values in rows:
            journal.append(journal.pack(is_skipped, step, time, values[: len(columns)]))
        journal.close()
        if number < n_parts:
            compact_all(run)
        first += len(rows)
    block = RunReader(run).read_new()
    through_arrow = step_block(read_table(run, raw=True))
    names = ["loss_seen", *STEP_COLUMNS]
    for name in names:
        one, other = getattr(block, name), getattr(through_arrow, name)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes() or np.array_equal(one, other, equal_nan=True)
    assert set(block.extra) == set(through_arrow.extra)
    for name, values in block.extra.items():
        assert np.array_equal(values, through_arrow.extra[name], equal_nan=True)
        assert not is_null(values).any()


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
    with pytest.raises(RunNotFound, match=f"{tmp_path}/nothing: there is no run here"):
        read(tmp_path / "nothing")
    with pytest.raises(RunNotFound, match=f"{tmp_path}: this is not a run"):
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
