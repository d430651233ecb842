"""``lrwatch push``: what waits in the spool, and any runs of this machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

import lrwatch
from lrwatch.cli import main
from lrwatch.uploading import local_store
from lrwatch.uploading.pushing import Errand, push


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LRWATCH_SPOOL", str(tmp_path / "spool"))
    return (tmp_path / "there").as_uri()


def recorded(store: Path, name: str, n: int = 5) -> Path:
    with lrwatch.open_run(dir=store, name=name, alerts=False) as run:
        for _ in range(n):
            run.record(loss=1.0)
    return run.path


def steps(run: Path) -> list[int]:
    return lrwatch.read(run)["step"].tolist()


def test_what_waits_in_the_spool_is_sent_and_removed(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = local_store(address)
    # As a process that was killed leaves it: nobody carries a run that was moved there.
    left = [Path(shutil.copytree(recorded(tmp_path / "here", n), store / n)) for n in "ab"]
    assert main(["push"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines() == [f"{run} -> {address}/{run.name}: 5 new rows" for run in left]
    assert steps(tmp_path / "there/a") == steps(tmp_path / "there/b") == list(range(5))
    assert not any(run.exists() for run in left)
    assert main(["push"]) == 0
    assert capsys.readouterr().out == "nothing waits to be sent\n"


def test_a_kill_while_what_was_sent_is_removed_leaves_no_half_a_run(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(folder: Path, **_: object) -> None:
        (folder / "run.json").unlink()
        raise KeyboardInterrupt

    store = local_store(address)
    for name in "ab":
        shutil.copytree(recorded(tmp_path / "here", name), store / name)
    with monkeypatch.context() as dying:
        dying.setattr("lrwatch.uploading.spool.shutil", SimpleNamespace(rmtree=killed))
        with pytest.raises(KeyboardInterrupt):
            push(Errand(store / "a", address))
    assert main(["push"]) == 0
    assert [path.name for path in store.iterdir()] == [".address"]
    assert steps(tmp_path / "there/a") == steps(tmp_path / "there/b") == list(range(5))


@pytest.mark.slow
def test_any_folder_of_runs_is_sent_and_stays(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(tmp_path / "runs", "a")
    recorded(tmp_path / "runs" / "sweep", "b")
    assert main(["tag", str(tmp_path / "runs/a"), "keep"]) == 0
    assert main(["push", str(tmp_path / "runs"), address]) == 0
    assert steps(tmp_path / "there/a") == steps(tmp_path / "there/sweep/b") == list(range(5))
    assert (tmp_path / "there/a/labels.json").read_bytes() == (
        tmp_path / "runs/a/labels.json"
    ).read_bytes()
    capsys.readouterr()
    assert main(["push", str(tmp_path / "runs"), address]) == 0
    assert all(": 0 new rows" in line for line in capsys.readouterr().out.splitlines())
    assert steps(tmp_path / "runs/a") == list(range(5))


@pytest.mark.slow
def test_a_run_that_is_being_written_is_sent_as_far_as_it_is(address: str, tmp_path: Path) -> None:
    run = lrwatch.open_run(dir=tmp_path / "runs", name="a", alerts=False)
    for n in (5, 3):
        for _ in range(n):
            run.record(loss=1.0)
        pushed = push(Errand(run.path, address))
        assert (pushed.problem, pushed.is_done) == ("", False)
        assert steps(tmp_path / "there/a") == list(range(run.next_step - 1))
    run.finish()
    assert push(Errand(run.path, address)).is_done
    assert steps(tmp_path / "there/a") == list(range(8))


def test_a_copy_with_fewer_rows_does_not_take_the_run_over(address: str, tmp_path: Path) -> None:
    run = lrwatch.open_run(dir=tmp_path / "runs", name="a", alerts=False)
    for _ in range(5):
        run.record(loss=1.0)
    copy = shutil.copytree(run.path, tmp_path / "copy" / "a")
    for _ in range(5):
        run.record(loss=1.0)
    push(Errand(run.path, address))
    (copy / "writer.lock").unlink()
    assert "has 9 rows" in push(Errand(copy, address)).problem
    run.finish()
    assert push(Errand(run.path, address)).is_done
    assert steps(tmp_path / "there/a") == list(range(10))


def test_what_cannot_be_sent_is_said_in_a_line(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = recorded(tmp_path / "runs", "a")
    (tmp_path / "empty").mkdir()
    for arguments, said in (
        ([str(tmp_path / "none"), address], "there is no run"),
        ([str(run)], "belongs to no address"),
        ([str(run), "elsewhere"], "an address such as"),
        ([str(run), "nowhere://x"], "nowhere"),
    ):
        assert main(["push", *arguments]) == 2
        captured = capsys.readouterr()
        assert said in captured.err
        assert len(captured.err.splitlines()) == 1
    assert main(["push", str(tmp_path / "empty"), address]) == 0
    (run / "run.json").write_text("{")
    assert main(["push", str(run), address]) == 2
    assert "run.json cannot be read as JSON" in capsys.readouterr().err
