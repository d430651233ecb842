from __future__ import annotations

import dataclasses
import math
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
from alert_samples import an_alert
from lrwatch_dashboard.data import RunStore, envelope, loaded_run, run_store, sibling_views
from lrwatch_dashboard.views import RunView
from patience import ending_within
from stores import new_writer, row, write_run

from lrwatch.alert import State
from lrwatch.alerts.run_alerts import RunAlerts
from lrwatch.comparing import SiblingVerdicts, Trial
from lrwatch.detect.schedule_name import name_of
from lrwatch.monitor import Monitor, diagnose
from lrwatch.records import FloatArray
from lrwatch.verdicts import Diagnosis


def _rows(store: RunStore) -> dict[str, RunView]:
    store.refresh()
    return {row.key: row for row in store.overview().rows}


def _falling(n: int) -> dict[str, list[float]]:
    return {"loss": [2.0 * math.exp(-i / 100) + 0.1 for i in range(n)]}


def test_many_runs_are_listed_before_they_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rate in (0.1, 0.2, 0.4):
        write_run(tmp_path, f"sgd-{rate}", steps=range(30), values={"lr": [rate] * 30})
    source, waited_for = RunStore(tmp_path, threaded=False), []

    def of(_: SiblingVerdicts, trials: list[Trial], own: dict[str, Diagnosis]) -> object:
        waited_for.append(source.ready())
        return own

    monkeypatch.setattr(SiblingVerdicts, "of", of)
    monkeypatch.setattr(sibling_views, "_MANY", 2)
    source.refresh()
    assert {*waited_for} == {""}  # compared, and nothing waited for that


def test_a_row_says_what_lrwatch_says_of_the_run(tmp_path: Path) -> None:
    path = write_run(tmp_path, "run", steps=range(300), values=_falling(300))
    said = diagnose(path)
    shown = _rows(RunStore(tmp_path, threaded=False))["run"]
    assert (shown.verdict, shown.reason) == (said.verdict, said.reason)
    assert shown.suggested_lr == said.suggested_lr
    assert (shown.lr, shown.steps, shown.state) == (0.1, 300, "finished")
    # The mean over the last two steps: no single batch is the best of a run.
    best = (2.0 * math.exp(-298 / 100) + 2.0 * math.exp(-299 / 100)) / 2 + 0.1
    assert shown.best_loss == pytest.approx(best)


def test_every_alert_on_the_way_is_known_also_of_a_run_that_rests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_run(tmp_path, "run", steps=range(50))
    states: list[tuple[int, State, int]] = [
        (10, "pending", 0), (12, "firing", 1), (20, "recovering", 1), (25, "resolved", 1),
        (40, "firing", 2),
    ]  # fmt: skip
    told = [
        dataclasses.replace(an_alert(), rule="too_high", state=state, step=step, episode=episode)
        for step, state, episode in states
    ]
    monkeypatch.setattr(RunAlerts, "_update", lambda _self, _rows: iter(told))
    for entry in (path, path / "run.json", path / "steps", *(path / "steps").iterdir()):
        os.utime(entry, (0, 0))
    store = RunStore(tmp_path, threaded=False, cache=tmp_path / "cache")
    expected = [(12, 1, False), (25, 1, True), (40, 2, False)]
    for source in (store, RunStore(tmp_path, threaded=False, cache=tmp_path / "cache")):
        marks = _rows(source)["run"].alert_marks
        assert [(mark.step, mark.episode, mark.is_over) for mark in marks] == expected


@pytest.mark.slow
def test_a_run_read_bit_by_bit_is_judged_as_one_read_whole(tmp_path: Path) -> None:
    writer = new_writer(tmp_path, "run")
    store = RunStore(tmp_path, threaded=False)
    loss = _falling(400)["loss"]
    for step in range(400):
        writer.append(row(step, writer, loss=loss[step]))
        if step % 97 == 0:
            store.refresh()
    writer.close("finished")
    assert _rows(store)["run"].reason == diagnose(writer.folder).reason


def test_only_what_changed_is_handed_out(tmp_path: Path) -> None:
    write_run(tmp_path, "a", steps=range(5))
    write_run(tmp_path, "b", steps=range(5))
    store = RunStore(tmp_path, threaded=False)
    store.refresh()
    whole = store.overview()
    assert whole.whole
    assert not store.overview(whole.token).rows

    write_run(tmp_path, "c", steps=range(5))
    shutil.rmtree(tmp_path / "a")
    store.refresh()
    change = store.overview(whole.token)
    assert (change.whole, [r.key for r in change.rows], change.removed) == (False, ["c"], ("a",))
    assert change.n_runs == 2


@pytest.mark.parametrize("token", ["", "elsewhere:3", "nonsense"])
def test_a_token_of_another_server_gets_the_whole_table(tmp_path: Path, token: str) -> None:
    write_run(tmp_path, "a", steps=range(5))
    store = RunStore(tmp_path, threaded=False)
    store.refresh()
    table = store.overview(token)
    assert table.whole
    assert len(table.rows) == 1


