"""Whatever alerts do, and however often the watcher is started again with whatever clock: every
episode is told once, that it is over is told at most once and only after that, and what fires in
the end was told.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from alert_samples import START, an_alert
from hypothesis import given, settings
from hypothesis import strategies as st

from lrwatch.alert import Alert, State
from lrwatch.alerts.grouping import Groups, Timing
from lrwatch.alerts.ledger import KnownAlert
from lrwatch.alerts.memory import AlertMemory

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
    groups: Groups = field(default_factory=lambda: Groups(TIMING, "rule", {}, START))
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
        self.groups = Groups(TIMING, "rule", self.groups.told, self.now)

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
