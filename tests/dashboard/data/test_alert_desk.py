from __future__ import annotations

import dataclasses
import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alert_boards import known, watched
from lrwatch_dashboard.alert_views import AlertLine, attention
from lrwatch_dashboard.data import RunStore
from lrwatch_dashboard.data import alert_desk as desk_module
from lrwatch_dashboard.data.alert_desk import AlertDesk
from stores import new_writer, row, write_run

from lrwatch.alerts.history import add_history
from lrwatch.alerts.silences import Matcher, acknowledge, acknowledgements, add_silence, silences
from lrwatch.plain_files import alerts_folder


@pytest.fixture(autouse=True)
def _boards_are_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "_BOARD_SECONDS", 0.0)


def _desk(store: Path) -> AlertDesk:
    runs = RunStore(store, threaded=False)
    runs.refresh()
    return runs.alerts


def _broken_run(store: Path, name: str = "broken", status: str | None = None) -> None:
    """Write a run whose loss is not finite any more; it calls itself running."""
    nan = math.nan
    loss = [2.0 - step / 100 if step < 60 else nan for step in range(120)]
    norms = [1.0 if step < 60 else nan for step in range(120)]
    values = {"loss": loss, "grad_norm": norms, "update_norm": norms, "param_norm": norms}
    write_run(store, name, steps=range(120), values=values, status=status)


def _silent_since(store: Path, name: str, seconds: float) -> None:
    then = time.time() - seconds
    for path in (store / name).rglob("*"):
        os.utime(path, (then, then))


def _silence(desk: AlertDesk, *, run: str = "*", rule: str = "*", **changes: Any) -> str:
    usual = {"seconds": 3600.0, "reason": "a reason", "until_worse": False}
    return desk.silence(Matcher(run=run, rule=rule), **{**usual, **changes})


def test_a_store_without_runs_and_watcher_has_nothing_to_say(tmp_path: Path) -> None:
    board = _desk(tmp_path).board()
    assert board.watcher is None
    assert board.problem == ""
    assert not [*board.firing, *board.unsent, *board.ended, *board.history]


def test_what_a_watcher_wrote_is_shown_the_worst_first(tmp_path: Path) -> None:
    write_run(tmp_path, "a")
    ticket = known("b", rule="too_high", severity="ticket", verdict="oscillating")
    info = known("d", rule="slow", severity="info", verdict="too_low")
    pending = known("e", state="pending", told=False)
    ended = known("c", state="resolved")
    watched(tmp_path, ticket, info, ended, known("a"), pending, looked_at=time.time())
    board = _desk(tmp_path).board()
    assert [line.alert.run for line in board.firing] == ["a", "b", "d"]
    assert [line.run_key for line in board.firing] == ["a", "", ""]  # links need a run
    assert [line.quiet for line in board.firing] == ["", "", "info"]
    assert (board.n_pending, [line.alert.run for line in board.ended]) == (1, ["c"])
    assert board.is_followed
    assert board.receivers[0].name == "pager"
    assert (board.tallies["diverging"].sent, board.tallies["diverging"].acknowledged) == (4, 1)
    assert attention(board.firing) == 2


def test_metrics_count_alerts_that_are_not_over(tmp_path: Path) -> None:
    alerts = (known("a"), known("b"), known("c", state="pending"), known("d", state="closed"))
    watched(tmp_path, *alerts, looked_at=time.time())
    counts = {("diverging", "page", "firing"): 2, ("diverging", "page", "pending"): 1}
    assert dict(_desk(tmp_path).board().by_state) == counts


def test_a_watcher_that_has_not_looked_for_long_follows_no_more(tmp_path: Path) -> None:
    watched(tmp_path, known("a"), looked_at=time.time() - 3600)
    board = _desk(tmp_path).board()
    assert board.watcher is not None
    assert not board.is_followed
    assert [line.alert.run for line in board.firing] == ["a"]


def test_without_a_watcher_what_would_be_told_is_shown_and_called_unsent(tmp_path: Path) -> None:
    _broken_run(tmp_path, "running")
    _broken_run(tmp_path, "ended", status="finished")
    write_run(tmp_path, "fine", status=None)
    board = _desk(tmp_path).board()
    (line,) = board.unsent
    assert (line.alert.run, line.alert.rule, line.alert.episode) == ("running", "diverging", 1)
    assert "not finite" in line.alert.reason
    assert line.alert.since_step == 60
    assert dict(board.by_state) == {("diverging", "page", "firing"): 1}


