"""Handlers that act on the training, in real loops, each because of an alert at step 20."""

from __future__ import annotations

import logging
import math
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from alert_samples import an_alert
from scripted_alerts import script_alerts
from unstable_training import STABLE, Training

import lrwatch
from lrwatch.alerts import Alert, TrainingHandler
from lrwatch.alerts import Training as ActedOn
from lrwatch.capture import sharding
from lrwatch.store import read_run_info

pytestmark = pytest.mark.slow  # `make test` runs it, `make check` does not

LR_CUT = "lrwatch/lr_cut"


@pytest.fixture(autouse=True)
def quick_alerts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lrwatch.alerts.training_thread._LOOK_SECONDS", (0.01, 0.02))


@pytest.fixture
def patch(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


def fires(patch: pytest.MonkeyPatch, **fields: Any) -> None:
    script_alerts(patch, an_alert(step=20, **fields))


def watch(training: Training, folder: Path, *handlers: Any) -> lrwatch.Run:
    return lrwatch.watch(training.optimizer, dir=folder, name="sgd", on_alert=list(handlers))


def rate(training: Training) -> float:
    return float(training.optimizer.param_groups[0]["lr"])


# -- StopTraining ----------------------------------------------------------------------------------


def test_training_is_stopped_before_a_weight_changes(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    fires(patch)
    training = Training(STABLE)
    run = watch(training, tmp_path, lrwatch.StopTraining())
    before: list[torch.Tensor] = []

    def never() -> bool:
        before[:] = training.weights()
        return False

    with pytest.raises(lrwatch.TrainingStopped) as caught:
        training.until(never)
    assert all(map(torch.equal, training.weights(), before))
    assert len(lrwatch.read(run.path)) == training.n_steps > 20
    assert read_run_info(run.path).status == "interrupted"
    error = caught.value
    assert isinstance(error, RuntimeError)
    assert error.alert is not None
    assert error.alert.run == "sgd"
    for part in ("sgd", error.alert.reason, error.alert.advice):
        assert part in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.alert) == (str(error), error.alert)


def test_a_context_manager_keeps_the_status_and_passes_the_stop_on(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    fires(patch)
    training = Training(STABLE)
    with (
        pytest.raises(lrwatch.TrainingStopped),
        watch(training, tmp_path, lrwatch.StopTraining()) as run,
    ):
        training.until(lambda: False)
    assert read_run_info(run.path).status == "interrupted"


def test_every_run_of_a_job_that_is_stopped_is_interrupted(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    fires(patch)
    optimizers = {"stopped": Training(STABLE), "other": Training(STABLE)}
    runs = lrwatch.watch(
        {name: training.optimizer for name, training in optimizers.items()},
        dir=tmp_path,
        on_alert=lrwatch.StopTraining(),
    )
    with pytest.raises(lrwatch.TrainingStopped), runs:
        optimizers["stopped"].until(lambda: False)
    assert [read_run_info(run.path).status for run in runs.values()] == ["interrupted"] * 2


def test_a_sweep_goes_on_with_its_next_run(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    fires(patch)
    for _ in range(2):
        training = Training(STABLE)
        watch(training, tmp_path, lrwatch.StopTraining())
        with pytest.raises(lrwatch.TrainingStopped):
            training.until(lambda: False)
        training.step()  # who goes on may go on, unrecorded


@pytest.mark.parametrize(("severity", "is_stopped"), [("page", False), ("ticket", True)])
def test_only_what_is_severe_enough_stops(
    tmp_path: Path, patch: pytest.MonkeyPatch, severity: Any, is_stopped: bool
) -> None:
    fires(patch, severity="ticket", rule="too_low")
    training, told = Training(STABLE), threading.Event()
    watch(training, tmp_path, lrwatch.StopTraining(severity=severity), lambda alert: told.set())
    stopped = False
    try:
        training.until(told.is_set)
        training.steps(3)
    except lrwatch.TrainingStopped:
        stopped = True
    assert stopped is is_stopped
    lrwatch.watch(training.optimizer, dir=tmp_path, alerts=False).finish()


def test_a_step_with_a_closure_is_stopped_before_the_closure_runs(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    fires(patch)
    training = Training(STABLE)
    watch(training, tmp_path, lrwatch.StopTraining())
    n_calls = 0

    def closure() -> float:
        nonlocal n_calls
        n_calls += 1
        return training.loss().item()

    def loop() -> None:
        for _ in training.patiently():
            training.optimizer.step(closure)
            training.n_steps += 1

    with pytest.raises(lrwatch.TrainingStopped):
        loop()
    assert n_calls == training.n_steps


def test_a_run_whose_every_step_is_skipped_is_stopped_too(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    fires(patch)
    training = Training(STABLE)
    run = watch(training, tmp_path, lrwatch.StopTraining())
    scaler = torch.amp.GradScaler("cpu")

    def loop() -> None:
        for _ in training.patiently():
            scaler.scale(training.loss())
            for parameter in training.net.parameters():
                parameter.grad = torch.full_like(parameter, torch.nan)
            training.n_steps += 1
            scaler.step(training.optimizer)
            scaler.update()

    with pytest.raises(lrwatch.TrainingStopped):
        loop()
    assert lrwatch.read(run.path)["skipped"].tolist() == [True] * training.n_steps


# -- SaveCheckpoint --------------------------------------------------------------------------------


def test_a_checkpoint_is_saved_between_two_steps_on_the_training_thread(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    fires(patch)
    training = Training(STABLE)
    saved: list[tuple[str, list[torch.Tensor], threading.Thread]] = []

    def save(alert: Alert) -> None:
        saved.append((alert.rule, training.weights(), threading.current_thread()))

    run = watch(training, tmp_path, lrwatch.SaveCheckpoint(save))
    before: list[torch.Tensor] = []

    def is_saved() -> bool:
        before[:] = before if saved else training.weights()
        return bool(saved)

    training.until(is_saved)
    training.steps(5)
    run.finish()
    ((rule, weights, thread),) = saved
    assert rule == "diverging"
    assert all(map(torch.equal, weights, before))
    assert thread is threading.main_thread()
    assert lrwatch.read(run)["event/checkpoint"].sum() == 1


def test_a_checkpoint_comes_before_a_stop_that_is_listed_first(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    fires(patch)
    training = Training(STABLE)
    saved: list[Alert] = []
    watch(training, tmp_path, lrwatch.StopTraining(), lrwatch.SaveCheckpoint(saved.append))
    with pytest.raises(lrwatch.TrainingStopped):
        training.until(lambda: False)
    assert len(saved) == 1


def test_a_checkpoint_that_fails_is_logged_and_training_goes_on(
    tmp_path: Path, patch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fires(patch)

    def save(alert: Alert) -> None:
        raise OSError("no space left")

    training = Training(STABLE)
    run = watch(training, tmp_path, lrwatch.SaveCheckpoint(save))
    training.until(lambda: [r for r in caplog.records if r.levelno == logging.ERROR])
    training.steps(5)
    run.finish()
    (error,) = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert error.startswith("on_alert=SaveCheckpoint failed")
    assert len(lrwatch.read(run.path)) == training.n_steps


def test_a_handler_may_end_the_run(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    fires(patch)
    training = Training(STABLE)
    run = watch(training, tmp_path, lrwatch.SaveCheckpoint(lambda alert: run.finish()))
    training.until(lambda: read_run_info(run.path).status == "finished")
    training.steps(3)
    assert len(lrwatch.read(run.path)) < training.n_steps


# -- CutLearningRate -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suggested", "factor"), [(0.3 * STABLE, 0.3), (0.9 * STABLE, 0.5), (0.001 * STABLE, 0.1)]
)
def test_the_rate_is_cut_to_what_is_advised_within_bounds(
    tmp_path: Path, patch: pytest.MonkeyPatch, suggested: float, factor: float
) -> None:
    fires(patch, suggested_lr=suggested)
    training = Training(STABLE)
    run = watch(training, tmp_path, lrwatch.CutLearningRate())
    training.until(lambda: rate(training) < STABLE)
    training.steps(5)
    run.finish()
    assert rate(training) == pytest.approx(factor * STABLE)
    frame = lrwatch.read(run.path)
    (cut_at,) = frame.index[frame[LR_CUT].notna()]
    assert frame[LR_CUT][cut_at] == pytest.approx(factor)
    assert frame["lr"][:cut_at].tolist() == pytest.approx([STABLE] * cut_at)
    assert frame["lr"][cut_at:].tolist() == pytest.approx([factor * STABLE] * (len(frame) - cut_at))


def test_the_advice_is_about_the_peak_of_a_schedule(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    fires(patch, suggested_lr=0.4 * STABLE, lr=0.5 * STABLE)
    training = Training(STABLE)
    scheduler = torch.optim.lr_scheduler.LambdaLR(training.optimizer, lambda k: 0.999**k)
    run = watch(training, tmp_path, lrwatch.CutLearningRate())
    for _ in training.patiently():
        training.step()
        scheduler.step()
        if rate(training) < 0.5 * STABLE * 0.999**training.n_steps:
            break
    assert rate(training) == pytest.approx(0.4 * STABLE * 0.999**training.n_steps)
    run.finish()


def test_each_episode_cuts_once(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    script_alerts(
        patch,
        an_alert(step=10, suggested_lr=0.5 * STABLE),
        an_alert(step=12, suggested_lr=0.5 * STABLE, state="recovering"),
        an_alert(step=14, suggested_lr=0.5 * STABLE),
        an_alert(step=980, state="resolved"),
        an_alert(step=990, suggested_lr=0.5 * STABLE, episode=2),
    )
    training = Training(STABLE)
    run = watch(training, tmp_path, lrwatch.CutLearningRate())
    training.until(lambda: rate(training) < STABLE)
    training.steps(900 - training.n_steps)
    assert rate(training) == pytest.approx(0.5 * STABLE)
    training.until(lambda: rate(training) < 0.3 * STABLE)
    training.steps(20)
    run.finish()
    assert rate(training) == pytest.approx(0.25 * STABLE)


def test_two_alerts_of_the_same_steps_cut_once(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("lrwatch.alerts.training_thread._LOOK_SECONDS", (0.2, 0.3))
    script_alerts(
        patch,
        an_alert(step=1, suggested_lr=0.5 * STABLE, rule="too_high"),
        an_alert(step=2, suggested_lr=0.5 * STABLE),
    )
    training = Training(STABLE)
    run = watch(training, tmp_path, lrwatch.CutLearningRate())
    training.until(lambda: rate(training) < STABLE)
    training.steps(20)
    run.finish()
    assert rate(training) == pytest.approx(0.5 * STABLE)


@pytest.mark.parametrize(
    "fields",
    [{"learning_rate": "too_low", "suggested_lr": 0.5}, {"suggested_lr": None}],
    ids=["too low", "no advice"],
)
def test_only_advice_to_lower_the_rate_is_followed(fields: dict[str, Any]) -> None:
    assert not lrwatch.CutLearningRate().wants(an_alert(**fields))


def test_a_cut_in_a_step_with_a_closure_is_recorded_with_that_step(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    fires(patch, suggested_lr=0.5 * STABLE)
    training = Training(STABLE)
    run = watch(training, tmp_path, lrwatch.CutLearningRate())
    for _ in training.patiently():
        training.optimizer.step(lambda: training.loss().item())
        if rate(training) < STABLE:
            break
    run.finish()
    last = lrwatch.read(run.path).iloc[-1]
    assert (last["lr"], last[LR_CUT]) == pytest.approx((0.5 * STABLE, 0.5))


def test_a_script_that_sets_the_rate_itself_is_told_so_once(
    tmp_path: Path, patch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fires(patch, suggested_lr=0.5 * STABLE)
    training = Training(STABLE)
    run = watch(training, tmp_path, lrwatch.CutLearningRate())

    def set_back() -> bool:
        training.optimizer.param_groups[0]["lr"] = STABLE
        return any("is back at" in r.getMessage() for r in caplog.records)

    training.until(set_back)
    training.steps(5)
    run.finish()
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(said) == 3  # the alert, the cut, and that it did not last
    assert "cut the learning rate from 0.05 to 0.025" in said[1]


def test_a_schedule_that_keeps_the_cut_is_not_spoken_of(
    tmp_path: Path, patch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fires(patch, suggested_lr=0.5 * STABLE)
    training = Training(STABLE)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(training.optimizer, 10_000)
    with watch(training, tmp_path, lrwatch.CutLearningRate()):
        for _ in training.patiently():
            training.step()
            scheduler.step()
            if rate(training) < 0.6 * STABLE:
                break
        training.steps(5)
    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == 2


def test_a_cut_is_refused_where_several_processes_train(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    patch.setattr(sharding, "n_processes", lambda: 4)
    with pytest.raises(ValueError, match="4 processes"):
        watch(Training(STABLE), tmp_path, lrwatch.CutLearningRate())
    assert list(tmp_path.iterdir()) == []


# -- any handler -----------------------------------------------------------------------------------


def test_one_of_ones_own(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    class Halve(TrainingHandler):
        def act(self, alert: Alert, training: ActedOn) -> None:
            assert training.peak_lr == STABLE
            training.cut_learning_rate(0.5)

    fires(patch)
    training = Training(STABLE)
    with watch(training, tmp_path, Halve(severity="page")):
        training.until(lambda: math.isclose(rate(training), 0.5 * STABLE))


def test_an_optimizer_that_nobody_may_act_on_has_no_further_hook(tmp_path: Path) -> None:
    training = Training(STABLE)
    hooks = training.optimizer._optimizer_step_pre_hooks
    counts = []
    for handlers in ([print], [lrwatch.StopTraining()]):
        with watch(training, tmp_path, *handlers):
            counts.append(len(hooks))
    assert counts == [1, 2]
    assert len(hooks) == 0


def test_a_process_that_writes_nothing_does_nothing(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    fires(patch)
    patch.setattr(sharding, "rank", lambda: 1)
    training = Training(STABLE)
    with watch(training, tmp_path, lrwatch.StopTraining(), print):
        assert "lrwatch alerts" not in [thread.name for thread in threading.enumerate()]
        training.steps(30)


def test_a_severity_that_is_not_known_is_said_at_the_door() -> None:
    with pytest.raises(ValueError, match="page, ticket, info"):
        lrwatch.StopTraining(severity="high")  # type: ignore[arg-type]


def test_a_checkpoint_needs_a_function() -> None:
    with pytest.raises(ValueError, match="function of an alert"):
        lrwatch.SaveCheckpoint("model.pt")  # type: ignore[arg-type]


def test_a_handler_that_ends_the_run_leaves_no_hook(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    class Finish(TrainingHandler):
        def act(self, alert: Alert, training: ActedOn) -> None:
            run.finish()

    fires(patch)
    training = Training(STABLE)
    run = watch(training, tmp_path, Finish(severity="page"))
    training.until(lambda: read_run_info(run.path).status == "finished")
    training.step()
    hooks: list[Any] = [
        training.optimizer._optimizer_step_pre_hooks,
        training.optimizer._optimizer_step_post_hooks,
    ]
    assert [len(kind) for kind in hooks] == [0, 0]
