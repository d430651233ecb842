"""Why alerts of a run were sent or not, rule by rule; and what would have been, had one watched."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrwatch.alert import Alert
from lrwatch.alerts.config import AlertSettings
from lrwatch.alerts.grouping import Grouping
from lrwatch.alerts.memory import AlertMemory
from lrwatch.alerts.rules import RULES, Rule
from lrwatch.alerts.run_alerts import RunAlerts
from lrwatch.alerts.silences import acknowledgements, silences
from lrwatch.alerts.telling import Decision
from lrwatch.alerts.watched_run import WatchedRun
from lrwatch.alerts.watcher_state import KnownAlert, read_state
from lrwatch.plain_files import alerts_folder
from lrwatch.records import RunInfo
from lrwatch.store import RunEntry

__all__ = ["Explanation", "explained", "home_of", "replay"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of one rule on a run.

    Attributes
    ----------
    rule
        Name of the rule.
    known
        Its alert; ``None`` if its condition was never seen.
    decision
        What the stages say of it now; ``None`` without an alert.
    is_watched
        A watcher knows of it; else this is what one would do.
    """

    rule: str
    known: KnownAlert | None
    decision: Decision | None
    is_watched: bool


def home_of(run: Path) -> Path | None:
    """Return the nearest folder above a run whose alerts a watcher keeps; ``None`` without one."""
    return next((each for each in run.resolve().parents if alerts_folder(each).is_dir()), None)


def explained(entry: RunEntry, home: Path | None, settings: AlertSettings) -> Iterator[Explanation]:
    """Explain every rule on a run.

    Parameters
    ----------
    entry
        The run.
    home
        Folder in which a watcher keeps its state, if there is one.
    settings
        Rules and timing.

    Raises
    ------
    StateUnreadable
        If the state of the watcher cannot be read.
    """
    state = None if home is None else read_state(home)
    run_id = entry.key if entry.info is None else entry.info.id
    watched = [one for one in (state.alerts if state else ()) if one.alert.run_id == run_id]
    memory = AlertMemory(watched or _followed(entry, settings))
    if home is not None:
        memory.mark_handled(silences(home), acknowledgements(home))
    now = time.time()
    groups = Grouping(settings.timing, settings.group_by, state.told_groups if state else {}, now)
    by_rule = {one.alert.rule: one for one in memory.known.values()}
    for rule in settings.rules:
        known = by_rule.get(rule.name)
        decision = None if known is None else groups.decide(known, now)
        yield Explanation(rule.name, known, decision, is_watched=bool(watched))


def _followed(entry: RunEntry, settings: AlertSettings) -> Iterable[KnownAlert]:
    """Return the alerts of a run that no watcher knows of, each sent where it would have been."""
    run, memory = WatchedRun(entry, settings.rules), AlertMemory()
    news = run.advance()
    run.settle()
    for changed in (*news, *run.alerts):
        list(memory.follow(changed))
    return memory.known.values()


def replay(info: RunInfo, rows: Any, rules: Sequence[Rule] = RULES) -> Iterator[Alert]:
    """Yield every alert that would have been sent, as it fired or was over: for trying rules.

    What follows from clocks and from other runs is left out: missing rows, waiting for others
    of a group, and repeating what still fires.

    Parameters
    ----------
    info
        Whose run it is.
    rows
        All its steps, as `RunAlerts.update` takes them.
    rules
        Which verdicts become alerts.

    Raises
    ------
    InvalidArgument
        As `RunAlerts.update`.
    """
    run, memory = RunAlerts(info, rules), AlertMemory()
    for changed in [*run.update(rows), *run.end()]:
        for alert, _ in memory.follow(changed):
            yield alert
