"""What is told, noted and told again, with receivers that write down what they are told."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alert_samples import HandClock, aged, diverge, go_on
from stores import new_writer

from lrwatch.alert import alert_id
from lrwatch.alerts import alert_watcher as module
from lrwatch.alerts.alert_watcher import AlertWatcher
from lrwatch.alerts.composing import message_for
from lrwatch.alerts.config import AlertSettings
from lrwatch.alerts.grouping import Notification, Timing
from lrwatch.alerts.history import read_history
from lrwatch.alerts.silences import (
    Matcher,
    acknowledge,
    acknowledgements,
    add_silence,
    end_silence,
)
from lrwatch.alerts.watcher_state import WatcherState, read_state
from lrwatch.delivery import Message, Receiver, Sender
from lrwatch.plain_files import alerts_folder

HOUR = 3600.0
SETTINGS = AlertSettings(timing=Timing(group_wait=0, group_interval=0))


class Ears:
    """Hears every message."""

    kind = "ears"
    timeout = 5.0
    gap = 0.0

    def __init__(self) -> None:
        self.heard: list[Message] = []

    def send(self, message: Message) -> None:
        self.heard.append(message)


@pytest.fixture
def ears() -> Ears:
    return Ears()


@contextmanager
def watching(
    store: Path,
    ears: Ears,
    *,
    clock: HandClock | None = None,
    settings: AlertSettings = SETTINGS,
    state: WatcherState | None = None,
) -> Iterator[AlertWatcher]:
    sender = Sender([Receiver("ears", ears)], alerts_folder(store) / "outbox")
    try:
        yield AlertWatcher(
            store,
            settings,
            home=store,
            sender=sender,
            state=state or read_state(store),
            clock=clock or HandClock(),
        )
        assert sender.drain(10)
    finally:
        sender.close()


def titles(ears: Ears) -> list[str]:
    return [message.title for message in ears.heard]


def known(store: Path) -> WatcherState:
    state = read_state(store)
    assert state is not None
    return state


def test_a_run_that_diverges_is_told_once(tmp_path: Path, ears: Ears) -> None:
    diverge(tmp_path)
    with watching(tmp_path, ears) as watcher:
        for _ in range(3):
            watcher.look()
    assert titles(ears) == ["bad is diverging"]
    assert ears.heard[0].lines[0].startswith("Loss is not finite from step 40 on")


def test_a_restart_tells_nothing_again(tmp_path: Path, ears: Ears) -> None:
    diverge(tmp_path)
    for _ in range(3):
        with watching(tmp_path, ears) as watcher:
            watcher.look()
    assert len(ears.heard) == 1


def test_a_message_that_the_previous_version_left_in_its_state_is_sent(
    tmp_path: Path, ears: Ears
) -> None:
    """The previous version left its messages in `state.json` until the outbox had them."""
    diverge(tmp_path)
    with watching(tmp_path, ears) as watcher:
        watcher.look()
    killed = replace(known(tmp_path), outgoing=tuple(ears.heard), last_message=0)
    shutil.rmtree(alerts_folder(tmp_path) / "outbox")
    diverge(tmp_path, "worse")  # by now there is more to tell: the groups are not the same
    with watching(tmp_path, ears, state=killed) as watcher:
        watcher.look()
    assert ears.heard[0].id == ears.heard[1].id
    assert known(tmp_path).rules["diverging"].sent == 2  # each once
    assert titles(ears)[2:] == ["worse is diverging"]


def test_killed_before_anything_was_noted_it_is_told_under_the_same_id(
    tmp_path: Path, ears: Ears
) -> None:
    diverge(tmp_path)
    for _ in range(2):
        with watching(tmp_path, ears) as watcher:
            watcher.look()
        shutil.rmtree(alerts_folder(tmp_path))
    assert ears.heard[0].id == ears.heard[1].id


def test_a_disk_that_is_full_keeps_nobody_from_being_told(
    tmp_path: Path, ears: Ears, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    diverge(tmp_path)

    def fail(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lrwatch.alerts.alert_watcher.write_state", fail)
    with watching(tmp_path, ears) as watcher:
        for _ in range(3):
            watcher.look()
        assert len([r for r in caplog.records if "No space" in r.getMessage()]) == 1
        monkeypatch.undo()
        watcher.look()
    assert len(ears.heard) == 1
    assert known(tmp_path).alerts[0].is_told


def test_whatever_keeps_it_from_being_noted_people_are_told(
    tmp_path: Path, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverge(tmp_path)
    with watching(tmp_path, ears) as watcher:
        monkeypatch.setattr(AlertWatcher, "_tidy", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            watcher.look()
    assert len(ears.heard) == 1


def test_a_message_that_cannot_be_written_does_not_stop_the_others(
    tmp_path: Path, ears: Ears, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    diverge(tmp_path, "a-odd")
    diverge(tmp_path, "bad")

    def fail_for_one(notice: Notification, *given: Any, **options: Any) -> Message:
        if notice.alerts[0].run_key == "a-odd":
            raise ZeroDivisionError("what nobody thought of")
        return message_for(notice, *given, **options)

    monkeypatch.setattr("lrwatch.alerts.alert_watcher.message_for", fail_for_one)
    settings = replace(SETTINGS, group_by="run")
    with watching(tmp_path, ears, settings=settings) as watcher:
        for _ in range(2):
            watcher.look()
        monkeypatch.undo()
        watcher.look()
    assert titles(ears) == ["bad is diverging", "a-odd is diverging"]
    assert caplog.text.count("a message cannot be written") == 1


def test_what_is_forgotten_and_happens_again_is_told_again(tmp_path: Path, ears: Ears) -> None:
    clock = HandClock()
    writer = new_writer(tmp_path, "stuck")
    go_on(writer, 0, 40)
    for _ in range(2):
        clock.now += 3 * HOUR
        aged(writer.folder, 2 * HOUR)
        with watching(tmp_path, ears, clock=clock) as watcher:
            watcher.look()
        (alerts_folder(tmp_path) / "state.json").unlink()
    assert titles(ears) == ["stuck has stopped writing"] * 2
    assert ears.heard[0].id != ears.heard[1].id


def test_of_a_run_that_is_silent_people_are_told_and_when_it_goes_on(
    tmp_path: Path, ears: Ears
) -> None:
    clock = HandClock()
    writer = new_writer(tmp_path, "stuck")
    go_on(writer, 0, 40)
    with watching(tmp_path, ears, clock=clock) as watcher:
        watcher.look()
        clock.now += 400
        watcher.look()
        go_on(writer, 40, 1)
        watcher.look()
    assert titles(ears) == ["stuck has stopped writing", "stuck is writing again"]
    assert [message.status for message in ears.heard] == ["firing", "resolved"]


def test_it_is_said_again_while_the_run_goes_on(tmp_path: Path, ears: Ears) -> None:
    clock, writer = HandClock(), diverge(tmp_path)
    with watching(tmp_path, ears, clock=clock) as watcher:
        for hour in range(6):
            clock.now += HOUR
            go_on(writer, 60 + hour, 1, loss=math.nan)
            watcher.look()
    assert titles(ears) == ["bad is diverging", "Still: bad is diverging"]


def test_a_clock_that_is_set_back_between_two_watchers_repeats_nothing(
    tmp_path: Path, ears: Ears
) -> None:
    ahead, right = HandClock(), HandClock()
    ahead.now += 48 * HOUR
    diverge(tmp_path)
    for clock in (ahead, right):
        with watching(tmp_path, ears, clock=clock) as watcher:
            watcher.look()
            watcher.look()
    assert len(ears.heard) == 1


def test_what_is_acknowledged_is_not_said_again(tmp_path: Path, ears: Ears) -> None:
    clock, writer = HandClock(), diverge(tmp_path)
    with watching(tmp_path, ears, clock=clock) as watcher:
        watcher.look()
        one = known(tmp_path).alerts[0].alert
        acknowledge(tmp_path, one.id, one.episode, by="ann")
        clock.now += 5 * HOUR
        go_on(writer, 60, 1, loss=math.nan)
        watcher.look()
    assert len(ears.heard) == 1
    assert known(tmp_path).alerts[0].acknowledged_by == "ann"
    assert known(tmp_path).rules["diverging"].acknowledged == 1


def test_what_is_silenced_is_kept_and_told_when_the_silence_ends(
    tmp_path: Path, ears: Ears
) -> None:
    diverge(tmp_path)
    silence = add_silence(tmp_path, Matcher(run="b*"), seconds=60, reason="trying something")
    with watching(tmp_path, ears) as watcher:
        watcher.look()
        assert ears.heard == []
        assert known(tmp_path).alerts[0].silenced_by == silence.id
        end_silence(tmp_path, silence.id)
        watcher.look()
    assert len(ears.heard) == 1


def test_a_silence_that_is_over_is_cleared_away(tmp_path: Path, ears: Ears) -> None:
    diverge(tmp_path)
    add_silence(tmp_path, Matcher(), seconds=1e-6, reason="short")
    with watching(tmp_path, ears) as watcher:
        watcher.look()
    assert list((alerts_folder(tmp_path) / "silences").iterdir()) == []
    assert "silence_ended" in [line["event"] for line in read_history(tmp_path)]


def test_what_was_said_long_ago_of_an_alert_that_is_forgotten_is_cleared_away(
    tmp_path: Path, ears: Ears
) -> None:
    diverge(tmp_path)
    forgotten, known_now = "0" * 16, alert_id("diverging", "id-bad")
    for alert in (forgotten, known_now):
        acknowledge(tmp_path, alert, 1, by="ann")
        path = alerts_folder(tmp_path) / "acks" / f"{alert}-1.json"
        said = json.loads(path.read_text())
        path.write_text(json.dumps({**said, "at": said["at"] - 30 * 24 * HOUR}))
    with watching(tmp_path, ears) as watcher:
        watcher.look()
    assert list(acknowledgements(tmp_path)) == [(known_now, 1)]


def test_history_says_what_happened_in_order(tmp_path: Path, ears: Ears) -> None:
    writer = diverge(tmp_path)
    with watching(tmp_path, ears) as watcher:
        watcher.look()
        writer.close("finished")
        watcher.look()
        watcher.look()
    with watching(tmp_path, ears) as watcher:
        watcher.look()
    events = [line["event"] for line in read_history(tmp_path)]
    assert [event for event in events if event != "sent"] == ["firing", "closed"]
    assert events.count("sent") == 1


def test_the_state_says_how_the_watch_is_going(tmp_path: Path, ears: Ears) -> None:
    diverge(tmp_path)
    with watching(tmp_path, ears) as watcher:
        watcher.look("the configuration is odd")
    state = known(tmp_path)
    assert (state.watcher.n_runs, state.watcher.problem) == (1, "the configuration is odd")
    assert [receiver.name for receiver in state.receivers] == ["ears"]
    assert state.rules["diverging"].sent == 1


@pytest.mark.slow
def test_a_sweep_is_one_message(tmp_path: Path, ears: Ears) -> None:
    for i in range(7):
        diverge(tmp_path, f"bad{i}", status="finished")
    for i in range(3):
        writer = new_writer(tmp_path, f"good{i}")
        go_on(writer, 0, 60, lr=0.01)
        writer.close("finished")
    with watching(tmp_path, ears) as watcher:
        watcher.look()
    assert titles(ears) == ["7 of 10 runs are diverging, all with lr >= 0.1"]


def test_a_run_that_has_ended_is_told_though_the_message_waits_for_others(
    tmp_path: Path, ears: Ears
) -> None:
    clock = HandClock()
    diverge(tmp_path, status="finished")
    with watching(tmp_path, ears, clock=clock, settings=AlertSettings()) as watcher:
        assert watcher.look() == []
        clock.now += 2
        watcher.look()
    assert titles(ears) == ["bad has ended; it was diverging"]


def test_without_a_sender_nothing_is_written(tmp_path: Path) -> None:
    diverge(tmp_path)
    watcher = AlertWatcher(tmp_path, SETTINGS, home=tmp_path, sender=None)
    assert [message.title for message in watcher.look()] == ["bad is diverging"]
    assert watcher.look() == []
    assert not alerts_folder(tmp_path).exists()


def test_a_silence_that_cannot_be_cleared_away_keeps_nothing_from_being_noted(
    tmp_path: Path, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverge(tmp_path)
    add_silence(tmp_path, Matcher(), seconds=1e-6, reason="short")

    def refuse(_store: Path, _silence: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "end_silence", refuse)
    with watching(tmp_path, ears) as watcher:
        watcher.look()
    assert known(tmp_path).alerts[0].is_told
    assert "silence_ended" not in [line["event"] for line in read_history(tmp_path)]