def test_what_a_run_ended_in_is_told_for_a_day_also_of_a_copy(tmp_path: Path) -> None:
    _broken_run(tmp_path, "ended", status="finished")
    assert [line.alert.run for line in _desk(tmp_path).board().ended] == ["ended"]
    path = tmp_path / "ended" / "run.json"
    info = json.loads(path.read_text())
    path.write_text(json.dumps({**info, "ended_at": time.time() - 2 * 86400}))
    assert not _desk(tmp_path).board().ended


def test_a_run_that_went_silent_would_be_told_for_a_day(tmp_path: Path) -> None:
    write_run(tmp_path, "silent", status=None)
    _silent_since(tmp_path, "silent", 3600)
    write_run(tmp_path, "pausing", status=None)
    _silent_since(tmp_path, "pausing", 100)
    write_run(tmp_path, "forgotten", status=None)
    _silent_since(tmp_path, "forgotten", 3 * 86400)
    (line,) = _desk(tmp_path).board().unsent
    assert (line.alert.run, line.alert.rule, line.verdict) == ("silent", "no_data", "no_data")
    assert "No new rows for 60 min" in line.alert.reason


def test_a_run_that_cannot_be_read_would_be_told(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "run.json").write_text("{", encoding="utf-8")
    _silent_since(tmp_path, "bad", 60)
    (line,) = _desk(tmp_path).board().unsent
    assert (line.alert.run, line.alert.rule, line.alert.severity) == ("bad", "unreadable", "ticket")


def test_while_a_watcher_follows_nothing_is_called_unsent(tmp_path: Path) -> None:
    _broken_run(tmp_path)
    watched(tmp_path, looked_at=time.time())
    assert not _desk(tmp_path).board().unsent


def test_what_a_gone_watcher_told_is_said_once_and_what_it_missed_is_added(tmp_path: Path) -> None:
    _broken_run(tmp_path)
    _broken_run(tmp_path, "new")
    watched(tmp_path, known("broken"), known("over"), looked_at=time.time() - 3600)
    board = _desk(tmp_path).board()
    assert [line.alert.run for line in board.firing] == ["over"]
    told = {line.alert.run: (line.alert.episode, line.told_at is not None) for line in board.unsent}
    assert told == {"broken": (1, True), "new": (1, False)}
    assert dict(board.by_state) == {("diverging", "page", "firing"): 2}


def test_runs_that_go_wrong_later_appear(tmp_path: Path) -> None:
    store = RunStore(tmp_path, threaded=False)
    writer = new_writer(tmp_path, "run")
    for step in range(60):
        writer.append(row(step, writer, loss=2.0 - step / 100))
    store.refresh()
    before = store.alerts.board()
    assert not before.unsent
    for step in range(60, 120):
        writer.append(row(step, writer, loss=math.nan, grad_norm=math.nan, param_norm=math.nan))
    writer.abandon()
    store.refresh()
    after = store.alerts.board()
    assert [line.alert.run for line in after.unsent] == ["run"]
    assert after.token != before.token


@pytest.mark.parametrize("is_followed", [True, False])
def test_silences_and_acknowledgements_show_before_a_watcher_has_looked(
    tmp_path: Path, is_followed: bool
) -> None:
    _broken_run(tmp_path)
    if is_followed:
        watched(tmp_path, known("broken"), looked_at=time.time())
    desk = _desk(tmp_path)
    assert _silence(desk, run="bro*", reason="known", by="Ben") == ""
    board = desk.board()
    (line,) = board.firing or board.unsent
    assert (line.quiet, line.quiet_note) == ("silenced", "known")
    assert [(s.matcher.run, s.reason, s.by) for s in board.silences] == [("bro*", "known", "Ben")]
    assert attention([line]) == 0


def test_an_alert_can_be_taken_on(tmp_path: Path) -> None:
    alert = known("a")
    watched(tmp_path, alert, looked_at=time.time())
    desk = _desk(tmp_path)
    assert desk.acknowledge(alert.alert.id, 1, " Anna ") == ""
    (line,) = desk.board().firing
    assert (line.quiet, line.quiet_note) == ("acknowledged", "Anna")
    assert acknowledgements(tmp_path)[alert.alert.id, 1].by == "Anna"


