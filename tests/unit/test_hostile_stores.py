"""Five hundred hostile stores go through every command and every page of the dashboard.

Nothing ends in a traceback, every good run is listed, and no store takes more than ten seconds:
that is no measure of speed, of which all together need few, but of what would never end.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from hostile_stores import GOOD_RUNS, make_hostile_store
from lrwatch_dashboard.app import create_app, route
from lrwatch_dashboard.data import RunStore

import lrwatch
from lrwatch.cli import main
from lrwatch.errors import LrwatchError
from lrwatch.store import list_runs

N_STORES = 500
AT_ONCE = 10
SECONDS = 10
# At least those of a loaded machine, which is given its time on the whole and not a store.
PATIENCE = SECONDS * AT_ONCE

Captured = pytest.CaptureFixture[str]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="nothing wakes a process here"),
]


@contextmanager
def ending_within(seconds: int) -> Iterator[None]:
    """Raise where the body hangs, in a system call as well."""

    def wake(*_: object) -> None:
        raise TimeoutError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, wake)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def commands(store: Path, elsewhere: Path) -> Iterator[tuple[list[str], set[int]]]:
    """Yield what is called on a store, and the exit statuses that are a plain answer."""
    yield ["ls", str(store)], {0}
    yield ["ls", str(store), "--json"], {0}
    yield ["check", str(store), "--json"], {0, 1, 2}
    yield ["alert", str(store), "--once", "--to", f"jsonl:{elsewhere / 'sent.jsonl'}"], {0}
    yield ["alert", "list", str(store)], {0}
    for entry in list_runs(store):
        for command in (["check"], ["alert", "why"], ["alert", "replay"]):
            yield [*command, str(entry.path)], {0, 1, 2}
        target = elsewhere / "rows.csv"
        target.unlink(missing_ok=True)
        yield ["export", str(entry.path), "--to", str(target)], {0, 2}


def check_commands(store: Path, elsewhere: Path, capsys: Captured) -> None:
    for command, allowed in commands(store, elsewhere):
        status = main(command)
        out, err = capsys.readouterr()
        assert status in allowed, (command, err)
        assert "Traceback" not in err
        if command[0] == "ls" and command[-1] == "--json":
            verdicts = {run["run"]: run["verdict"] for run in json.loads(out)}
            assert all(verdicts[name] for name in GOOD_RUNS)
    comparison = lrwatch.compare(store)
    assert set(GOOD_RUNS) <= set(comparison.verdicts)


def check_dashboard(store: Path) -> None:
    runs = RunStore(store, threaded=False)
    runs.refresh()
    views = {view.key: view for view in runs.runs()}
    for name in GOOD_RUNS:
        assert views[name].diagnosis is not None
        assert views[name].problem == ""
    client = create_app(runs).server.test_client()
    keys = [quote(os.fsencode(key), safe="/") for key in views]
    chosen = quote(",".join(GOOD_RUNS))
    pages = [f"/{kind}/{page}" for kind in ("report", "table") for page in ("sweep", "alerts", "")]
    pages += [f"/{kind}/compare?runs={chosen}" for kind in ("report", "table")]
    pages += [f"/{kind}/run/{key}" for kind in ("report", "table") for key in keys]
    pages += [f"/export/{key}.csv" for key in keys]
    for page in ("/", "/metrics", "/health", "/alerts", *pages):
        answer = client.get(page)
        assert answer.status_code in (200, 303, 404), page
        answer.close()
    for key in keys:
        assert route(runs, f"/run/{key}", "?x=time&sm=8") is not None
    for page in ("/", "/compare", "/sweep", "/alerts"):
        assert route(runs, page, "") is not None
    runs.alerts.board()


@pytest.mark.parametrize("first", range(0, N_STORES, AT_ONCE))
def test_no_store_takes_anything_down(
    tmp_path: Path, first: int, capsys: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    for seed in range(first, first + AT_ONCE):
        store, elsewhere = tmp_path / f"store-{seed}", tmp_path / f"out-{seed}"
        elsewhere.mkdir()
        kinds = make_hostile_store(store, seed)
        caplog.clear()
        try:
            with ending_within(PATIENCE):
                check_commands(store, elsewhere, capsys)
                check_dashboard(store)
        except (LrwatchError, TimeoutError, AssertionError, OSError) as error:
            raise AssertionError(f"seed {seed}, {kinds}: {error!r}") from error
        said = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert not said, (seed, kinds, said)
        shutil.rmtree(store, ignore_errors=True)
