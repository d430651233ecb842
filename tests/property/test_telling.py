"""Whatever alerts do, and however often the watcher is started again with whatever clock: every
episode is told once, that it is over is told at most once and only after that, and what fires in
the end was told.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from alert_samples import START, an_alert
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_alerts import script_alerts
from stores import write_run

from lrwatch.alert import Alert, Severity, State
from lrwatch.alerts import RULES as RULES_OF_ALL
from lrwatch.alerts.explaining import replay
from lrwatch.alerts.grouping import Grouping, Timing
from lrwatch.alerts.memory import AlertMemory
from lrwatch.alerts.training_thread import RunInTraining
from lrwatch.alerts.watcher_state import KnownAlert
from lrwatch.alerts.wording import headline
from lrwatch.records import RunInfo

pytestmark = pytest.mark.slow  # `make test` runs it, `make check` does not

TIMING = Timing(group_wait=1, group_interval=30, repeat_interval=1e9)
RUNS = ("a", "b", "c")
RULES = ("diverging", "too_high")
NEXT: dict[State, tuple[State, ...]] = {
    "resolved": ("pending",),
    "pending": ("firing",),
    "firing": ("recovering",),
    "recovering": ("firing", "resolved"),
}


@dataclass
class World:
    alerts: dict[tuple[str, str], Alert] = field(default_factory=dict)
    memory: AlertMemory = field(default_factory=AlertMemory)
    groups: Grouping = field(default_factory=lambda: Grouping(TIMING, "rule", {}, START))
    now: float = START
    told: Counter[tuple[str, int]] = field(default_factory=Counter)
    over: Counter[tuple[str, int]] = field(default_factory=Counter)

    def change(self, run: str, rule: str, choice: int) -> None:
        alert = self.alerts.get((run, rule))
        if alert is None:
            self.alerts[run, rule] = an_alert(run=run, rule=rule, state="pending", episode=0)
            return
        states = NEXT[alert.state]
        state = states[choice % len(states)]
        fires_anew = state == "firing" and alert.state == "pending"
        self.alerts[run, rule] = replace(alert, state=state, episode=alert.episode + fires_anew)

    def restart(self, clock_is_off_by: float) -> None:
        self.now += clock_is_off_by
        self.memory = AlertMemory(list(self.memory.known.values()), self.memory.tallies)
        self.groups = Grouping(TIMING, "rule", self.groups.told, self.now)

    def look(self) -> None:
        self.now += 1
        keys = frozenset(RUNS)
        seen = tuple(KnownAlert(alert, alert.run, "running") for alert in self.alerts.values())
        self.memory.take(seen, keys, keys, self.now)
        for notice in self.groups.due(list(self.memory.known.values()), self.now):
            assert not notice.is_repeat
            for one in notice.alerts:
                episode = one.alert.id, one.alert.episode
                assert notice.status == "firing" or self.told[episode]
                (self.told if notice.status == "firing" else self.over)[episode] += 1
            alerts = (one.alert for one in notice.alerts)
            self.memory.mark_told(alerts, notice.status, self.now)


CHANGE = st.tuples(
    st.sampled_from(RUNS), st.sampled_from(RULES), st.integers(0, 1), st.sampled_from([0, 1, 2, 40])
)
RESTART = st.sampled_from([-10_000.0, 0.0, 10_000.0])


@settings(max_examples=75, deadline=None)
@given(st.lists(st.one_of(CHANGE, CHANGE, CHANGE, RESTART), min_size=20, max_size=60))
def test_every_episode_is_told_once(events: list[tuple[str, str, int, int] | float]) -> None:
    world = World()
    for event in events:
        if isinstance(event, tuple):
            run, rule, choice, n_looks = event
            world.change(run, rule, choice)
            for _ in range(n_looks):
                world.look()
        else:
            world.restart(event)
    for _ in range(70):
        world.look()
    assert all(n == 1 for n in [*world.told.values(), *world.over.values()])
    for one in world.memory.known.values():
        if one.alert.state == "firing" and not one.inhibited_by:
            assert world.told[one.alert.id, one.alert.episode] == 1


@pytest.fixture(scope="module")
def a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs"), "a", steps=range(30))


class Told(logging.Handler):
    """What the training process says, in order."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().partition(": ")[0])


def by_watcher(histories: list[Alert]) -> list[str]:
    """Return what a watcher sends that looks after every change, and never waits."""
    memory, groups = AlertMemory(), Grouping(Timing(0, 0, 1e9), "run", {}, START)
    present: dict[str, Alert] = {}
    sent = []
    for now, changed in enumerate(histories, start=int(START)):
        present[changed.id] = changed
        seen = [KnownAlert(alert, alert.run, "running") for alert in present.values()]
        memory.take(seen, {changed.run}, {changed.run}, now)
        for notice in groups.due(list(memory.known.values()), now):
            sent += [headline(one.alert) for one in notice.alerts]
            memory.mark_told((one.alert for one in notice.alerts), notice.status, now)
    return sent


def by_training(run: Path, histories: list[Alert], patch: pytest.MonkeyPatch) -> list[str]:
    """Return what is logged in the process that trains."""
    script_alerts(patch, *histories)
    told, logger = Told(), logging.getLogger("lrwatch")
    patch.setattr(logger, "handlers", [told])
    level = logger.level
    logger.setLevel(logging.INFO)  # and forgets what it did not write before
    try:
        RunInTraining(run, rules=RULES_OF_ALL).look()
    finally:
        logger.setLevel(level)
    return told.lines


def by_replay(histories: list[Alert], patch: pytest.MonkeyPatch) -> list[str]:
    """Return what `replay` says would have been sent."""

    class Scripted:
        def __init__(self, *_: object) -> None:
            pass

        def update(self, _: object) -> list[Alert]:
            return histories

        def end(self) -> list[Alert]:
            return []

    patch.setattr("lrwatch.alerts.explaining.RunAlerts", Scripted)
    return [headline(alert) for alert in replay(RunInfo("id-a", "a"), [])]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from([*RULES, "too_low"]), st.integers(0, 1)), max_size=25),
    st.sets(st.sampled_from([*RULES, "too_low"]), max_size=2),
)
def test_training_replay_and_watcher_send_the_same(
    a_run: Path, events: list[tuple[str, int]], only_shown: set[str]
) -> None:
    now: dict[str, Alert] = {}
    histories: list[Alert] = []
    for step, (rule, choice) in enumerate(events):
        before = now.get(rule)
        states = ("pending",) if before is None else NEXT[before.state]
        state = states[choice % len(states)]
        fires_anew = state == "firing" and before is not None and before.state == "pending"
        episode = (before.episode if before else 0) + fires_anew
        severity: Severity = "info" if rule in only_shown else "ticket"
        fields = {"rule": rule, "state": state, "episode": episode, "severity": severity}
        now[rule] = an_alert(run="a", run_id="id-a", step=step, **fields)
        histories.append(now[rule])
    expected = by_watcher(histories)
    with pytest.MonkeyPatch.context() as patch:
        assert sorted(by_replay(histories, patch)) == sorted(expected)
    with pytest.MonkeyPatch.context() as patch:
        shown = {headline(alert) for alert in histories if alert.severity == "info"}
        lines = [line for line in by_training(a_run, histories, patch) if line not in shown]
        assert sorted(lines) == sorted(line for line in expected if line not in shown)
