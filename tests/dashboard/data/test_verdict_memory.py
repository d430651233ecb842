from __future__ import annotations

import dataclasses
import math
import os
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from alert_samples import an_alert
from lrwatch_dashboard.data import RunStore, cache_folder, verdict_memory
from lrwatch_dashboard.data.run_digest import RunDigest
from lrwatch_dashboard.own_metrics import MetricSummary
from lrwatch_dashboard.views import RunView, StepTimes
from stores import new_writer, row, write_run

from lrwatch.following import summarised
from lrwatch.monitor import Monitor
from lrwatch.store.run_info import read_run_info, write_run_info
from lrwatch.tables import step_block
from lrwatch.verdicts import Diagnosis, Evidence


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the verdicts that are worked out, rather than remembered."""
    calls: list[int] = []
    diagnosis = Monitor.diagnosis

    def counted(self: Monitor) -> Diagnosis:
        calls.append(1)
        return diagnosis(self)

    monkeypatch.setattr(Monitor, "diagnosis", counted)
    return calls


def _settled_run(
    folder: Path, name: str = "run", n: int = 300, *, status: str = "finished"
) -> Path:
    loss = [2.0 * math.exp(-i / 100) + 0.1 for i in range(n)]
    run = write_run(folder, name, steps=range(n), values={"loss": loss}, status=status)
    _age(run)
    return run


def _age(run: Path, seconds: float = 60.0) -> None:
    then = time.time() - seconds
    for path in [*run.rglob("*"), run]:
        os.utime(path, (then, then))


def _rows(store: Path, cache: Path | None) -> dict[str, RunView]:
    runs = RunStore(store, threaded=False, cache=cache)
    runs.refresh()
    return {row.key: row for row in runs.overview().rows}


def test_a_second_start_shows_the_same_without_judging(tmp_path: Path, judged: list[int]) -> None:
    store, cache = tmp_path / "runs", tmp_path / "cache"
    _settled_run(store)
    first = RunStore(store, threaded=False, cache=cache)
    first.refresh()
    assert judged
    judged.clear()
    second = RunStore(store, threaded=False, cache=cache)
    second._list()  # the first page already knows
    assert not judged
    assert second.overview().rows == first.overview().rows
    known, remembered = first.run("run"), second.run("run")
    assert known is not None
    assert remembered is not None
    assert remembered == known
    assert np.array_equal(remembered.outline.x, known.outline.x)
    assert np.array_equal(remembered.outline.y, known.outline.y)
    steps = np.linspace(0, 299, 7)
    assert remembered.clock.seconds_at(steps) == pytest.approx(known.clock.seconds_at(steps))


def test_a_run_that_went_on_is_judged_anew(tmp_path: Path, judged: list[int]) -> None:
    store, cache = tmp_path / "runs", tmp_path / "cache"
    run = _settled_run(store, n=100)
    assert _rows(store, cache)["run"].steps == 100
    shutil.rmtree(run)
    _settled_run(store, n=150)
    _age(run, seconds=30)
    judged.clear()
    assert _rows(store, cache)["run"].steps == 150
    assert judged


@pytest.mark.slow
def test_another_run_of_the_same_name_is_judged_anew(tmp_path: Path) -> None:
    store, cache = tmp_path / "runs", tmp_path / "cache"
    run = _settled_run(store, n=100)
    written = run.stat().st_mtime
    _rows(store, cache)
    shutil.rmtree(run)
    _settled_run(store, n=150)
    write_run_info(run, dataclasses.replace(read_run_info(run), id="another"))
    for path in [*run.rglob("*"), run]:
        os.utime(path, (written, written))
    assert _rows(store, cache)["run"].steps == 150


@pytest.mark.slow
def test_another_lrwatch_judges_anew(
    tmp_path: Path, judged: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, cache = tmp_path / "runs", tmp_path / "cache"
    _settled_run(store)
    _rows(store, cache)
    judged.clear()
    monkeypatch.setattr(verdict_memory, "judges", lambda *_: "another")
    _rows(store, cache)
    assert judged


@pytest.mark.slow
def test_what_is_not_settled_is_not_remembered(tmp_path: Path) -> None:
    store, cache = tmp_path / "runs", tmp_path / "cache"
    write_run(store, "just-ended", steps=range(300))
    write_run(store, "running", steps=range(300), status=None)
    (_settled_run(store, "broken") / "run.json").write_text("{", encoding="utf-8")
    part = next((_settled_run(store, "damaged") / "steps").glob("*.parquet"))
    part.write_bytes(b"garbage")
    _age(part.parent.parent)
    _rows(store, cache)
    assert not list(cache.rglob("*.sqlite"))


@pytest.mark.slow
def test_a_run_that_was_killed_long_ago_is_remembered(tmp_path: Path, judged: list[int]) -> None:
    store, cache = tmp_path / "runs", tmp_path / "cache"
    _age(write_run(store, "killed", steps=range(300), status=None), seconds=3600)
    _rows(store, cache)
    judged.clear()
    assert _rows(store, cache)["killed"].state == "silent"
    assert not judged


def test_two_stores_do_not_mix(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    _settled_run(tmp_path / "a", n=100)
    _settled_run(tmp_path / "b", n=150)
    for _ in range(2):
        assert _rows(tmp_path / "a", cache)["run"].steps == 100
        assert _rows(tmp_path / "b", cache)["run"].steps == 150


@pytest.mark.slow
@pytest.mark.parametrize("garbage", [b"", b"\x00\xff\n{", b"SQLite format 3\x00garbage"])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, garbage: bytes) -> None:
    store, cache = tmp_path / "runs", tmp_path / "cache"
    _settled_run(store)
    first = _rows(store, cache)
    next(cache.glob("*.sqlite")).write_bytes(garbage)
    assert _rows(store, cache) == first
    assert _rows(store, cache) == first


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [b"", b"!", b"\xc0", "text", None, 7])
def test_a_finding_of_another_shape_is_no_finding(tmp_path: Path, wrong: object) -> None:
    store, cache = tmp_path / "runs", tmp_path / "cache"
    _settled_run(store)
    first = _rows(store, cache)
    with closing(sqlite3.connect(next(cache.glob("*.sqlite")))) as file, file:
        file.execute("update findings set found = ?", (wrong,))
    assert _rows(store, cache) == first


@pytest.mark.slow
def test_a_run_is_remembered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, cache = tmp_path / "runs", tmp_path / "cache"
    _settled_run(store)
    _rows(store, cache)
    with monkeypatch.context() as patch:
        patch.setattr(verdict_memory, "judges", lambda *_: "another")
        _rows(store, cache)
    with closing(sqlite3.connect(next(cache.glob("*.sqlite")))) as file:
        assert file.execute("select judges from findings").fetchall() == [("another",)]
    assert [path.suffix for path in cache.iterdir()] == [".sqlite"]


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such modes there")
def test_what_is_remembered_is_for_the_user_alone(tmp_path: Path) -> None:
    store, cache = tmp_path / "runs", tmp_path / "cache" / "lrwatch"
    _settled_run(store)
    _rows(store, cache)
    assert cache.stat().st_mode & 0o777 == 0o700
    assert next(cache.glob("*.sqlite")).stat().st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    _settled_run(tmp_path / "runs")
    (tmp_path / "file").touch()
    assert _rows(tmp_path / "runs", tmp_path / "file" / "cache")["run"].steps == 300


def test_nothing_is_written_into_the_store(tmp_path: Path) -> None:
    run = _settled_run(tmp_path / "runs")
    before = sorted((p, p.stat().st_mtime_ns) for p in run.parent.rglob("*"))
    _rows(tmp_path / "runs", tmp_path / "cache")
    assert sorted((p, p.stat().st_mtime_ns) for p in run.parent.rglob("*")) == before


@pytest.mark.slow
def test_a_run_that_goes_on_after_its_rest_is_followed_and_shown_meanwhile(tmp_path: Path) -> None:
    writer = new_writer(tmp_path / "runs", "run")
    for step in range(200):
        writer.append(row(step, writer, loss=2.0 * math.exp(-step / 100) + 0.1))
    _age(writer.folder, seconds=3600)
    runs = RunStore(tmp_path / "runs", threaded=False)
    runs.refresh()
    rested = runs._followers["run"]
    assert rested.judge is None  # let go of
    for step in range(200, 260):
        writer.append(row(step, writer, loss=2.0 * math.exp(-step / 100) + 0.1))
    runs._list()
    assert runs.overview().rows[0].steps == 200
    runs.refresh()
    whole = runs.overview().rows[0]
    writer.close("finished")
    assert whole.steps == 260
    follower = runs._followers["run"]
    gone_on = follower.finding()
    assert gone_on is not None
    assert (gone_on.summary.n_rows, gone_on.summary.gaps.n_rows) == (260, 260)
    assert follower.clock.steps[-1] == 259
    fresh = RunStore(tmp_path / "runs", threaded=False)
    fresh.refresh()
    assert whole.reason == fresh.overview().rows[0].reason


def test_where_findings_are_kept_is_the_platforms_and_can_be_chosen(tmp_path: Path) -> None:
    assert cache_folder({"LRWATCH_CACHE_DIR": "x"}) == Path("x")
    assert cache_folder({"LRWATCH_CACHE_DIR": ""}) is None
    if sys.platform.startswith("linux"):
        assert cache_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/lrwatch")
        assert cache_folder({}) == Path.home() / ".cache" / "lrwatch"


def test_a_finding_survives_its_writing_down() -> None:
    evidence = [
        Evidence("a", 1.5, 2.0, fired=True, interval=(3, 9), note="<b>"),
        Evidence("b", note="could not run"),
    ]
    diagnosis = Diagnosis("diverging", "too_high", 0.9, 7, (3, 9), "why", evidence, "", 0.1, 10)
    grid = np.linspace(0, 1e7, 64)
    table = {"step": range(999), "loss": [math.inf, *range(998)], "lr": [0.1] * 999}
    summary = summarised(step_block(table))
    known = {"val_loss": MetricSummary(3, 0.5, 0.4, 0.9, 99, 80, 9, math.nan, rises=False)}
    clock = StepTimes(grid, grid / 3)
    finding = RunDigest(summary, diagnosis, (an_alert(),), clock, None, known)
    again = RunDigest.from_bytes(finding.as_bytes())
    assert (again.diagnosis, again.alerts) == (diagnosis, finding.alerts)
    assert str(again.metrics) == str(known)  # as NaN is not equal to itself
    assert again.summary.final_loss == summary.final_loss
    assert again.summary.losses.heights(64, 99) == summary.losses.heights(64, 99)
    assert np.array_equal(again.clock.seconds, finding.clock.seconds)
    empty = dataclasses.replace(finding, clock=StepTimes(grid[:0], grid[:0]))
    assert len(RunDigest.from_bytes(empty.as_bytes()).clock.steps) == 0


@pytest.mark.parametrize("packed", [b"", b"\x80", b"not one"])
def test_other_bytes_are_no_finding(packed: bytes) -> None:
    with pytest.raises(ValueError, match="not a finding"):
        RunDigest.from_bytes(packed)
