"""A run that is made with its first row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lrwatch.records import FLOAT_COLUMNS, NULL, RunInfo
from lrwatch.store import read
from lrwatch.store.creation import LateWriter, create_run
from lrwatch.store.writer import Row, RunWriter


def late(store: Path, first_step: int = 0) -> LateWriter:
    def open_run(info: RunInfo, columns: Sequence[str]) -> tuple[RunWriter, int]:
        return create_run(store, info, columns), first_step

    return LateWriter(store / "a", RunInfo(id="1", name="a"), FLOAT_COLUMNS, open_run)


def row(step: int, n: int = len(FLOAT_COLUMNS)) -> Row:
    return Row(0, step, step, [float(step)] * n)


def test_without_a_row_there_is_no_run(tmp_path: Path) -> None:
    writer = late(tmp_path)
    writer.widen(["more"])
    writer.amend([1.0])
    assert writer.last_values() is None
    writer.close("finished")
    writer.close("finished")
    assert list(tmp_path.iterdir()) == []


def test_the_first_row_makes_the_run_under_a_free_name(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    writer = late(tmp_path)
    writer.append(row(0))
    writer.append(row(1))
    writer.amend([*[5.0] * 5, NULL])
    writer.close("finished")
    assert (writer.folder, writer.info.name) == (tmp_path / "a-2", "a-2")
    frame = read(tmp_path / "a-2")
    assert frame["step"].tolist() == [0, 1]
    assert frame["loss"].tolist() == [0, 5]


def test_steps_are_counted_from_where_the_run_is_gone_on_with(tmp_path: Path) -> None:
    writer = late(tmp_path, first_step=7)
    writer.append(row(0))
    writer.append(row(1))
    writer.close("finished")
    assert read(tmp_path / "a")["step"].tolist() == [7, 8]


def test_columns_that_came_before_the_first_row_need_no_second_journal(tmp_path: Path) -> None:
    writer = late(tmp_path)
    writer.widen(["more"])
    writer.append(row(0, len(writer.columns)))
    assert len(list((tmp_path / "a").glob("journal-*"))) == 1
    writer.widen(["later"])
    writer.append(row(1, len(writer.columns)))
    assert writer.last_values() == [1.0] * (len(FLOAT_COLUMNS) + 2)
    writer.close("finished")
    frame = read(tmp_path / "a")
    assert frame["more"].tolist() == [0, 1]
    assert frame["later"].isna().tolist() == [True, False]
