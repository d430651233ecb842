"""One run followed: by whatever reads it, one number for each question."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from alert_samples import HandClock, aged
from stores import new_writer, row, write_run

from lrwatch.following import FollowedRun, FollowedStore, judged
from lrwatch.monitor import Monitor
from lrwatch.records import RunInfo
from lrwatch.store import RunEntry, RunReader, list_runs
from lrwatch.store.writer import RunWriter
from lrwatch.verdicts import Alarm


def follow(entry: RunEntry, clock: HandClock | None = None) -> FollowedRun[Alarm]:
    return FollowedRun(entry, lambda info: Monitor(total_steps=info.total_steps), clock=clock)


def entry_of(store: Path) -> RunEntry:
    (entry,) = list_runs(store)
    return entry


def go_on(writer: RunWriter, n: int, gap: float = 1.0, **values: float) -> None:
    for step in range(writer.n_rows, writer.n_rows + n):
        one = row(step, writer, **{"loss": 2.0 / (1 + step), **values})
        writer.append(one._replace(time=int(1e15 + step * gap * 1e6)))


def test_its_numbers_are_those_of_all_rows(tmp_path: Path) -> None:
    rates = [0.1, 0.4, 0.2, 0.1, math.inf]
    losses = [4.0, math.nan, 1.0, 3.0, 2.0]
    write_run(tmp_path, steps=range(5), values={"lr": rates, "loss": losses})
    summary = judged(entry_of(tmp_path)).summary
    assert (summary.peak_lr, summary.first_loss, summary.last_loss) == (0.4, 4.0, 2.0)
    assert (summary.best_loss, summary.is_broken, summary.last_step) == (1.0, True, 4)


@pytest.mark.slow
def test_a_look_judges_a_bounded_number_of_rows_if_asked_to(tmp_path: Path) -> None:
    write_run(tmp_path, steps=range(100))
    run = follow(entry_of(tmp_path))
    run.advance(max_rows=60)
    assert (run.summary.n_rows, run.is_behind, run.diagnosis) == (60, True, None)
    run.advance(max_rows=60)
    assert (run.summary.n_rows, run.is_behind) == (100, False)
    assert run.diagnosis == judged(entry_of(tmp_path)).diagnosis


@pytest.mark.slow
def test_a_deadline_stops_after_some_rows(tmp_path: Path) -> None:
    write_run(tmp_path, steps=range(50_000))
    run = follow(entry_of(tmp_path))
    run.advance(deadline=0.0)
    assert 0 < run.summary.n_rows < 50_000
    while run.is_behind:
        run.advance(deadline=0.0)
    assert run.diagnosis == judged(entry_of(tmp_path)).diagnosis


def test_the_news_are_what_the_judge_says(tmp_path: Path) -> None:
    writer = new_writer(tmp_path, "bad")
    go_on(writer, 60)
    run = follow(entry_of(tmp_path))
    assert run.advance() == []
    go_on(writer, 60, loss=math.nan)
    assert [alarm.verdict for alarm in run.advance()] == ["diverging"]
    assert run.advance() == []


def test_an_error_of_ours_is_named_and_tried_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_run(tmp_path, steps=range(100))
    clock = HandClock()
    run = follow(entry_of(tmp_path), clock)
    with monkeypatch.context() as patch:
        patch.setattr(Monitor, "update", lambda *_: 1 / 0)
        assert run.advance() == []
    assert run.has_failed
    assert run.problem == "cannot be judged: ZeroDivisionError: division by zero"
    assert caplog.text.count("cannot judge the run") == 1
    assert not run.needs_work()
    clock.now += 61
    assert run.needs_work()
    run.advance()
    assert (run.problem, run.has_failed, run.summary.n_rows) == ("", False, 100)


def test_what_cannot_be_read_is_named_and_what_was_read_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = new_writer(tmp_path, "run")
    go_on(writer, 60)
    run = follow(entry_of(tmp_path))
    run.advance()
    with monkeypatch.context() as patch:

        def fail(_: RunReader) -> None:
            raise PermissionError(13, "Permission denied", f"{tmp_path}/run/journal-0.bin")

        patch.setattr(RunReader, "read_new", fail)
        run.advance()
    assert run.problem == "journal-0.bin cannot be read: Permission denied"
    assert run.summary.n_rows == 60
    assert run.diagnosis is not None
    go_on(writer, 5)
    run.advance()
    assert (run.problem, run.summary.n_rows) == ("", 65)


@pytest.mark.parametrize("status", ["finished", "interrupted", "failed"])
def test_a_run_that_has_ended_is_in_the_state_that_it_says(tmp_path: Path, status: str) -> None:
    write_run(tmp_path, status=status)
    assert judged(entry_of(tmp_path)).state == status


def test_without_a_description_a_run_is_unreadable(tmp_path: Path) -> None:
    (write_run(tmp_path) / "run.json").write_text("{")
    run = judged(entry_of(tmp_path))
    assert (run.state, run.diagnosis) == ("unreadable", None)
    assert run.problem.startswith("run.json")


@pytest.mark.parametrize(("gap", "patience"), [(1.0, 300.0), (60.0, 1200.0)])
def test_a_run_is_silent_after_many_of_its_gaps_and_not_before(
    tmp_path: Path, gap: float, patience: float
) -> None:
    writer = new_writer(tmp_path, "run")
    go_on(writer, 60, gap)
    clock = HandClock()
    run = follow(entry_of(tmp_path), clock)
    run.advance()
    states = []
    for seconds in (patience - 5, 10):
        clock.now += seconds
        states.append(run.state)
    assert states == ["running", "silent"]


def test_a_run_whose_process_is_gone_is_silent_sooner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = new_writer(tmp_path, "run")
    go_on(writer, 60)
    clock = HandClock()
    run = follow(entry_of(tmp_path), clock)
    run.advance()
    clock.now += 40
    states = [run.state]
    monkeypatch.setattr("lrwatch.following.run.writer_is_gone", lambda _: True)
    states.append(run.state)
    assert states == ["running", "silent"]


def test_a_run_that_made_all_its_steps_may_rest(tmp_path: Path) -> None:
    writer = new_writer(tmp_path, "run", total_steps=60)
    go_on(writer, 60)
    clock = HandClock()
    run = follow(entry_of(tmp_path), clock)
    run.advance()
    clock.now += 4000
    assert run.state == "running"


def test_at_rest_it_keeps_what_it_found_until_the_run_goes_on(tmp_path: Path) -> None:
    writer = new_writer(tmp_path, "run")
    go_on(writer, 60)
    aged(writer.folder, 3600)
    run = follow(entry_of(tmp_path))
    run.advance()
    assert run.can_rest()
    found = run.diagnosis
    assert found is not None
    run.rest_on(run.summary, found)
    assert (run.judge, run.diagnosis, run.summary.n_rows) == (None, found, 60)
    assert not run.can_rest()
    go_on(writer, 60)
    run.relist(entry_of(tmp_path))
    assert run.needs_work()
    run.advance()
    assert (run.summary.n_rows, run.is_resting) == (120, False)
    assert run.diagnosis == judged(entry_of(tmp_path)).diagnosis


def test_a_store_keeps_the_follower_of_a_run_and_drops_that_of_another(tmp_path: Path) -> None:
    write_run(tmp_path, "a")
    write_run(tmp_path, "b")
    store = FollowedStore(tmp_path, follow)
    assert store.relist() == []
    first = dict(store.runs)
    assert store.relist() == []
    assert store.runs == first
    (tmp_path / "b").rename(tmp_path / "c")
    (gone,) = store.relist()
    assert gone is first["b"]
    assert store.runs["a"] is first["a"]
    assert set(store.runs) == {"a", "c"}


def test_another_run_in_the_same_folder_is_another_run(tmp_path: Path) -> None:
    write_run(tmp_path, "a")
    store = FollowedStore(tmp_path, follow)
    store.relist()
    known = store.runs["a"]
    text = (tmp_path / "a" / "run.json").read_text()
    (tmp_path / "a" / "run.json").write_text(text.replace("id-a", "another"))
    assert store.relist() == [known]
    assert store.runs["a"].run_id == "another"


def test_a_description_that_is_unreadable_for_a_while_is_the_same_run(tmp_path: Path) -> None:
    write_run(tmp_path, "a")
    store = FollowedStore(tmp_path, follow)
    store.relist()
    known = store.runs["a"]
    path = tmp_path / "a" / "run.json"
    text = path.read_text()
    path.write_text("{")
    assert store.relist() == []
    assert known.problem
    path.write_text(text)
    assert store.relist() == []
    assert store.runs["a"] is known
    assert known.problem == ""


def test_a_damaged_row_costs_that_row_and_is_named(tmp_path: Path) -> None:
    writer = new_writer(tmp_path, "run")
    go_on(writer, 60)
    journal = next(writer.folder.glob("journal-*.bin"))
    content = bytearray(journal.read_bytes())
    content[-20 * (24 + 8 * 6)] ^= 1
    journal.write_bytes(content)
    run = judged(entry_of(tmp_path))
    assert (run.summary.n_rows, run.problem) == (59, "")
    assert run.damage == "1 row is damaged and left out"


def test_a_run_of_another_description_is_judged_with_its_plan(tmp_path: Path) -> None:
    write_run(tmp_path, total_steps=7)
    seen: list[RunInfo] = []

    def judge(info: RunInfo) -> Monitor:
        seen.append(info)
        return Monitor(total_steps=info.total_steps)

    run: FollowedRun[Alarm] = FollowedRun(entry_of(tmp_path), judge)
    run.advance()
    assert [info.total_steps for info in seen] == [7]
