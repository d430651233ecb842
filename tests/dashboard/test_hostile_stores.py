"""Hostile stores go through every page, report and file of the dashboard.

Nothing ends in a traceback, every good run is listed, and no store takes more than ten seconds:
that is no measure of speed, of which all together need few, but of what would never end.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from hostile_rounds import MARKS, ROUNDS, check_round
from hostile_stores import GOOD_RUNS
from lrwatch_dashboard.app import create_app, route
from lrwatch_dashboard.data import RunStore

pytestmark = MARKS


def check_dashboard(store: Path, seed: int) -> None:
    runs = RunStore(store, threaded=False)
    runs.refresh()
    views = {view.key: view for view in runs.runs()}
    for name in GOOD_RUNS:
        assert views[name].diagnosis is not None
        assert views[name].problem == ""
    client = create_app(runs).server.test_client()
    keys = [quote(os.fsencode(key), safe="/") for key in views]
    chosen = quote(",".join(GOOD_RUNS))
    kind = ("report", "table")[seed % 2]
    pages = [f"/{kind}/{page}" for page in ("sweep", "alerts", "", f"compare?runs={chosen}")]
    pages += [f"/{kind}/run/{key}" for key in keys]
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


@pytest.mark.parametrize("first", ROUNDS)
def test_no_store_takes_anything_down(
    tmp_path: Path,
    first: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    check_round(tmp_path, first, caplog, check_dashboard)
