"""What ranks write, and what is said of them, without processes: a clock and files by hand."""

from __future__ import annotations

import json
import logging
import math
import os
import socket
from pathlib import Path
from typing import Any

import pytest

import lrwatch
from lrwatch.errors import RunNotFound
from lrwatch.ranks import rank_states, said_of_ranks
from lrwatch.ranks.files import attempts, new_attempt, rank_path, status_path
from lrwatch.ranks.meeting import join, summary_of
from lrwatch.ranks.writing import RankWriter
from lrwatch.records import NULL
from lrwatch.store.journal import read_journal
from lrwatch.system import process_mark


@pytest.fixture
def run(tmp_path: Path) -> Path:
    with lrwatch.open_run(dir=tmp_path, name="job", alerts=None) as opened:
        opened.record(loss=1.0, lr=0.1)
    return opened.path


def written(
    run: Path, losses: list[list[float]], *, seconds: list[float] | None = None, every: int = 1
) -> list[RankWriter]:
    """Write the losses of each rank; a step takes a second."""
    attempt = new_attempt(run)
    writers = [RankWriter(rank, len(losses), every) for rank in range(len(losses))]
    for rank, writer in enumerate(writers):
        writer.settle(attempt, 0)
        before = NULL if seconds is None else seconds[rank]
        for step, loss in enumerate(losses[rank]):
            writer.take(step, (step + 1) * 1_000_000, (loss, 2.0, before))
        writer.beat(is_in_backward=False)
    return writers


def say(run: Path, rank: int, **said: Any) -> None:
    """Have a rank say something else of itself."""
    path = status_path(rank_path(attempts(run)[-1], rank))
    path.write_text(json.dumps({**json.loads(path.read_text()), **said}))


def test_a_row_is_a_stretch_of_steps_and_tells_the_last_one(run: Path) -> None:
    written(run, [[4.0, 2.0, 3.0, 3.0, 8.0]], every=3)
    frame = lrwatch.read_ranks(run)
    assert frame["step"].tolist() == [2, 4]
    assert frame["loss"].tolist() == [3.0, 5.5]
    assert frame["seconds"].tolist() == [1.0, 1.0]
    assert rank_states(run)[0].step == 4


def test_a_loss_of_nan_stays_and_one_that_is_missing_does_not_count(run: Path) -> None:
    written(run, [[1.0, math.nan], [1.0, NULL]], every=2)
    assert lrwatch.read_ranks(run)["loss"].tolist() == pytest.approx([math.nan, 1.0], nan_ok=True)
    by_step = lrwatch.read_ranks(run, by_step=True)
    assert math.isnan(by_step["loss_mean"][0])  # and not the mean of the others


