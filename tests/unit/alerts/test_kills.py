"""A watcher killed before any one of its writes and sends: nothing is lost, nothing comes twice."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from alert_samples import HandClock, diverge, go_on
from stores import new_writer

from lrwatch.alerts import alert_watcher, history
from lrwatch.alerts.alert_watcher import AlertWatcher
from lrwatch.alerts.config import AlertSettings
from lrwatch.alerts.grouping import Timing
from lrwatch.alerts.watcher_state import read_state
from lrwatch.delivery import Message, Receiver, Sender
from lrwatch.plain_files import alerts_folder

SETTINGS = AlertSettings(timing=Timing(group_wait=0, group_interval=0))
MOST = 200

About = tuple[str, ...]
TO_BE_SENT = {
    ("bad", "diverging", "firing", "1"),
    ("worse", "diverging", "firing", "1"),
    ("stuck", "no_data", "firing", "1"),
    ("stuck", "no_data", "resolved", "1"),
}


class Killed(BaseException):
    """The process is no more."""


class Fate:
    """Lets a process do so many things to the world, and nothing after that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = MOST
        self.was_killed = False
        self._lock = threading.Lock()
        monkeypatch.setattr(os, "fsync", self.before(os.fsync))
        monkeypatch.setattr(Path, "replace", self.before(Path.replace))
        monkeypatch.setattr(Path, "unlink", self.before(Path.unlink))
        monkeypatch.setattr(alert_watcher, "add_history", self.before(history.add_history))
        monkeypatch.setattr(threading, "excepthook", lambda given: None)  # threads die of it, too

    def before(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def acted(*given: Any, **options: Any) -> Any:
            with self._lock:
                self.left -= 1
                if self.left < 0:
                    raise Killed
            return act(*given, **options)

        return acted

    @property
    def is_killed(self) -> bool:
        return self.left < 0


class Ears:
    kind = "ears"
    timeout = 5.0
    gap = 0.0

    def __init__(self, fate: Fate) -> None:
        self.heard: list[Message] = []
        self._hear = fate.before(self.heard.append)
        self._answer = fate.before(lambda: None)

    def send(self, message: Message) -> None:
        self._hear(message)
        self._answer()


def watch(store: Path, ears: Ears, fate: Fate, clock: HandClock, act: Callable[[], object]) -> None:
    """Look twice, as a process of its own, with something happening in between."""
    state = read_state(store)
    after = 0 if state is None else state.last_message
    sender = Sender([Receiver("ears", ears)], alerts_folder(store) / "outbox", after=after)
    try:
        watcher = AlertWatcher(store, SETTINGS, home=store, sender=sender, state=state, clock=clock)
        watcher.look()
        act()
        watcher.look()
        while not (fate.is_killed or sender.drain(0.05)):
            pass
        watcher.note()
    finally:
        sender.close()


def messages(store: Path, ears: Ears, fate: Fate, n_before: int) -> Mapping[About, set[str]]:
    """Return the ids of the messages about each thing, one process being killed on the way."""
    clock, writer = HandClock(), new_writer(store, "stuck")
    go_on(writer, 0, 40)
    diverge(store, "bad")

    def fall_silent() -> None:
        clock.now += 400

    def go_on_again() -> None:
        go_on(writer, 40, 1)

    fate.left = n_before
    with suppress(Killed):
        watch(store, ears, fate, clock, fall_silent)
    fate.was_killed, fate.left = fate.is_killed, MOST
    # By now there is more to say: what was sent must not be said again along with it.
    diverge(store, "worse")
    for act in (fall_silent, go_on_again):
        watch(store, ears, fate, clock, act)
    found: dict[About, set[str]] = defaultdict(set)
    for message in ears.heard:
        for alert in message.alerts:
            found[alert.run, alert.rule, message.status, str(alert.episode)].add(message.id)
    return found


@pytest.mark.slow
def test_killed_anywhere_every_alert_is_sent_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fate = Fate(monkeypatch)
    for n_before in range(MOST):
        fate.left = MOST
        found = messages(tmp_path / str(n_before), Ears(fate), fate, n_before)
        twice = [about for about, ids in found.items() if len(ids) > 1]
        assert not twice, f"killed before its act number {n_before}"
        assert found.keys() >= TO_BE_SENT, f"killed before its act number {n_before}"
        if not fate.was_killed:
            assert n_before > 20
            return
    pytest.fail("the watcher did not come to an end")
