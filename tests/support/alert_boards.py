"""What is known of alerts, made up: a board for the tests of the page, a ledger for a store."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from alert_samples import an_alert
from lrwatch_dashboard.alert_views import (
    AlertBoard,
    AlertLine,
    HistoryLine,
    Quiet,
)

from lrwatch.alerts.silences import Matcher, Silence
from lrwatch.alerts.watcher_state import (
    KnownAlert,
    RuleTally,
    WatcherHealth,
    WatcherState,
    write_state,
)
from lrwatch.delivery import ReceiverHealth

__all__ = ["NOW", "a_board", "a_line", "a_silence", "an_unsent_line", "known", "watched"]

NOW = 1_700_000_600.0


def a_line(
    run: str = "sgd-3.0",
    *,
    run_key: str | None = None,
    told_at: float | None = NOW - 590,
    quiet: Quiet = "",
    quiet_note: str = "",
    **fields: Any,
) -> AlertLine:
    usual = {"id": "0123456789abcdef", "time": NOW - 600, "advice": "Try a learning rate of 0.3"}
    alert = an_alert(run=run, **{**usual, **fields})
    return AlertLine(alert, run if run_key is None else run_key, told_at, quiet, quiet_note)


def an_unsent_line(run: str = "sgd-3.0", **fields: Any) -> AlertLine:
    """Return what the dashboard itself sees while no watcher is running."""
    return a_line(run, **{"episode": 0, "told_at": None, **fields})


def a_silence(run: str = "sgd-*", rule: str = "*", **changes: Any) -> Silence:
    silence = Silence("f" * 16, Matcher(run, "*", rule), NOW + 7200, NOW, "rebooted", "Ben")
    return dataclasses.replace(silence, **changes)


def a_board(*firing: AlertLine, **changes: Any) -> AlertBoard:
    """Return what is shown of a store that is followed."""
    board = AlertBoard(
        firing=firing,
        watcher=WatcherHealth("gpu-7", 4711, "0.1", NOW - 60, NOW - 2, 0.1, 14),
        is_followed=True,
        receivers=(ReceiverHealth("pager", "webhook", sent=4, failed=3, queued=2, problem="429"),),
        silences=(a_silence(),),
        tallies={"too_high": RuleTally(3, 1, 2)},
        history=(HistoryLine(NOW - 590, "sent", "pager · sgd-3.0 is diverging"),),
        rules=("diverging", "too_high"),
        folder="runs",
        by_state={("diverging", "page", "firing"): len(firing)} if firing else {},
        token="b:1",
    )
    return dataclasses.replace(board, **changes)


def known(
    run_key: str, *, run_state: Any = "running", told: bool = True, **fields: Any
) -> KnownAlert:
    """Return an alert of a ledger, on a run that is named as its folder is."""
    alert = an_alert(run=fields.pop("run", run_key.rpartition("/")[2]), **fields)
    if not told:
        return KnownAlert(alert, run_key, run_state)
    return KnownAlert(
        alert,
        run_key,
        run_state,
        told_at=alert.time,
        told_episode=alert.episode,
        told_status="firing",
        times_told=1,
    )


def watched(store: Path, *alerts: KnownAlert, looked_at: float, **changes: Any) -> WatcherState:
    """Write the ledger of a watcher that looked at a time, and return it."""
    watcher = WatcherHealth("gpu-7", 4711, "0.1", looked_at - 60, looked_at, 0.1, 3)
    state = WatcherState(
        updated_at=looked_at,
        watcher=watcher,
        alerts=alerts,
        receivers=(ReceiverHealth("pager", "webhook", sent=4),),
        rules={"diverging": RuleTally(sent=4, acknowledged=1)},
    )
    state = dataclasses.replace(state, **changes)
    write_state(store, state)
    return state
