"""Recorder, store and dashboard without the calls that only some operating systems have."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]

PLACES = (".", "dashboard", "tests/support")

PROGRAM = """
import logging, sys, time
from pathlib import Path
import dash, dash_ag_grid, numpy, pandas, plotly.graph_objects, pyarrow.parquet, torch, waitress

import another_system
another_system.begin()

import lrwatch
from lrwatch.errors import RunBusy
from lrwatch.store import keeper, list_runs, read_run_info, writer
from lrwatch.store.ownership import Ownership, writer_is_gone

warnings = []
logging.getLogger("lrwatch").addHandler(type("Kept", (logging.Handler,), {
    "emit": lambda self, record: warnings.append(record.getMessage())})())
writer.JOURNAL_ROWS = 40
keeper._WAKE_SECONDS, keeper._SYNC_SECONDS = 0.02, 0.0

store = Path(sys.argv[1])
torch.set_num_threads(1)
torch.manual_seed(0)
net = torch.nn.Linear(4, 1)
losses = []

def train(run, n, **logged):
    for step in range(n):
        optimizer.zero_grad()
        loss = net(torch.randn(8, 4)).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        for name, value in logged.items():
            run.log(**{name: value})

optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
run = lrwatch.watch(optimizer, dir=store, name="a", alerts=True)
train(run, 1, first=1.0)  # a journal of one row, replaced by one with more columns
train(run, 130)
assert len(list(run.path.glob("journal-*"))) >= 1
reading = open(next(run.path.glob("journal-*")), "rb")  # whoever reads stands in the way
train(run, 100, second=2.0)
assert lrwatch.read(run)["loss"].tolist() == losses
reading.close()
try:
    Ownership(run.path)
except RunBusy:
    pass
else:
    raise AssertionError("two writers")
run.finish()

run = lrwatch.watch(optimizer, dir=store, name="a", resume=True)
train(run, 50)
run.finish()
frame = lrwatch.read(run.path)
assert frame["step"].tolist() == list(range(281)), len(frame)
assert frame["loss"].tolist() == losses
assert frame["first"].dropna().tolist() == [1.0]
assert frame["second"].dropna().tolist() == [2.0] * 100
assert sorted(path.name for path in run.path.iterdir()) == ["run.json", "steps"]
assert len(list((run.path / "steps").iterdir())) == 1
assert [entry.info.status for entry in list_runs(store)] == ["finished"]
assert lrwatch.diagnose(run.path).n_steps == 281
assert not writer_is_gone(run.path)
assert not warnings, warnings

from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.data import RunStore
runs = RunStore(store, threaded=False)
runs.refresh()
rows = runs.overview().rows
assert [(row.key, row.state, row.last_step) for row in rows] == [("a", "finished", 280)], rows
assert create_app(runs).server.test_client().get("/health").status_code == 200
print("all is well")
"""


def test_what_only_some_systems_have_is_not_needed(tmp_path: Path) -> None:
    """On Linux, with the calls taken away, and files that are open refusing to be moved."""
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(ROOT / path) for path in PLACES),
            "OMP_NUM_THREADS": "1",
        },
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "all is well\n"
