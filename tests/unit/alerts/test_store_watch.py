from __future__ import annotations

import json
import math
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from alert_samples import HandClock, aged, diverge, go_on
from stores import new_writer, write_run

from lrwatch.alert import Alert
from lrwatch.alerts.store_watch import StoreWatch
from lrwatch.alerts.watched_run import WatchedRun
from lrwatch.alerts.watcher_state import JudgedRun, KnownAlert
from lrwatch.errors import RunNotFound
from lrwatch.plain_files import alerts_folder
from lrwatch.store import RunReader

DAY = 86400.0


def watch(
    store: Path,
    clock: HandClock | None = None,
    *,
    earlier: Iterable[Alert] = (),
    judged: dict[str, JudgedRun] | None = None,
) -> StoreWatch:
    return StoreWatch(
        store, max_age=DAY, clock=clock or HandClock(), earlier=earlier, judged=judged
    )


def found(alerts: Iterable[KnownAlert]) -> list[tuple[str, str, str]]:
    return [(seen.run_key, seen.alert.rule, seen.alert.state) for seen in alerts]


def test_a_run_that_diverges_is_seen_while_it_is_written(tmp_path: Path) -> None:
    follow = watch(tmp_path)
    writer = new_writer(tmp_path, "bad")
    go_on(writer, 0, 40)
    assert found(follow.look().alerts) == []
    go_on(writer, 40, 5, loss=math.nan)
    assert found(follow.look().alerts) == [("bad", "diverging", "firing")]
    writer.close("finished")
    assert found(follow.look().alerts) == [("bad", "diverging", "closed")]


def test_a_run_that_ended_long_ago_is_left_alone_however_young_a_copy_it_is(
    tmp_path: Path,
) -> None:
    diverge(tmp_path, status="finished")
    path = tmp_path / "bad" / "run.json"
    info = json.loads(path.read_text())
    path.write_text(json.dumps({**info, "ended_at": time.time() - 2 * DAY}))
    assert watch(tmp_path).look().alerts == ()
    path.write_text(json.dumps({**info, "ended_at": time.time() - DAY / 2}))
    assert found(watch(tmp_path).look().alerts) == [("bad", "diverging", "closed")]


def test_good_runs_are_seen_and_nothing_is_said_of_them(tmp_path: Path) -> None:
    write_run(tmp_path, "good", steps=range(50), values={"loss": [1 / (1 + i) for i in range(50)]})
    seen = watch(tmp_path).look()
    assert seen.alerts == ()
    assert seen.runs["good"].peak_lr == 0.1


def test_a_run_that_has_ended_is_judged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverge(tmp_path, status="finished")
    first = watch(tmp_path)
    view = first.look()
    assert found(view.alerts) == [("bad", "diverging", "closed")]

    def fail(reader: RunReader) -> None:
        raise AssertionError("it is read again")

    monkeypatch.setattr(RunReader, "read_new", fail)
    assert first.look().alerts == ()
    later = watch(tmp_path, judged=dict(view.judged)).look()
    assert later.alerts == ()
    assert set(later.runs) == {"bad"}


def test_a_resumed_run_is_judged_again_and_keeps_its_identity(tmp_path: Path) -> None:
    writer = diverge(tmp_path, status="failed")
    follow = watch(tmp_path)
    ended = follow.look().alerts[0].alert
    path = writer.folder / "run.json"
    path.write_text(path.read_text().replace('"failed"', '"running"'))
    again = follow.look().alerts[0].alert
    assert (again.id, again.episode) == (ended.id, ended.episode)
    assert again.state == "firing"


def test_runs_of_long_ago_are_not_looked_at(tmp_path: Path) -> None:
    aged(diverge(tmp_path, "dead").folder, 2 * DAY)
    aged(diverge(tmp_path, "over", status="finished").folder, 2 * DAY)
    view = watch(tmp_path).look()
    assert view.alerts == ()
    assert view.runs == {}
    assert view.keys == {"dead", "over"}


def test_a_run_whose_rows_stop_is_an_alert_until_they_come_again(tmp_path: Path) -> None:
    clock = HandClock()
    follow = watch(tmp_path, clock)
    writer = new_writer(tmp_path, "stuck")
    go_on(writer, 0, 40)
    follow.look()
    clock.now += 290
    assert found(follow.look().alerts) == []
    clock.now += 20
    view = follow.look()
    assert found(view.alerts) == [("stuck", "no_data", "firing")]
    assert view.alerts[0].run_state == "silent"
    assert "No new rows for" in view.alerts[0].alert.reason
    assert "step 39" in view.alerts[0].alert.reason
    go_on(writer, 40, 1)
    view = follow.look()
    assert found(view.alerts) == [("stuck", "no_data", "resolved")]
    assert view.alerts[0].run_state == "running"


