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
    ReceiverLine,
    RuleTally,
    SilenceLine,
    WatcherView,
)

from lrwatch.alerts.watcher_state import (
    KnownAlert,
    WatcherHealth,
    WatcherState,
    write_state,
)
from lrwatch.alerts.watcher_state import RuleTally as LedgerTally
from lrwatch.delivery import ReceiverHealth

__all__ = ["NOW", "a_board", "a_line", "known", "watched"]

NOW = 1_700_000_600.0


def a_line(run: str = "sgd-3.0", **changes: Any) -> AlertLine:
    line = AlertLine(
        id="0123456789abcdef",
        episode=1,
        rule="diverging",
        severity="page",
        state="firing",
        run_key=run,
        run=run,
        verdict="diverging",
        reason="Loss rose from 2.3 to 40 over steps 40 to 60",
        advice="Try a learning rate of 0.3",
        interval=(40, 60),
        since_step=40,
        since=NOW - 600,
        told_at=NOW - 590,
    )
    return dataclasses.replace(line, **changes)


def a_board(*firing: AlertLine, **changes: Any) -> AlertBoard:
    """Return what is shown of a store that is followed."""
    board = AlertBoard(
        firing=firing,
        watcher=WatcherView("gpu-7", 4711, is_following=True, looked_at=NOW - 2, n_runs=14),
        receivers=(ReceiverLine("pager", "webhook", sent=4, failed=3, queued=2, problem="429"),),
        silences=(SilenceLine("f" * 16, "sgd-*", "*", NOW + 7200, "rebooted", "Ben"),),
        tallies=(RuleTally("too_high", 3, 1, 2),),
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
        rules={"diverging": LedgerTally(sent=4, acknowledged=1)},
    )
    state = dataclasses.replace(state, **changes)
    write_state(store, state)
    return state
