from __future__ import annotations

import base64
import io
import json
import math
import os
import sys
import time
from pathlib import Path

import pytest
from lrwatch_dashboard.data import RunStore, judges
from lrwatch_dashboard.data.judges import Judges, Result, answer_all
from lrwatch_dashboard.data.run_digest import RunDigest
from stores import write_run

from lrwatch.monitor import diagnose
from lrwatch.store import RunEntry, list_runs

pytestmark = pytest.mark.slow


def _settled_runs(folder: Path, n: int) -> list[RunEntry]:
    loss = [2.0 * math.exp(-i / 100) + 0.1 for i in range(300)]
    for i in range(n):
        run = write_run(folder, f"run-{i}", steps=range(300), values={"loss": loss})
        then = time.time() - 60
        for path in [*run.rglob("*"), run]:
            os.utime(path, (then, then))
    return list_runs(folder)


def _answers(judges: Judges) -> dict[str, Result]:
    deadline = time.monotonic() + 60
    found: dict[str, Result] = {}
    while judges.is_busy:
        assert time.monotonic() < deadline
        found |= {entry.key: (entry, finding) for entry, finding in judges.answers(0.1)}
    return found


def test_a_process_says_what_lrwatch_says(tmp_path: Path) -> None:
    entries = _settled_runs(tmp_path, 3)
    judges = Judges(1)
    judges.ask(entries)
    judges.ask(entries)  # asked twice, answered once
    found = _answers(judges)
    assert sorted(found) == [entry.key for entry in entries]
    for entry, finding in found.values():
        assert finding is not None
        assert finding.diagnosis == diagnose(entry.path)
    assert not judges.has_failed


def test_a_run_that_cannot_be_read_is_left_to_who_asked(tmp_path: Path) -> None:
    good, damaged, gone = _settled_runs(tmp_path, 3)
    next((damaged.path / "steps").glob("*.parquet")).write_bytes(b"garbage")
    (gone.path / "run.json").unlink()
    lines = [
        json.dumps({"key": e.key, "path": str(e.path), "last_write": e.last_write})
        for e in (damaged, gone, good)
    ]
    answers = io.StringIO()
    answer_all(io.StringIO("\n".join(lines)), answers)
    said = answers.getvalue().splitlines()
    assert said[:2] == ["", ""]
    assert RunDigest.from_bytes(base64.b64decode(said[2])).summary.n_steps == 300


@pytest.mark.parametrize("program", ["/no/such/program", "true"])
def test_without_processes_nothing_waits_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    if program == "true" and sys.platform == "win32":
        pytest.skip("there is no such program")
    entries = _settled_runs(tmp_path, 2)
    monkeypatch.setattr(sys, "executable", program)
    judges = Judges(1)
    judges.ask(entries)
    assert not [finding for _, finding in _answers(judges).values() if finding]
    assert judges.has_failed


@pytest.mark.parametrize("program", [sys.executable, "/no/such/program"])
def test_a_store_is_judged_with_processes_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    store, cache = tmp_path / "runs", tmp_path / "cache"
    entries = _settled_runs(store, 4)
    next((entries[0].path / "steps").glob("*.parquet")).write_bytes(b"garbage")
    monkeypatch.setattr(judges, "MANY_RUNS", 2)
    monkeypatch.setattr(sys, "executable", program)
    runs = RunStore(store, cache=cache)
    deadline = time.monotonic() + 60
    while runs.overview().verdicts.get("judging"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    rows = {row.key: row for row in runs.overview().rows}
    assert rows["run-0"].verdict == "unreadable"
    assert {rows[f"run-{i}"].reason for i in (1, 2, 3)} == {diagnose(entries[1].path).reason}
    again = RunStore(store, threaded=False, cache=cache)
    again._list()
    assert {row.verdict for row in again.overview().rows} == {"judging", rows["run-1"].verdict}