def test_the_next_episode_is_not_taken_on_yet(tmp_path: Path) -> None:
    alert = known("a", episode=2)
    acknowledge(tmp_path, alert.alert.id, 1, by="Anna")
    watched(tmp_path, alert, looked_at=time.time())
    assert _line(tmp_path).quiet == ""


def test_a_silence_until_it_gets_worse_holds_as_long_as_the_watcher_says(tmp_path: Path) -> None:
    silence = add_silence(tmp_path, Matcher(), seconds=60, reason="r", until_worse=True)
    watched(tmp_path, known("a"), looked_at=silence.created_at - 1)
    assert _line(tmp_path).quiet == "silenced"  # the watcher has not seen it yet
    milder = known("a", id="b" * 16, rule="too_high", severity="ticket", state="resolved")
    heeded = dataclasses.replace(milder, silenced_by=silence.id)
    watched(tmp_path, known("a"), heeded, looked_at=silence.created_at + 1)
    assert _line(tmp_path).quiet == ""
    heeded = dataclasses.replace(known("a"), silenced_by=silence.id)
    watched(tmp_path, heeded, looked_at=silence.created_at + 1)
    assert _line(tmp_path).quiet == "silenced"


def test_what_another_alert_says_better_is_said_to_be_so(tmp_path: Path) -> None:
    hidden = dataclasses.replace(known("a", rule="too_high", told=False), inhibited_by="diverging")
    watched(tmp_path, hidden, looked_at=time.time())
    assert (_line(tmp_path).quiet, _line(tmp_path).told_at) == ("inhibited", None)


def test_what_was_told_of_an_earlier_episode_does_not_count(tmp_path: Path) -> None:
    told = dataclasses.replace(known("a", episode=2), told_episode=1)
    watched(tmp_path, told, looked_at=time.time())
    assert _line(tmp_path).told_at is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"reason": " "}, "needs a reason"),
        ({"seconds": 0.0}, "must end"),
        ({"seconds": math.nan}, "must end"),
        ({"seconds": 1e9}, "must end"),
        ({"run": ""}, "pattern of runs"),
        ({"run": "x" * 2000}, "at most"),
        ({"reason": "x" * 2000}, "at most"),
        ({"by": "x" * 2000}, "at most"),
        ({"rule": "x" * 2000}, "at most"),
    ],
)
def test_a_silence_that_is_no_good_is_not_written(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    assert problem in _silence(_desk(tmp_path), **changes)
    assert not silences(tmp_path)


@pytest.mark.parametrize("alert", ["", "../../x", "0123456789ABCDEF", "a" * 16, "a" * 17, "x\x00"])
def test_only_an_alert_that_fires_can_be_taken_on(tmp_path: Path, alert: str) -> None:
    over = known("over", state="resolved")
    watched(tmp_path, known("a"), over, looked_at=time.time())
    desk = _desk(tmp_path)
    for id_, episode in ((alert, 1), (over.alert.id, 1), (known("a").alert.id, 2)):
        assert "no longer firing" in desk.acknowledge(id_, episode)
    assert not (alerts_folder(tmp_path) / "acks").exists()


def test_a_silence_can_be_ended_and_nothing_else(tmp_path: Path) -> None:
    desk = _desk(tmp_path)
    assert _silence(desk) == ""
    (silence,) = desk.board().silences
    for id_ in ("", "../state", "f" * 16, silence.id.upper()):
        assert "has already ended" in desk.end_silence(id_)
    assert desk.end_silence(silence.id) == ""
    assert not desk.board().silences
    assert not silences(tmp_path)


@pytest.mark.slow
def test_nobody_can_fill_the_disk_with_silences(tmp_path: Path) -> None:
    desk = _desk(tmp_path)
    for _ in range(desk_module._MOST_SILENCES):
        add_silence(tmp_path, Matcher(), seconds=60, reason="r")
    assert "already 200 silences" in _silence(desk)
    assert len(silences(tmp_path)) == desk_module._MOST_SILENCES


def test_a_store_that_cannot_be_written_to_is_a_sentence(tmp_path: Path) -> None:
    watched(tmp_path, known("a"), looked_at=time.time())
    desk = _desk(tmp_path)
    # Files in place of the folders: no user may write below them, root neither.
    for folder in ("acks", "silences"):
        (alerts_folder(tmp_path) / folder).write_text("", encoding="utf-8")
    problem = "Cannot write to the folder of runs"
    assert _silence(desk).startswith(problem)
    assert desk.acknowledge(known("a").alert.id, 1).startswith(problem)


def test_a_damaged_ledger_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    _broken_run(tmp_path)
    watched(tmp_path, looked_at=time.time())
    (alerts_folder(tmp_path) / "state.json").write_text("{", encoding="utf-8")
    add_silence(tmp_path, Matcher(rule="too_low"), seconds=60, reason="r")
    board = _desk(tmp_path).board()
    assert "state.json is damaged" in board.problem
    assert len(board.unsent) == len(board.silences) == 1


ELEMENT = {"namespace": "dash_html_components", "type": "Iframe", "props": {"src": "//evil"}}


@pytest.mark.parametrize("field", ["reason", "advice", "run", "rule", "acknowledged_by", "verdict"])
def test_what_a_page_would_take_for_an_element_becomes_text(tmp_path: Path, field: str) -> None:
    _tamper(tmp_path, lambda content: content["alerts"][0].update({field: ELEMENT}))
    board = _desk(tmp_path).board()
    assert not board.firing or "Iframe" in repr(board.firing[0])
    assert board.problem == "" or "is damaged" in board.problem


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["alerts"][0].update(time="1e400"),
        lambda content: content["alerts"][0].update(severity="loud"),
        lambda content: content["receivers"][0].update(sent=10**400),
        lambda content: content["alerts"][0].update(episode=[]),
        lambda content: content["alerts"][0].update(told_at={}),
        lambda content: content["watcher"].update(looked_at="now"),
        lambda content: content["watcher"].update(pid=None),
        lambda content: content["receivers"][0].update(sent="many"),
        lambda content: content["rules"].update(diverging={"sent": ELEMENT}),
    ],
)
def test_a_ledger_of_nonsense_is_said_to_be_so(tmp_path: Path, change: Any) -> None:
    _broken_run(tmp_path)
    _tamper(tmp_path, change)
    board = _desk(tmp_path).board()
    assert "is damaged" in board.problem
    assert len(board.unsent) == 1


