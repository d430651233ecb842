from __future__ import annotations

import os
from pathlib import Path

import pytest

from lrwatch import plain_files as module
from lrwatch.plain_files import read_file, remove_unfinished, replace_file, replacing


def test_a_pipe_makes_nobody_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.json")
    with pytest.raises(OSError, match=r"x\.json is not a plain file"):
        read_file(tmp_path / "x.json")


def test_a_link_is_not_read(tmp_path: Path) -> None:
    replace_file(tmp_path / "x.json", b"1")
    (tmp_path / "link.json").symlink_to(tmp_path / "x.json")
    with pytest.raises(OSError, match="symbolic links"):
        read_file(tmp_path / "link.json")


def test_a_file_that_is_too_large_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": "bcdef"}')
    with pytest.raises(ValueError, match="more than 10 bytes"):
        read_file(tmp_path / "x.json", most=10)


def test_a_link_is_followed_where_that_is_asked_for_but_not_to_a_pipe(tmp_path: Path) -> None:
    replace_file(tmp_path / "x.json", b"1")
    (tmp_path / "link.json").symlink_to(tmp_path / "x.json")
    assert read_file(tmp_path / "link.json", follow=True) == b"1"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to-pipe.json").symlink_to(tmp_path / "pipe")
    with pytest.raises(OSError, match="is not a plain file"):
        read_file(tmp_path / "to-pipe.json", follow=True)


def test_a_file_written_aside_that_fails_leaves_the_old_one_and_nothing_else(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x"
    path.write_text("old")

    def write() -> None:
        with replacing(path) as aside:
            aside.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_removed_where_a_link_leads(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".precious.tmp").write_text("x")
    (tmp_path / "outbox").symlink_to(elsewhere)
    remove_unfinished(tmp_path / "outbox")
    assert (elsewhere / ".precious.tmp").exists()


def test_nothing_is_written_where_a_link_within_the_alerts_leads(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "done").mkdir(parents=True)
    folder = tmp_path / module.ALERTS_FOLDER
    folder.mkdir()
    (folder / "outbox").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="outbox is a symbolic link"):
        replace_file(folder / "outbox" / "done" / "x.json", b"1")
    assert list((tmp_path / "elsewhere" / "done").iterdir()) == []


def test_a_store_behind_a_link_is_as_good_as_any(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "runs")
    path = tmp_path / "link" / module.ALERTS_FOLDER / "x.json"
    replace_file(path, b"1")
    assert read_file(path) == b"1"


def test_a_link_in_place_of_the_unfinished_file_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "get_ident", lambda: 7)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (tmp_path / f".x.json.{os.getpid()}-7.tmp").symlink_to(elsewhere)
    replace_file(tmp_path / "x.json", b"1")
    assert elsewhere.read_text() == "mine"
    assert read_file(tmp_path / "x.json") == b"1"
