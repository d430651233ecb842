from __future__ import annotations

from pathlib import Path

from lrwatch.store.layout import extents, journal_path, part_path


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def spans(run: Path) -> list[tuple[int, int | None, int, str]]:
    return [(e.first, e.stop, e.base, e.path.suffix) for e in extents(run)]


def test_parts_come_before_the_open_journal(tmp_path: Path) -> None:
    touch(part_path(tmp_path, 0, 10), part_path(tmp_path, 10, 30), journal_path(tmp_path, 30))
    assert spans(tmp_path) == [
        (0, 10, 0, ".parquet"),
        (10, 30, 10, ".parquet"),
        (30, None, 30, ".bin"),
    ]


def test_a_part_within_a_merged_one_counts_no_longer(tmp_path: Path) -> None:
    touch(part_path(tmp_path, 0, 10), part_path(tmp_path, 10, 30), part_path(tmp_path, 0, 30))
    assert spans(tmp_path) == [(0, 30, 0, ".parquet")]


def test_a_journal_that_became_a_part_counts_no_longer(tmp_path: Path) -> None:
    touch(part_path(tmp_path, 0, 10), journal_path(tmp_path, 0), journal_path(tmp_path, 10))
    assert spans(tmp_path) == [(0, 10, 0, ".parquet"), (10, None, 10, ".bin")]


def test_the_last_journal_gives_only_rows_that_no_part_has(tmp_path: Path) -> None:
    touch(part_path(tmp_path, 0, 10), journal_path(tmp_path, 0))
    assert spans(tmp_path) == [(0, 10, 0, ".parquet"), (10, None, 0, ".bin")]


def test_of_two_journals_the_later_one_is_right(tmp_path: Path) -> None:
    touch(journal_path(tmp_path, 0), journal_path(tmp_path, 7))
    assert spans(tmp_path) == [(0, 7, 0, ".bin"), (7, None, 7, ".bin")]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    touch(
        tmp_path / "steps" / ".part-000000000000-000000000010.parquet.7.tmp",
        tmp_path / "steps" / "notes.txt",
        tmp_path / "steps" / "part-1.parquet",
        tmp_path / ".journal-000000000000.bin.7.tmp",
    )
    assert extents(tmp_path) == []


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert extents(tmp_path / "nowhere") == []
