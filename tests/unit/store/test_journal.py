from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrwatch.errors import RunUnreadable
from lrwatch.records import NULL, is_null
from lrwatch.store import journal as journal_module
from lrwatch.store.journal import SKIPPED, JournalWriter, read_journal


def write(path: Path, n_rows: int, columns: tuple[str, ...] = ("loss", "lr")) -> None:
    journal = JournalWriter(path, 0, columns)
    for i in range(n_rows):
        flags = SKIPPED if i % 3 == 0 else 0
        journal.append(journal.pack(flags, i, 1_000 + i, [i / 7, NULL][: len(columns)]))
    journal.close()


def test_rows_read_back_as_they_were_written(tmp_path: Path) -> None:
    write(tmp_path / "j", 5)
    rows = read_journal(tmp_path / "j")
    assert rows.columns == ("loss", "lr")
    assert rows.step.tolist() == [0, 1, 2, 3, 4]
    assert rows.time.tolist() == [1000, 1001, 1002, 1003, 1004]
    assert rows.skipped.tolist() == [True, False, False, True, False]
    assert rows.values[:, 0].tolist() == [i / 7 for i in range(5)]
    assert is_null(rows.values[:, 1]).all()


def test_null_nan_and_infinity_stay_apart(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path / "j", 0, ("a", "b", "c"))
    journal.append(journal.pack(0, 0, 0, [NULL, math.nan, math.inf]))
    values = read_journal(tmp_path / "j").values
    assert is_null(values).tolist() == [[True, False, False]]
    assert math.isnan(values[0, 1])
    assert values[0, 2] == math.inf


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(cut=st.integers(min_value=0, max_value=900), n_rows=st.integers(0, 12))
def test_a_journal_cut_at_any_byte_reads_as_a_prefix(
    tmp_path_factory: pytest.TempPathFactory, cut: int, n_rows: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "j"
    write(path, n_rows)
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    rows = read_journal(path)
    header = len(whole) - n_rows * 40
    expected = max(0, min(n_rows, (cut - header) // 40))
    assert rows.step.tolist() == list(range(expected))


def damage(path: Path, *records: int, size: int = 40, n_rows: int = 6) -> None:
    data = bytearray(path.read_bytes())
    for i in records:
        data[len(data) - (n_rows - i) * size + 20] ^= 0x10
    path.write_bytes(data)


def test_a_damaged_record_costs_its_row_alone(tmp_path: Path) -> None:
    write(tmp_path / "j", 6)
    damage(tmp_path / "j", 0, 3)
    rows = read_journal(tmp_path / "j")
    assert rows.step.tolist() == rows.place.tolist() == [1, 2, 4, 5]
    assert rows.before(4).step.tolist() == [1, 2]
    rows = read_journal(tmp_path / "j", skip_rows=2)
    assert rows.step.tolist() == rows.place.tolist() == [2, 4, 5]


def test_damaged_records_at_the_end_are_rows_to_come(tmp_path: Path) -> None:
    write(tmp_path / "j", 6)
    damage(tmp_path / "j", 4, 5)
    assert read_journal(tmp_path / "j").place.tolist() == [0, 1, 2, 3]


def test_a_record_that_is_written_anew_just_then_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader sees half of it, and whole the one that was appended before it came there."""
    path = tmp_path / "j"
    write(path, 6)
    whole = path.read_bytes()
    damage(path, 4)
    look = journal_module._records

    def then_write(*arguments: Any) -> Any:
        seen = look(*arguments)
        path.write_bytes(whole + whole[-40:-17])  # and the next one is being appended
        return seen

    monkeypatch.setattr(journal_module, "_records", then_write)
    assert read_journal(path).step.tolist() == list(range(6))


def test_a_journal_is_read_in_chunks_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_CHUNK", 100)
    write(tmp_path / "j", 6)
    assert read_journal(tmp_path / "j").step.tolist() == list(range(6))
    with (tmp_path / "j").open("r+b") as file:
        file.truncate(10 * 2**30)  # holes: they take no room on the disk
    assert read_journal(tmp_path / "j").step.tolist() == list(range(6))


def test_a_tail_of_zeros_as_after_a_power_loss_is_no_row(tmp_path: Path) -> None:
    write(tmp_path / "j", 4)
    with (tmp_path / "j").open("ab") as file:
        file.write(bytes(400))
    assert len(read_journal(tmp_path / "j")) == 4


def header(text: bytes, length: int | None = None) -> bytes:
    prefix = struct.pack("<8sII", b"LRWJRNL1", length or 16 + len(text), zlib.crc32(text))
    return prefix + text


@pytest.mark.parametrize(
    "content",
    [
        header(b"{}"),
        header(b"[1]"),
        header(b"\xff\xfe"),
        header(b'{"columns": "abc"}', 2**31),
        header(b'{"columns": 5}'),
        header(b'{"columns": [5]}'),
        header(b'{"columns": ["loss", "loss"]}'),
        header(b'{"columns": ["step"]}'),
        header(b"[" * 100_000),
    ],
)
def test_a_header_that_no_writer_writes_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal-000000000000.bin").write_bytes(content)
    with pytest.raises(RunUnreadable, match=r"^journal-000000000000\.bin (has|is) "):
        read_journal(tmp_path / "journal-000000000000.bin")


@pytest.mark.parametrize("content", [b"garbage that is no journal", b"PK\x03\x04" * 20, b"x"])
def test_garbage_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal-000000000000.bin").write_bytes(content)
    with pytest.raises(RunUnreadable, match=r"journal-000000000000\.bin"):
        read_journal(tmp_path / "journal-000000000000.bin")


def test_a_damaged_header_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "j", 2)
    data = bytearray((tmp_path / "j").read_bytes())
    data[20] ^= 0xFF
    (tmp_path / "j").write_bytes(data)
    with pytest.raises(RunUnreadable, match="damaged header"):
        read_journal(tmp_path / "j")


def test_the_last_record_can_be_replaced(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path / "j", 0, ("loss",))
    journal.append(journal.pack(0, 0, 0, [1.0]))
    journal.append(journal.pack(0, 1, 0, [2.0]))
    journal.replace_last(journal.pack(0, 1, 0, [5.0]))
    journal.append(journal.pack(0, 2, 0, [3.0]))
    assert read_journal(tmp_path / "j").values[:, 0].tolist() == [1.0, 5.0, 3.0]


def test_a_file_that_exists_is_never_taken_over(tmp_path: Path) -> None:
    write(tmp_path / "j", 2)
    with pytest.raises(FileExistsError):
        JournalWriter(tmp_path / "j", 0, ("loss",))
    assert len(read_journal(tmp_path / "j")) == 2


def test_skipped_rows_at_the_start_are_left_out(tmp_path: Path) -> None:
    write(tmp_path / "j", 6)
    assert read_journal(tmp_path / "j", skip_rows=4).step.tolist() == [4, 5]
    assert len(read_journal(tmp_path / "j", skip_rows=9)) == 0


def test_a_journal_without_columns_holds_steps(tmp_path: Path) -> None:
    write(tmp_path / "j", 3, ())
    rows = read_journal(tmp_path / "j")
    assert rows.step.tolist() == [0, 1, 2]
    assert rows.values.shape == (3, 0)
    assert rows.values.dtype == np.float64
