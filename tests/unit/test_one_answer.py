"""One question, one answer: every door of lrwatch gives the same number for the same store."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from alert_samples import HandClock, aged
from lrwatch_dashboard.data import RunStore
from lrwatch_dashboard.data.loaded_run import LoadedRun
from lrwatch_dashboard.data.sweeps import find_sweeps, with_next_rate
from stores import new_writer, row, write_run

import lrwatch
from lrwatch.alerts.explaining import replay
from lrwatch.alerts.store_watch import StoreWatch
from lrwatch.cli import main
from lrwatch.comparing import suggest_each
from lrwatch.following import judged
from lrwatch.store import RunReader, list_runs
from lrwatch.store.writer import Row, RunWriter

pytestmark = pytest.mark.slow

Captured = pytest.CaptureFixture[str]


def page(store: Path, *, alone: bool = False) -> RunStore:
    runs = RunStore(store, threaded=False, alone=alone)
    runs.refresh()
    return runs


@pytest.fixture
def noisy_sweep(tmp_path: Path) -> Path:
    """Four rates whose losses are so skewed that the mean and the mean logarithm disagree."""
    noise = np.random.default_rng(5)
    for lr, level, spread in ((0.01, 1.3, 0.1), (0.03, 1.0, 0.1), (0.1, 0.9, 1.2), (0.3, 1.6, 0.1)):
        loss = level * np.exp(spread * noise.standard_normal(1000)) + 3 * np.exp(
            -np.arange(1000) / 90
        )
        values = {"loss": loss.tolist(), "lr": [lr] * 1000}
        write_run(tmp_path, f"lr-{lr}", steps=range(1000), values=values, config={"lr": lr})
    return tmp_path


def test_where_a_run_ended(noisy_sweep: Path) -> None:
    by_compare = lrwatch.compare(noisy_sweep).sweeps[0].losses
    by_page = {run.view.key: run.loss for run in find_sweeps(page(noisy_sweep).runs())[0].runs}
    by_follower = {e.key: judged(e).summary.final_loss for e in list_runs(noisy_sweep)}
    assert by_compare == by_page == by_follower
    for key, loss in by_compare.items():
        rows = lrwatch.read(noisy_sweep / key)["loss"]
        assert loss == pytest.approx(rows[-(len(rows) // 16) :].mean(), rel=0.05)


def test_which_rate_won(noisy_sweep: Path) -> None:
    by_compare = lrwatch.compare(noisy_sweep).sweeps[0]
    by_page = find_sweeps(page(noisy_sweep).runs())[0]
    assert by_compare.choice.best == by_page.choice.best == 0.03
    assert by_compare.reason == by_page.choice.reason


def pace(lr: float) -> float:
    """How fast a loss falls at a rate that is best at 0.1."""
    return 0.03 / (1 + 20 * abs(math.log10(lr / 0.1)))


@pytest.mark.parametrize(
    "rates",
    [(0.001, 0.003), (0.01, 0.03), (0.01, 0.0995, 1.0), (0.03, 0.1, 0.3, 3.0)],
    ids=str,
)
def test_which_rate_is_to_be_tried(tmp_path: Path, rates: tuple[float, ...]) -> None:
    noise = np.random.default_rng(0)
    for lr in rates:
        loss = 2.3 * np.exp(-pace(lr) * np.arange(400)) + 0.02 * noise.standard_normal(400)
        values = {"loss": loss.tolist(), "lr": [lr] * 400}
        write_run(tmp_path, f"lr-{lr}", steps=range(400), values=values, config={"lr": lr})
    rising = [1e-4 * 1.05**i for i in range(200)]
    losses = [2.3 - i / 200 if i < 150 else 2.0 * 1.1 ** (i - 150) for i in range(200)]
    write_run(tmp_path, "test", steps=range(200), values={"lr": rising, "loss": losses})
    (suggestion,) = suggest_each(tmp_path)
    source = page(tmp_path)
    views = source.runs()
    tests = [view for view in views if view.trial.is_range_test]
    (sweep,) = find_sweeps(views)
    by_page = with_next_rate(sweep, tests, source).next_rate
    assert len(tests) == 1
    assert suggestion.next_lr is not None
    assert all(abs(math.log10(suggestion.next_lr / lr)) > 0.02 for lr in rates)
    assert by_page == suggestion.next_lr


def test_which_runs_make_a_sweep(tmp_path: Path) -> None:
    for lr in (0.1, 0.2, 0.4):
        values = {"lr": [lr] * 40, "loss": [2.3 - i / 100 for i in range(40)]}
        write_run(tmp_path, f"ten-{lr}", steps=range(40), values=values)
        values = {"lr": [lr] * 40, "loss": [6.9 - i / 100 for i in range(40)]}
        write_run(tmp_path, f"thousand-{lr}", steps=range(40), values=values)
    rising = [0.001 * 1.2**i for i in range(40)]
    write_run(tmp_path, "no-rate", steps=range(40), values={"lr": [float("nan")] * 40})
    write_run(tmp_path, "test", steps=range(40), values={"lr": rising})
    by_compare = [set(sweep.runs) for sweep in lrwatch.compare(tmp_path).sweeps]
    by_page = [{run.view.key for run in sweep.runs} for sweep in find_sweeps(page(tmp_path).runs())]
    assert sorted(map(sorted, by_compare)) == sorted(map(sorted, by_page))
    assert {"ten-0.1", "ten-0.2", "ten-0.4"} in by_compare
    assert not any("no-rate" in keys for keys in by_compare)


def compiling(writer: RunWriter) -> None:
    for step in range(5):
        writer.append(timed(writer, step, 400 + 5 - step))


def complete(writer: RunWriter) -> None:
    for step in range(40):
        writer.append(timed(writer, step, 400 + 40 - step))


def evaluating(writer: RunWriter) -> None:
    for step in range(60):
        pause = 250 if step < 30 else 0
        writer.append(timed(writer, step, 400 + 60 - step + pause))


def stuck(writer: RunWriter) -> None:
    for step in range(40, 100):
        writer.append(timed(writer, step, 400 + 100 - step))


def timed(writer: RunWriter, step: int, seconds_ago: float) -> Row:
    return row(step, writer, loss=2 / (1 + step))._replace(
        time=int((time.time() - seconds_ago) * 1e6)
    )


@pytest.mark.parametrize(
    ("write", "total_steps", "state"),
    [
        (compiling, None, "running"),
        (complete, 40, "running"),
        (evaluating, None, "running"),
        (stuck, None, "silent"),
    ],
)
def test_whether_rows_still_come(
    tmp_path: Path, write: Callable[[RunWriter], None], total_steps: int | None, state: str
) -> None:
    """400 s after its last row, with its process alive: by watcher, page, metrics and alerts."""
    writer = new_writer(tmp_path, "run", total_steps=total_steps)
    write(writer)
    aged(tmp_path / "run", 400)
    is_silent = state == "silent"
    (view,) = page(tmp_path).runs()
    assert view.state == state
    seen = StoreWatch(tmp_path, max_age=86400.0).look()
    assert [(one.alert.rule, one.run_state) for one in seen.alerts] == (
        [("no_data", "silent")] if is_silent else []
    )
    assert [alert.rule for alert in view.alerts] == (["no_data"] if is_silent else [])
    assert dict(page(tmp_path).alerts.board().by_state) == (
        {("no_data", "page", "firing"): 1} if is_silent else {}
    )


def test_steps_that_are_written_again_count_once(tmp_path: Path) -> None:
    steps = [*range(100), *range(60, 120)]
    loss = [2.0] * 100 + [1.0] * 60
    path = write_run(tmp_path, "again", steps=steps, values={"loss": loss})
    frame = lrwatch.read(path)
    assert frame["step"].tolist() == list(range(120))
    assert frame["loss"].tolist() == [2.0] * 60 + [1.0] * 60
    (entry,) = list_runs(tmp_path)
    summary = judged(entry).summary
    assert (summary.n_steps, summary.last_step, summary.final_loss) == (120, 119, 1.0)
    lines = LoadedRun(path).curves(half_life=0)
    assert lines.loss.x.tolist() == frame["step"].tolist()
    assert lines.loss.y.tolist() == frame["loss"].tolist()
    assert lines.resumes == (60,)


def test_a_step_that_comes_twice_is_a_step_written_again(tmp_path: Path) -> None:
    path = write_run(tmp_path, "twice", steps=[0, 1, 2, 2, 3], values={"loss": [9, 9, 9, 1, 1]})
    assert lrwatch.read(path)["loss"].tolist() == [9, 9, 1, 1]
    lines = LoadedRun(path).curves(half_life=0)
    assert lines.loss.y.tolist() == [9, 9, 1, 1]
    (entry,) = list_runs(tmp_path)
    assert judged(entry).summary.losses.means.tolist() == [9, 9, 1, 1]


@pytest.fixture
def broken_store(tmp_path: Path) -> Path:
    store = tmp_path / "somewhere-secret"
    write_run(store, "no-json", steps=range(5))
    (store / "no-json" / "run.json").unlink()
    write_run(store, "bad-json", steps=range(5))
    (store / "bad-json" / "run.json").write_text("{")
    damaged = write_run(store, "bad-part", steps=range(5))
    next((damaged / "steps").glob("*.parquet")).write_bytes(b"garbage")
    for name in ("no-json", "bad-json", "bad-part"):
        aged(store / name, 120)
    return store


def texts_of(store: Path) -> Iterator[str]:
    runs = page(store)
    for view in runs.runs():
        yield view.problem
        yield view.reason
        yield from (alert.reason for alert in view.alerts)
    for one in StoreWatch(store, max_age=86400.0).look().alerts:
        yield f"{one.alert.reason} {one.alert.advice} {one.alert.run}"


def test_no_text_says_where_the_store_is(broken_store: Path, capsys: Captured) -> None:
    texts = list(texts_of(broken_store))
    assert sum(bool(text) for text in texts) > 6
    assert not [text for text in texts if "somewhere-secret" in text]
    main(["ls", str(broken_store), "--json"])
    for listed in json.loads(capsys.readouterr().out):
        assert "somewhere-secret" not in listed["problem"]


def printed(capsys: Captured, *arguments: str) -> dict[str, tuple[str, str, float]]:
    main([*arguments, "--json"])
    listed = json.loads(capsys.readouterr().out)
    return {run["run"]: (run["verdict"], run["reason"], run["confidence"]) for run in listed}


def shown(runs: RunStore) -> dict[str, tuple[str, str, float]]:
    found = {view.key: view.diagnosis for view in runs.runs()}
    return {key: (d.verdict, d.reason, d.confidence) for key, d in found.items() if d}


def test_the_verdict_on_a_run_beside_its_siblings(noisy_sweep: Path, capsys: Captured) -> None:
    by_call = {
        key: (found.verdict, found.reason, found.confidence)
        for key, found in lrwatch.diagnose_sweep(noisy_sweep).items()
    }
    assert by_call["lr-0.3"][0] == "oscillating"
    assert printed(capsys, "check", str(noisy_sweep)) == by_call
    assert printed(capsys, "check", *map(str, noisy_sweep.iterdir())) == by_call
    assert printed(capsys, "ls", str(noisy_sweep)) == by_call
    assert shown(page(noisy_sweep)) == by_call
    assert {view.key: view.trial.verdict for view in page(noisy_sweep).runs()} == {
        key: verdict for key, (verdict, _, _) in by_call.items()
    }
    assert lrwatch.compare(noisy_sweep).verdicts == {
        key: verdict for key, (verdict, _, _) in by_call.items()
    }


def test_the_verdict_on_a_run_alone(noisy_sweep: Path, capsys: Captured) -> None:
    found = {entry.key: lrwatch.diagnose(entry.path) for entry in list_runs(noisy_sweep)}
    by_call = {key: (d.verdict, d.reason, d.confidence) for key, d in found.items()}
    assert by_call["lr-0.3"][0] != "oscillating"
    assert printed(capsys, "check", str(noisy_sweep), "--alone") == by_call
    assert printed(capsys, "ls", str(noisy_sweep), "--alone") == by_call
    assert shown(page(noisy_sweep, alone=True)) == by_call
    # A run that is asked for without others is alone.
    assert printed(capsys, "check", str(noisy_sweep / "lr-0.3"))["lr-0.3"] == by_call["lr-0.3"]


def live_sweep(store: Path, n_steps: int) -> dict[str, RunWriter]:
    """A finished run, and one whose rate is so high that it has come down much less."""
    noise = 0.02 * np.random.default_rng(3).standard_normal((2, 1000))
    loss = {
        "good": 0.4 + 1.9 * np.exp(-np.arange(1000) / 80) + noise[0],
        "high": 1.6 + 0.7 * np.exp(-np.arange(1000) / 80) + noise[1],
    }
    writers = {}
    for name, lr, n, status in (("good", 0.01, 1000, "finished"), ("high", 0.3, n_steps, None)):
        writers[name] = new_writer(store, name)
        for step in range(n):
            values = {"loss": float(loss[name][step]), "lr": lr}
            writers[name].append(row(step, writers[name], **values))
        if status:
            writers[name].close(status)
    return writers


def go_on(writer: RunWriter, first: int, last: int) -> None:
    for step in range(first, last):
        writer.append(row(step, writer, loss=1.6, lr=0.3))


@pytest.mark.parametrize("alone", [False, True])
def test_what_is_alerted_on_a_run_beside_its_siblings(
    tmp_path: Path, alone: bool, capsys: Captured
) -> None:
    """By watcher and page, at the second look that agrees; alone, nothing is wrong with it."""
    writer = live_sweep(tmp_path, 300)["high"]
    watch = StoreWatch(tmp_path, max_age=86400.0, clock=HandClock(), alone=alone)
    runs = page(tmp_path, alone=alone)
    assert {one.alert.state for one in watch.look().alerts} <= {"pending"}
    assert [view.alerts for view in runs.runs()] == [(), ()]
    go_on(writer, 300, 400)
    alerts = [one for one in watch.look().alerts if one.alert.state == "firing"]
    said = [(one.run_key, one.alert.rule, one.alert.reason) for one in alerts]
    runs.refresh()
    by_page = [(v.key, a.rule, a.reason) for v in runs.runs() for a in v.alerts]
    options = ["--alone"] if alone else []
    verdict, reason, _ = printed(capsys, "check", str(tmp_path), *options)["high"]
    assert said == by_page == ([] if alone else [("high", "too_high", reason)])
    assert (verdict == "oscillating") is not alone
    writer.close("finished")


def test_a_watcher_that_starts_anew_knows_the_siblings_that_ended(tmp_path: Path) -> None:
    writer = live_sweep(tmp_path, 300)["high"]
    first = StoreWatch(tmp_path, max_age=86400.0, clock=HandClock())
    judged_before = first.look().judged
    assert set(judged_before) == {"good"}
    watch = StoreWatch(tmp_path, max_age=86400.0, clock=HandClock(), judged=judged_before)
    watch.look()
    go_on(writer, 300, 400)
    said = {(one.run_key, one.alert.rule, one.alert.state) for one in watch.look().alerts}
    assert said == {("high", "too_high", "firing")}
    writer.close("finished")


def test_what_is_alerted_on_a_run_that_diverges(tmp_path: Path) -> None:
    loss = [2.0 - i / 100 for i in range(60)] + [float("nan")] * 60
    write_run(tmp_path, "bad", steps=range(120), values={"loss": loss}, status=None)
    (view,) = page(tmp_path).runs()
    seen = StoreWatch(tmp_path, max_age=86400.0, clock=HandClock()).look().alerts
    reader = RunReader(tmp_path / "bad")
    replayed = list(replay(reader.info, reader.read_new()))
    assert [alert.id for alert in view.alerts] == [one.alert.id for one in seen]
    assert [alert.reason for alert in view.alerts] == [replayed[0].reason]


def test_how_old_a_file_is_does_not_depend_on_the_door(tmp_path: Path) -> None:
    write_run(tmp_path, "a", status=None)
    then = time.time() - 3600
    for path in (tmp_path / "a").rglob("*"):
        os.utime(path, (then, then))
    (entry,) = list_runs(tmp_path)
    assert judged(entry).quiet_seconds == pytest.approx(3600, abs=60)


@pytest.mark.parametrize("has_norms", [False, True])
def test_which_rate_to_try_after_a_run_has_died(tmp_path: Path, *, has_norms: bool) -> None:
    """The training log and a message are as old as the alarm; table and page are of the end."""
    n, dies = 300, 41
    loss = np.where(np.arange(n) < dies, 2 - np.arange(n) / 100, np.nan)
    loss[dies - 1] = 3.5e36
    values = {"loss": loss, "lr": np.full(n, 0.5)}
    if has_norms:
        norm = np.where(np.arange(n) < dies, 1.02 ** np.arange(n), np.nan)
        values |= {"grad_norm": norm, "update_norm": 0.5 * norm, "param_norm": 9 + norm}
    write_run(tmp_path, steps=range(n), values=values)
    alarms = lrwatch.Monitor().update(lrwatch.read(tmp_path / "run"))
    by_alarm = {alarm.suggested_lr for alarm in alarms if alarm.step >= dies}
    reader = RunReader(tmp_path / "run")
    told = [alert for alert in replay(reader.info, reader.read_new()) if alert.step >= dies]
    by_message = {alert.suggested_lr for alert in told}
    by_check = lrwatch.diagnose(tmp_path / "run").suggested_lr
    by_page = page(tmp_path).runs()[0].suggested_lr
    assert by_alarm == by_message == {by_check} == {by_page}
    assert by_check is not None
    assert all(f"{by_check:g}" in alert.advice for alert in told)