def test_an_alert_of_an_unknown_time_is_shown(tmp_path: Path) -> None:
    _tamper(tmp_path, lambda content: content["alerts"][0].update(time=None))
    board = _desk(tmp_path).board()
    assert (board.problem, math.isnan(board.firing[0].alert.time)) == ("", True)


def test_the_history_comes_the_latest_first_and_leaves_out_what_is_none(tmp_path: Path) -> None:
    add_history(tmp_path, "firing", run_key="a", rule="diverging", reason="Loss rose")
    add_history(tmp_path, "sent", receiver="pager", title="a is diverging")
    with (alerts_folder(tmp_path) / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"at": "then", "event": "firing"}\n{"event": []}\n[]\nnonsense\n')
        file.write('{"at": NaN, "event": "sent"}\n')
    lines = _desk(tmp_path).board().history
    assert [(line.event, line.text) for line in lines] == [
        ("sent", "pager"),
        ("firing", "a · diverging · Loss rose"),
    ]


def test_only_the_time_of_the_look_changes_nothing(tmp_path: Path) -> None:
    desk = _desk(tmp_path)
    watched(tmp_path, known("a"), looked_at=time.time())
    first = desk.board().token
    watched(tmp_path, known("a"), looked_at=time.time() + 1)
    assert desk.board().token == first
    watched(tmp_path, known("b"), looked_at=time.time() + 1)
    assert desk.board().token != first


def _tamper(store: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    watched(store, known("a"), looked_at=time.time())
    path = alerts_folder(store) / "state.json"
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def _line(store: Path) -> AlertLine:
    (line,) = _desk(store).board().firing
    return line


def test_a_run_that_ended_while_wrong_is_listed_where_nobody_watched(tmp_path: Path) -> None:
    _broken_run(tmp_path, status="failed")
    board = _desk(tmp_path).board()
    (line,) = board.ended
    assert (line.alert.rule, line.alert.state, line.run_key) == ("diverging", "closed", "broken")
    assert not board.unsent  # it is over: nobody needs to act at once
    assert attention([*board.unsent, *board.firing]) == 0
    _silent_since(tmp_path, "broken", 2 * 86400)
    assert _desk(tmp_path).board().ended == ()