def test_a_run_that_made_all_its_steps_may_rest(tmp_path: Path) -> None:
    go_on(new_writer(tmp_path, "done", total_steps=40), 0, 40)
    go_on(new_writer(tmp_path, "stuck", total_steps=41), 0, 40)
    for name in ("done", "stuck"):
        aged(tmp_path / name, 400)
    assert found(watch(tmp_path).look().alerts) == [("stuck", "no_data", "firing")]


@pytest.mark.slow
def test_a_heap_of_runs_that_have_ended_does_not_hold_up_live_ones(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        diverge(tmp_path, name, status="finished")
    diverge(tmp_path, "live")
    follow = watch(tmp_path)
    seen = [[s.run_key for s in follow.look(seconds=0).alerts] for _ in range(4)]
    assert seen == [["live", "a"], ["live", "b"], ["live", "c"], ["live"]]


def test_a_store_that_is_a_run_is_watched_too(tmp_path: Path) -> None:
    folder = diverge(tmp_path, status="finished").folder
    follow = watch(folder)
    assert found(follow.look().alerts) == [(".", "diverging", "closed")]
    alerts_folder(folder).mkdir()  # what the watcher writes is no sign of life of the run
    assert follow.look().alerts == ()


def test_a_second_silence_is_a_second_episode(tmp_path: Path) -> None:
    clock = HandClock()
    follow = watch(tmp_path, clock)
    writer = new_writer(tmp_path, "stuck")
    for episode in (1, 2):
        go_on(writer, 40 * episode, 40)
        follow.look()
        clock.now += 400
        assert follow.look().alerts[0].alert.episode == episode


def test_a_silence_after_an_end_is_a_second_episode(tmp_path: Path) -> None:
    clock = HandClock()
    follow = watch(tmp_path, clock)
    writer = new_writer(tmp_path, "stuck")
    go_on(writer, 0, 40)
    follow.look()
    clock.now += 400
    follow.look()
    writer.close("failed")
    follow.look()
    path = writer.folder / "run.json"
    path.write_text(path.read_text().replace('"failed"', '"running"'))
    follow.look()
    clock.now += 400
    alert = follow.look().alerts[0].alert
    assert (alert.rule, alert.state, alert.episode) == ("no_data", "firing", 2)


def test_a_watcher_that_comes_later_judges_silence_by_the_age_of_files(tmp_path: Path) -> None:
    writer = new_writer(tmp_path, "stuck")
    go_on(writer, 0, 40)
    assert found(watch(tmp_path).look().alerts) == []
    aged(writer.folder, 400)
    assert found(watch(tmp_path).look().alerts) == [("stuck", "no_data", "firing")]


def test_silence_goes_on_with_the_episode_of_the_watcher_before(tmp_path: Path) -> None:
    writer = new_writer(tmp_path, "stuck")
    go_on(writer, 0, 40)
    aged(writer.folder, 400)
    before = watch(tmp_path).look().alerts[0].alert
    after = watch(tmp_path, earlier=[before])
    assert after.look().alerts[0].alert == before
    go_on(writer, 40, 1)
    assert found(after.look().alerts) == [("stuck", "no_data", "resolved")]


def test_a_process_that_is_gone_is_told_from_one_that_hangs(tmp_path: Path) -> None:
    writer = new_writer(tmp_path, "killed")
    go_on(writer, 0, 40)
    lock = writer.folder / "writer.lock"
    content = json.loads(lock.read_text())
    lock.write_text(json.dumps({**content, "pid": 2**22 + 1}))
    aged(writer.folder, 40)
    alert = watch(tmp_path).look().alerts[0].alert
    assert alert.rule == "no_data"
    assert alert.reason.startswith("Its process is gone")


def test_a_run_that_ends_after_a_silence_is_heard_of_again(tmp_path: Path) -> None:
    clock = HandClock()
    follow = watch(tmp_path, clock)
    writer = new_writer(tmp_path, "stuck")
    go_on(writer, 0, 40)
    follow.look()
    clock.now += 400
    follow.look()
    writer.close("finished")
    assert found(follow.look().alerts) == [("stuck", "no_data", "resolved")]


def test_a_run_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    broken = write_run(tmp_path, "broken")
    (broken / "run.json").write_text("{")
    aged(broken, 60)
    diverge(tmp_path)
    alerts = watch(tmp_path).look().alerts
    assert found(alerts) == [("bad", "diverging", "firing"), ("broken", "unreadable", "firing")]
    reason = alerts[1].alert.reason
    assert reason.startswith("run.json cannot be read as JSON")
    assert str(tmp_path) not in reason


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are Unicode")
def test_a_folder_whose_name_is_not_utf8_is_watched_like_any_other(tmp_path: Path) -> None:
    broken = write_run(tmp_path, "bad").rename(tmp_path / "bad-\udcff")
    (broken / "run.json").write_text("{")
    aged(broken, 60)
    assert found(watch(tmp_path).look().alerts) == [("bad-\udcff", "unreadable", "firing")]


def test_a_run_that_cannot_be_watched_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    diverge(tmp_path, "a-odd")
    diverge(tmp_path, "bad")
    settle = WatchedRun.settle

    def fail_for_one(run: WatchedRun) -> None:
        if run.entry.key == "a-odd":
            raise ZeroDivisionError("what nobody thought of")
        settle(run)

    monkeypatch.setattr(WatchedRun, "settle", fail_for_one)
    follow = watch(tmp_path)
    for _ in range(2):
        assert found(follow.look().alerts) == [("bad", "diverging", "firing")]
    assert caplog.text.count("cannot be watched") == 1


def test_a_copy_of_a_run_that_goes_on_is_not_missed(tmp_path: Path) -> None:
    run = write_run(tmp_path, "live", status=None)
    copy = shutil.copytree(run, tmp_path / "backup")
    aged(copy, 7200)
    view = watch(tmp_path).look()
    assert view.alerts == ()
    assert set(view.runs) == {"live"}
    assert view.keys == {"live", "backup"}


def test_a_run_that_stops_is_missed_once_though_it_was_copied(tmp_path: Path) -> None:
    run = write_run(tmp_path, "live", status=None)
    copy = shutil.copytree(run, tmp_path / "backup")
    aged(run, 7200)
    aged(copy, 9000)
    assert found(watch(tmp_path).look().alerts) == [("live", "no_data", "firing")]


def test_a_copy_from_the_future_hides_nothing(tmp_path: Path) -> None:
    writer = diverge(tmp_path, "live")
    aged(shutil.copytree(writer.folder, tmp_path / "skewed"), -7200)
    aged(writer.folder, 100)
    assert ("live", "diverging", "firing") in found(watch(tmp_path).look().alerts)


def test_a_run_that_has_ended_is_judged_though_a_copy_of_it_goes_on(tmp_path: Path) -> None:
    writer = diverge(tmp_path, "ended")
    copy = shutil.copytree(writer.folder, tmp_path / "resumed")
    writer.close("failed")
    aged(writer.folder, 600)
    aged(copy, 1)
    seen = found(watch(tmp_path).look().alerts)
    assert ("ended", "diverging", "closed") in seen


def test_what_is_unreadable_for_a_moment_is_no_alert(tmp_path: Path) -> None:
    clock = HandClock()
    follow = watch(tmp_path, clock)
    writer = new_writer(tmp_path, "young")
    content = (writer.folder / "run.json").read_text()
    (writer.folder / "run.json").write_text("{")
    assert found(follow.look().alerts) == []
    (writer.folder / "run.json").write_text(content)
    clock.now += 60
    assert found(follow.look().alerts) == []


def test_a_part_that_is_damaged_is_unreadable(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "damaged")
    part = next((folder / "steps").glob("*.parquet"))
    part.write_bytes(b"PAR1 nonsense")
    aged(folder, 60)
    assert found(watch(tmp_path).look().alerts) == [("damaged", "unreadable", "firing")]


def test_a_fault_in_judging_is_said_and_not_tried_at_every_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = HandClock()
    calls: list[int] = []

    def fail(reader: RunReader) -> None:
        calls.append(1)
        raise ZeroDivisionError("what nobody thought of")

    monkeypatch.setattr(RunReader, "read_new", fail)
    folder = write_run(tmp_path, "odd", status=None)
    aged(folder, 60)
    follow = watch(tmp_path, clock)
    for _ in range(3):
        alert = follow.look().alerts[0].alert
        clock.now += 1
    assert alert.rule == "unreadable"
    assert "ZeroDivisionError" in alert.reason
    assert len(calls) == 1
    assert "cannot judge the run" in caplog.text


def test_another_run_in_the_same_folder_begins_anew(tmp_path: Path) -> None:
    follow = watch(tmp_path)
    first = diverge(tmp_path)
    bad = follow.look().alerts[0].alert
    first.abandon()
    shutil.rmtree(first.folder)
    second = diverge(tmp_path, "other")
    second.folder.rename(first.folder)
    good = follow.look().alerts[0].alert
    assert good.id != bad.id


def test_a_run_that_vanishes_is_forgotten(tmp_path: Path) -> None:
    follow = watch(tmp_path)
    writer = diverge(tmp_path)
    follow.look()
    writer.abandon()
    shutil.rmtree(writer.folder)
    view = follow.look()
    assert (view.alerts, view.keys) == ((), frozenset())


def test_a_store_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound):
        watch(tmp_path / "nowhere").look()
