"""Alerts of runs that this process records, in real loops."""

from __future__ import annotations

import errno
import gc
import logging
import os
import shutil
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from unstable_training import STABLE, UNSTABLE, Training

import lrwatch
from lrwatch.alerts import Alert, Rule
from lrwatch.alerts.training_thread import RunInTraining
from lrwatch.store.journal import JournalWriter

pytestmark = pytest.mark.slow  # `make test` runs it, `make check` does not


@pytest.fixture(autouse=True)
def no_thread_is_left(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    caplog.set_level(logging.INFO, "lrwatch")
    monkeypatch.setattr("lrwatch.alerts.training_thread._LOOK_SECONDS", (0.01, 0.02))
    yield
    if threads():
        gc.collect()  # runs that a test left open
    for _ in Training.patiently():
        if not threads():
            return


def threads() -> list[threading.Thread]:
    names = ("lrwatch alerts", "lrwatch on_alert")
    return [thread for thread in threading.enumerate() if thread.name in names]


def watch(training: Training, folder: Path, **options: Any) -> lrwatch.Run:
    return lrwatch.watch(training.optimizer, dir=folder, **options)


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def test_a_run_that_diverges_is_told_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training = Training(UNSTABLE)
    run = watch(training, tmp_path, name="hot")
    training.until(lambda: warned(caplog))
    training.steps(200)
    run.finish()
    (line,) = warned(caplog)
    assert line.startswith("hot ")
    assert "\n" not in line
    assert lrwatch.diagnose(run.path).advice in line
    assert caplog.records[0].name == "lrwatch"


def test_a_run_that_is_well_is_not_spoken_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training = Training(STABLE)
    with watch(training, tmp_path, on_alert=print):
        training.steps(300)
    assert caplog.records == []


def test_a_short_run_is_told_at_its_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    training, told = Training(UNSTABLE), threading.Event()
    with watch(training, tmp_path, on_alert=lambda alert: told.set()):
        training.steps(40)
    assert told.wait(60)
    assert len(warned(caplog)) == 1


def test_a_run_that_is_interrupted_is_not_looked_at_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.alerts.training_thread._LOOK_SECONDS", (3600, 3600))
    training = Training(UNSTABLE)

    def loop() -> None:
        with watch(training, tmp_path):
            training.steps(40)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert caplog.records == []


def test_an_end_that_waits_no_longer_still_waits_for_the_look_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, may_go_on = threading.Event(), threading.Event()

    def look(*_: object, **__: object) -> list[Alert]:
        looking.set()
        may_go_on.wait()
        return []

    monkeypatch.setattr("lrwatch.recording.run._PATIENCE", 0.01)
    monkeypatch.setattr("lrwatch.following.run.FollowedRun.advance", look)
    training = Training(STABLE)
    run = watch(training, tmp_path)
    training.steps(1)
    assert looking.wait(60)
    (follower,) = threads()
    ending = threading.Thread(target=run.finish)
    ending.start()
    # Longer than its patience, which is over at once; a slow machine makes this no stricter.
    ending.join(0.5)
    assert ending.is_alive()
    may_go_on.set()
    ending.join()
    follower.join(60)
    assert not follower.is_alive()


@pytest.mark.parametrize("off", [False, None])
def test_alerts_can_be_off(tmp_path: Path, caplog: pytest.LogCaptureFixture, off: None) -> None:
    training = Training(UNSTABLE)
    with watch(training, tmp_path, alerts=off):
        assert threads() == []
        training.steps(40)
    assert caplog.records == []


def test_a_function_is_called_with_the_alert_off_the_training_thread(tmp_path: Path) -> None:
    training = Training(UNSTABLE)
    calls: list[tuple[Alert, threading.Thread]] = []

    def note(alert: Alert) -> None:
        calls.append((alert, threading.current_thread()))

    run = watch(training, tmp_path, name="hot", on_alert=note)
    training.until(lambda: calls)
    run.finish()
    ((alert, thread),) = calls
    assert (alert.run, alert.run_id, alert.state) == ("hot", run.id, "firing")
    assert alert.learning_rate == "too_high"
    assert thread is not threading.main_thread()


def test_what_a_function_raises_is_logged_once_and_the_next_one_is_called(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[Alert] = []

    def fails(alert: Alert) -> None:
        raise ValueError("no network")

    training = Training(UNSTABLE)
    rules = [
        Rule("first", "page", frozenset({"diverging", "exploding"})),
        Rule("second", "page", frozenset({"diverging", "exploding"})),
    ]
    run = watch(training, tmp_path, alerts=rules, on_alert=[fails, calls.append])
    training.until(lambda: len(calls) == 2)
    run.finish()
    errors = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "fails" in errors[0].getMessage()
    assert errors[0].exc_info is not None


def test_a_slow_function_holds_up_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    training, other = Training(UNSTABLE), Training(UNSTABLE)
    is_called, go_on = threading.Event(), threading.Event()

    def slow(alert: Alert) -> None:
        is_called.set()
        go_on.wait(60)

    run = watch(training, tmp_path, name="slow", on_alert=slow)
    training.until(is_called.is_set)
    with watch(other, tmp_path, name="other"):
        other.until(lambda: len(warned(caplog)) == 2)
    training.steps(5)
    go_on.set()
    run.finish()


def test_one_thread_follows_all_runs_and_ends_with_the_last(tmp_path: Path) -> None:
    trainings = [Training(STABLE) for _ in range(3)]
    runs = [watch(training, tmp_path) for training in trainings]
    assert len(threads()) == 1
    for run in runs:
        run.finish()
    for _ in Training.patiently():
        if not threads():
            break
    with watch(trainings[0], tmp_path):
        assert len(threads()) == 1


def test_a_run_that_nobody_holds_is_let_go(tmp_path: Path) -> None:
    watch(Training(STABLE), tmp_path)  # `no_thread_is_left` waits for the rest


def test_an_optimizer_that_is_gone_ends_its_run_with_handlers_too(tmp_path: Path) -> None:
    training = Training(STABLE)
    path = watch(training, tmp_path, on_alert=[print, lrwatch.StopTraining()]).path
    training.steps(3)
    del training
    gc.collect()
    assert lrwatch.store.read_run_info(path).status == "finished"


def test_a_run_that_diverges_is_stopped(tmp_path: Path) -> None:
    training = Training(UNSTABLE)
    run = watch(training, tmp_path, on_alert=lrwatch.StopTraining())
    with pytest.raises(lrwatch.TrainingStopped):
        training.until(lambda: False)
    assert len(lrwatch.read(run.path)) == training.n_steps


def test_every_optimizer_of_a_job_is_looked_at(tmp_path: Path) -> None:
    good, bad = Training(STABLE), Training(UNSTABLE)
    calls: list[Alert] = []
    optimizers = {"good": good.optimizer, "bad": bad.optimizer}
    with lrwatch.watch(optimizers, dir=tmp_path, on_alert=calls.append):
        good.steps(40)
        bad.until(lambda: calls)
    assert [alert.run for alert in calls] == ["bad"]


def test_a_run_that_is_resumed_is_not_told_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training = Training(UNSTABLE)
    with watch(training, tmp_path, name="hot"):
        training.steps(40)
    assert len(warned(caplog)) == 1
    with watch(training, tmp_path, name="hot", resume=True):
        training.steps(40)
    assert len(warned(caplog)) == 1


def test_a_disk_that_is_full_stops_neither_loop_nor_alerts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(UNSTABLE)
    append, is_full = JournalWriter.append, threading.Event()
    is_full.set()

    def refuse(self: JournalWriter, record: bytes) -> None:
        if is_full.is_set():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(self, record)

    monkeypatch.setattr(JournalWriter, "append", refuse)
    run = watch(training, tmp_path, name="hot")
    training.steps(40)
    is_full.clear()
    run.finish()
    assert any(line.startswith("hot ") for line in warned(caplog))


def test_a_folder_that_is_deleted_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training = Training(STABLE)
    run = watch(training, tmp_path)
    shutil.rmtree(run.path)
    looked = RunInTraining(run.path, rules=lrwatch.alerts.RULES)
    looked.look()
    training.steps(5)
    looked.look()
    run.finish()
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


def test_a_fault_of_ours_ends_the_watching_and_not_the_recording(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("lrwatch.alerts.run_alerts.RunAlerts.update", fail)
    training = Training(STABLE)
    with watch(training, tmp_path) as run:
        training.steps(30)
    (line,) = warned(caplog)
    assert "cannot judge" in line
    assert len(lrwatch.read(run.path)) == 30


@pytest.mark.parametrize("error", [ZeroDivisionError("ours"), OSError("full")])
def test_logging_that_fails_does_not_end_the_watching_of_other_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise ValueError("closed")

    def fail(*_: object, **__: object) -> None:
        raise error

    logger = logging.getLogger("lrwatch")
    with monkeypatch.context() as patch:
        patch.setattr(logger, "level", logging.DEBUG)
        patch.setattr(logger, "handlers", [Broken()])
        patch.setattr("lrwatch.following.run.FollowedRun.advance", fail)
        RunInTraining(tmp_path, rules=lrwatch.alerts.RULES).look()


def test_a_fork_follows_its_own_runs_and_none_of_its_parent(tmp_path: Path) -> None:
    training = Training(UNSTABLE)
    run = watch(training, tmp_path)
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of threads, which is what this is about
        child = os.fork()
    if child == 0:
        report = b"-"
        try:
            run.finish()  # the parent's: nothing to wait for
            own = Training(UNSTABLE)
            calls: list[Alert] = []
            with watch(own, tmp_path, name="fork", on_alert=calls.append):
                own.until(lambda: calls)
            report = calls[0].run.encode()
        finally:
            os.write(writer, report)
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert pipe.read() == "fork"
    os.waitpid(child, 0)
    assert len(threads()) == 1
    run.finish()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"alerts": "loud"}, "page, ticket, info"),
        ({"alerts": 3}, "list of rules"),
        ({"alerts": []}, "list of rules"),
        ({"alerts": ["diverge"]}, "diverging, too_high, too_low"),
        ({"on_alert": 3}, "plain function"),
        ({"on_alert": [print, "x"]}, "plain function"),
        ({"on_alert": lrwatch.StopTraining}, r"write StopTraining\(\)"),
        ({"on_alert": print, "alerts": False}, "leave out alerts"),
    ],
)
def test_what_is_not_allowed_is_said_at_the_door(
    tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(lrwatch.LrwatchError, match=said):
        watch(Training(), tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_coroutine_is_refused(tmp_path: Path) -> None:
    async def later(alert: Alert) -> None: ...

    with pytest.raises(ValueError, match="plain function"):
        watch(Training(), tmp_path, on_alert=later)


@pytest.mark.parametrize("alerts", ["page", ["diverging"], [lrwatch.alerts.RULES[0]]])
def test_which_alerts_can_be_chosen(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, alerts: Any
) -> None:
    training = Training(UNSTABLE)
    with watch(training, tmp_path, alerts=alerts):
        training.steps(40)
    assert len(warned(caplog)) == 1


def test_alerts_that_are_not_asked_for_are_not_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training = Training(UNSTABLE)
    with watch(training, tmp_path, alerts=["too_low"]):
        training.steps(40)
    assert caplog.records == []