def test_a_file_stays_small_however_long_the_run_is(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.ranks.writing._ROWS_OF_A_PACE", 10)
    written(run, [[1.0] * 1_000])
    rows = read_journal(rank_path(attempts(run)[-1], 0))
    assert len(rows) < 80
    assert rows.step[-1] == 999


def test_steps_before_it_is_known_where_to_write_are_kept(run: Path) -> None:
    writer = RankWriter(1, 2, 1)
    for step in range(3):
        writer.take(step, step + 1, (float(step), 1.0, NULL))
    writer.settle(new_attempt(run), 100)  # the first process goes on with a run
    writer.take(3, 4, (3.0, 1.0, NULL))
    frame = lrwatch.read_ranks(run)
    assert frame["step"].tolist() == [100, 101, 102, 103]
    assert frame["loss"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_what_a_later_start_made_again_does_not_count(run: Path) -> None:
    written(run, [[1.0] * 6, [1.0] * 6])
    again = new_attempt(run)
    writer = RankWriter(0, 1, 1)
    writer.settle(again, 0)
    for step in (4, 5):
        writer.take(step, step, (9.0, 1.0, NULL))
    frame = lrwatch.read_ranks(run)
    assert frame[frame["rank"] == 0]["loss"].tolist() == [1.0] * 4 + [9.0] * 2
    assert frame["attempt"].unique().tolist() == [1, 2]
    assert len(frame[frame["rank"] == 1]) == 4


def test_a_disk_that_refuses_is_told_of_once(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    attempt = new_attempt(run)
    rank_path(attempt, 0).mkdir()
    writer = RankWriter(0, 1, 1)
    writer.settle(attempt, 0)
    with caplog.at_level(logging.WARNING, "lrwatch"):
        for step in range(3):
            writer.take(step, step, (1.0, 1.0, NULL))
    assert [record.getMessage()[:22] for record in caplog.records] == ["rank 0 is not recorded"]
    assert writer.is_over


def test_files_of_others_are_passed_over(run: Path) -> None:
    written(run, [[1.0, 2.0]])
    attempt = attempts(run)[-1]
    (attempt / "rank-00001.bin").write_bytes(b"something else" * 10)
    (attempt / "rank-0000a.bin").write_text("")
    status_path(rank_path(attempt, 0)).write_text('{"pid": "x", "host": 3}')
    (run / "ranks" / "notes").mkdir()
    assert lrwatch.read_ranks(run)["loss"].tolist() == [1.0, 2.0]
    assert [state.rank for state in rank_states(run)] == [0, 1]


def test_a_run_without_ranks_has_none(run: Path, tmp_path: Path) -> None:
    assert list(lrwatch.read_ranks(run)["loss"]) == []
    assert list(lrwatch.read_ranks(run, by_step=True)["loss_mean"]) == []
    assert said_of_ranks(run) == ""
    with pytest.raises(RunNotFound, match="is not a run"):
        lrwatch.read_ranks(tmp_path / "none")


class Board:
    """The store of the processes, in one."""

    def __init__(self) -> None:
        self.said: dict[str, bytes] = {}

    def set(self, key: str, value: str) -> None:
        self.said[key] = value.encode()

    def get(self, key: str) -> bytes:
        return self.said[key]

    def check(self, keys: list[str]) -> bool:
        return all(key in self.said for key in keys)


def test_ranks_find_the_run_of_the_one_that_has_it(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lrwatch.capture.step_clock import StepClock
    from lrwatch.ranks import meeting

    chores: list[Any] = []
    monkeypatch.setattr(meeting, "now_and_then", chores.append)
    board, writers = Board(), [RankWriter(rank, 2, 1) for rank in range(2)]
    for rank in (1, 0):  # each counts its runs by itself
        monkeypatch.setattr(meeting, "_numbers", iter([7]))
        join(writers[rank], StepClock(), board, run=run if rank == 0 else None, first_step=5)
        if rank == 1:
            assert chores[0]() < 1  # it looks again soon
    for chore in chores:
        chore()
    for writer in writers:
        writer.take(5 if writer.rank == 0 else 0, 1, (1.0, 1.0, NULL))
    assert [state.step for state in rank_states(run)] == [5, 5]
    writers[1].close("finished")
    assert chores[0]() is None


def test_command_and_page_say_it(run: Path) -> None:
    from click.testing import CliRunner
    from lrwatch_dashboard.data.run_store import RunStore

    from lrwatch.cli.program import program

    written(run, [[1.0] * 9, [1.0] * 3])
    said = "2 ranks; rank 1 stopped after step 2, others went on to step 8"
    assert said in CliRunner().invoke(program, ["show", str(run)]).output
    view = RunStore(run.parent).run("job")
    assert view is not None
    assert view.job["ranks"] == said


class TestWords:
    def test_who_is_slow(self, run: Path) -> None:
        written(run, [[1.0] * 5] * 4, seconds=[0.1, 0.1, 0.3, 0.1])
        assert said_of_ranks(run) == (
            "4 ranks; rank 2 is slowest: 0.3 s for data and forward, "
            "3 times the median of the others"
        )
        assert summary_of(run) == pytest.approx(
            {
                "rank_loss/min": 1.0,
                "rank_loss/mean": 1.0,
                "rank_loss/max": 1.0,
                "rank_seconds/median": 0.1,
                "rank_seconds/max": 0.3,
                "slowest_rank": 2.0,
            }
        )

    def test_who_failed_first(self, run: Path) -> None:
        written(run, [[1.0] * 3] * 3)
        say(run, 1, status="failed", error="ValueError: x", time=10.0)
        say(run, 0, status="failed", error="RuntimeError: gloo", time=12.0)
        assert said_of_ranks(run) == (
            "3 ranks; rank 1 failed after step 2: ValueError: x; then rank 0"
        )

    def test_who_was_killed_while_others_failed_for_want_of_it(self, run: Path) -> None:
        written(run, [[1.0] * 3] * 3)
        say(run, 0, status="failed", error="RuntimeError: gloo")
        say(run, 2, status="failed", error="RuntimeError: gloo")
        say(run, 1, started="long ago")
        expected = "3 ranks; rank 1 ended without a word after step 2; ranks 0, 2 failed"
        if process_mark(os.getpid()):  # else a number alone tells nothing
            assert said_of_ranks(run) == expected

    def test_who_stopped_while_others_went_on(self, run: Path) -> None:
        written(run, [[1.0] * 9, [1.0] * 3, [1.0] * 9])
        assert said_of_ranks(run) == (
            "3 ranks; rank 1 stopped after step 2, others went on to step 8"
        )

    def test_whom_the_others_wait_for(self, run: Path) -> None:
        written(run, [[1.0] * 3] * 3)
        for rank in range(3):
            say(run, rank, time=1_000.0, is_in_backward=rank != 1)
        assert said_of_ranks(run) == ("3 ranks; rank 1 has not come to `backward`, others wait")

    def test_that_all_stopped(self, run: Path) -> None:
        written(run, [[1.0] * 3] * 2)
        for rank in range(2):
            say(run, rank, started="long ago")
        if process_mark(os.getpid()):
            assert said_of_ranks(run) == "2 ranks; all of them stopped after step 2"

    def test_of_another_machine_nothing_is_guessed(self, run: Path) -> None:
        written(run, [[1.0] * 3] * 2)
        assert socket.gethostname() != "elsewhere"
        for rank in range(2):
            say(run, rank, started="long ago", host="elsewhere", n_ranks=4)
        assert said_of_ranks(run) == "4 ranks; 2 of them not seen"