def test_runs_that_cannot_be_read_are_rows_and_the_others_go_on(tmp_path: Path) -> None:
    write_run(tmp_path, "good", steps=range(5))
    (write_run(tmp_path, "no-json", steps=range(5)) / "run.json").write_text("{", encoding="utf-8")
    part = next((write_run(tmp_path, "garbage", steps=range(5)) / "steps").glob("*.parquet"))
    part.write_bytes(b"garbage" * 50)
    rows = _rows(RunStore(tmp_path, threaded=False))
    assert rows["good"].verdict == "insufficient_data"
    assert rows["no-json"].verdict == rows["garbage"].verdict == "unreadable"
    assert "run.json" in rows["no-json"].reason
    assert part.name in rows["garbage"].reason
    assert str(tmp_path) not in rows["no-json"].reason + rows["garbage"].reason


def test_a_bug_in_a_diagnosis_costs_one_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_run(tmp_path, "run", steps=range(5))

    def broken(self: Monitor, rows: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Monitor, "checks", broken)
    shown = _rows(RunStore(tmp_path, threaded=False))["run"]
    assert shown.verdict == "unreadable"
    assert shown.reason.startswith("cannot be judged: ZeroDivisionError")
    assert "cannot judge the run" in caplog.text


def test_an_empty_run_and_one_of_a_single_step_are_not_enough_data(tmp_path: Path) -> None:
    write_run(tmp_path, "empty", steps=[])
    write_run(tmp_path, "one", steps=[0])
    rows = _rows(RunStore(tmp_path, threaded=False))
    assert {row.verdict for row in rows.values()} == {"insufficient_data"}
    assert (rows["empty"].steps, rows["one"].steps) == (0, 1)


def test_a_missing_folder_is_a_state_and_not_an_error(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "none", threaded=False)
    store.refresh()
    assert store.overview().problem == ""  # nobody has made it yet: the page says how to begin
    assert store.healthy()
    (tmp_path / "none").mkdir()
    store.refresh()
    assert store.overview().problem == ""
    assert store.healthy() == ""
    (tmp_path / "none").rmdir()
    store.refresh()
    assert "does not exist" in store.overview().problem


def test_a_run_that_writes_nothing_for_long_is_silent(tmp_path: Path) -> None:
    path = write_run(tmp_path, "killed", steps=range(5), status=None)
    store = RunStore(tmp_path, threaded=False)
    assert _rows(store)["killed"].state == "running"
    for file in path.iterdir():
        os.utime(file, (time.time() - 3600,) * 2)
    store = RunStore(tmp_path, threaded=False)
    assert _rows(store)["killed"].state == "silent"
    assert store.overview().n_running == 0


@pytest.mark.slow
def test_the_worst_run_is_first_and_neighbours_follow_that_order(tmp_path: Path) -> None:
    write_run(tmp_path, "ok", steps=range(300), values=_falling(300))
    broken = [1.0] * 50 + [math.nan] * 250
    write_run(tmp_path, "broken", steps=range(300), values={"loss": broken})
    store = RunStore(tmp_path, threaded=False)
    store.refresh()
    keys = [row.key for row in store.overview().rows]
    assert keys == ["broken", "ok"]
    first, second = store.run("broken"), store.run("ok")
    assert first is not None
    assert second is not None
    assert (first.previous, first.following) == (None, "ok")
    assert (second.previous, second.following) == ("broken", None)


@pytest.mark.parametrize("key", ["", "..", "../runs", "/etc", "no-such-run", "run/../run"])
def test_only_listed_keys_are_runs(tmp_path: Path, key: str) -> None:
    write_run(tmp_path / "runs", "run", steps=range(5))
    store = RunStore(tmp_path / "runs", threaded=False)
    store.refresh()
    assert store.run(key) is None
    assert store.curves(key) is None


def test_a_run_in_a_subfolder_has_both_names_in_its_key(tmp_path: Path) -> None:
    write_run(tmp_path / "sweep", "sgd", steps=range(5))
    store = RunStore(tmp_path, threaded=False)
    store.refresh()
    assert store.run("sweep/sgd") is not None
    assert store.curves("sweep/sgd") is not None


def test_a_run_replaced_by_another_of_its_name_is_read_anew(tmp_path: Path) -> None:
    store = RunStore(tmp_path, threaded=False)
    for identity, n_steps in (("first", 50), ("second", 20)):
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        writer = new_writer(tmp_path, "run")
        writer.info = type(writer.info)(id=identity, name="run")
        for step in range(n_steps):
            writer.append(row(step, writer))
        writer.close("finished")
        assert _rows(store)["run"].steps == n_steps
        curves = store.curves("run")
        assert curves is not None
        assert curves.last_step == n_steps - 1


def test_a_schedule_is_named_where_it_is_asked_for_and_once_for_each_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def counted(lr: FloatArray, step: FloatArray) -> str:
        looked.append(len(lr))
        return name_of(lr, step)

    monkeypatch.setattr(loaded_run, "name_of", counted)
    falling = {"lr": [0.1 * (1 - step / 100) for step in range(100)]}
    write_run(tmp_path, "run", steps=range(100), values=falling)
    store = RunStore(tmp_path, threaded=False)
    store.refresh()
    plain = store.curves("run")
    assert plain is not None
    assert (plain.schedule, looked) == ("", [])
    for window in (None, (10, 20)):
        shown = store.curves("run", window, names_schedule=True)
        assert shown is not None
        assert (shown.schedule, looked) == ("linear decay", [100])


@pytest.mark.slow
def test_a_budget_ends_the_round_and_the_next_goes_on(tmp_path: Path) -> None:
    for i in range(4):
        write_run(tmp_path, f"run-{i}", steps=range(300), values=_falling(300))
    store = RunStore(tmp_path, threaded=False)
    assert not store.refresh(budget_seconds=0.0)
    assert "judging" in store.overview().verdicts
    rounds = 1
    while not store.refresh(budget_seconds=0.0):
        rounds += 1
        assert rounds < 50
    assert "judging" not in store.overview().verdicts


def test_the_first_look_starts_the_work_in_the_background(tmp_path: Path) -> None:
    write_run(tmp_path, "run", steps=range(300), values=_falling(300))
    store = RunStore(tmp_path)
    assert [row.key for row in store.overview().rows] == ["run"]
    deadline = time.monotonic() + 30
    while store.overview().rows[0].verdict == "judging":
        assert time.monotonic() < deadline


@pytest.mark.slow
def test_rows_of_the_runs_looked_at_longest_ago_are_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        write_run(tmp_path, name, steps=range(5000))
    store = RunStore(tmp_path, threaded=False)
    store.refresh()
    first = store.curves("a")
    assert first is not None
    kept = store._loaded._kept
    monkeypatch.setattr(loaded_run, "_MOST_BYTES", int(2.5 * kept["a"].n_bytes))
    for name in "bca"[:2]:
        store.curves(name)
    held = {name: history.n_bytes > 0 for name, history in kept.items()}
    assert held == {"a": False, "b": True, "c": True}
    again = store.curves("a")
    assert again is not None
    assert again.token == first.token


def test_a_poll_does_not_wait_for_verdicts_that_are_being_worked_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(3):
        write_run(tmp_path, f"run-{i}", steps=range(300))
    judging = threading.Event()
    diagnosis = Monitor.diagnosis

    def slow(self: Monitor) -> Diagnosis:
        judging.wait(30)
        return diagnosis(self)

    monkeypatch.setattr(Monitor, "diagnosis", slow)
    monkeypatch.setattr(run_store, "_FIRST_WAIT", 0.01)
    store = RunStore(tmp_path)
    token = store.overview().token
    monkeypatch.setattr(run_store, "_FIRST_WAIT", 1e6)  # a poll that waits would never end
    assert store.overview(token).verdicts["judging"] == 3
    judging.set()


@pytest.mark.slow
def test_the_rows_of_a_listed_run_can_be_had_and_no_others(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", "run", steps=range(5))
    write_run(tmp_path, "outside", steps=range(5))
    store = RunStore(tmp_path / "runs", threaded=False)
    store.refresh()
    table = store.rows("run")
    assert table is not None
    assert table.num_rows == 5
    assert store.rows("../outside") is None
    assert [view.key for view in store.runs(["gone", "run"])] == ["run"]


@pytest.mark.slow
def test_a_long_run_that_rests_has_outlines_that_need_no_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envelope, "LONG_RUN", 1_000)
    long = write_run(tmp_path, "long", steps=range(2_000))
    write_run(tmp_path, "short", steps=range(100))
    for path in tmp_path.rglob("*"):
        os.utime(path, (1e9, 1e9))
    store = RunStore(tmp_path, threaded=False)
    store.refresh()
    shutil.rmtree(long / "steps")
    lines = store.curves("long", half_life=100, is_coarse=True)
    assert lines is not None
    assert lines.loss.y.max() == 1_999
    assert lines.last_step == 1_999
    # What is finer than its stretches is read, and its rows are gone.
    for finer in ({"half_life": 5}, {"half_life": 100, "window": (0.0, 9.0)}):
        read = store.curves("long", is_coarse=True, **finer)
        assert read is None or not len(read.loss.x)
    assert store.curves("gone", half_life=100, is_coarse=True) is None


def test_it_is_ready_once_the_runs_are_listed(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", "a")
    store = RunStore(tmp_path / "runs", threaded=False)
    assert store.ready() == "the runs have not been listed yet"
    store.refresh()
    assert store.ready() == ""
    (tmp_path / "runs").rename(tmp_path / "elsewhere")
    store.refresh()
    assert store.ready() == "the folder of runs cannot be read"


def test_asking_whether_it_is_ready_begins_to_list(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with ending_within(60):
        while store.ready():
            time.sleep(0.01)
