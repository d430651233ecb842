"""Trials whose rate is sure to be wrong end early; the others, and those not sure, go on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from synthetic_runs import EDGE, descent

from lrwatch.errors import InvalidArgument
from lrwatch.integrations.ray import RateStopper
from lrwatch.integrations.trial_judge import ReportedTrial, TrialJudge

pytestmark = pytest.mark.slow

N_STEPS = 200


def losses(lr: float) -> dict[int, float]:
    return dict(enumerate(descent(lr, n_steps=N_STEPS)["loss"].tolist()))


def trial(lr: float, n: int = N_STEPS, **settings: Any) -> ReportedTrial:
    return ReportedTrial(f"{lr}", lr, settings, dict(list(losses(lr).items())[:n]))


GOOD = EDGE / 3


def test_a_trial_that_breaks_is_wrong_and_a_good_one_is_not() -> None:
    judge = TrialJudge(total_steps=N_STEPS)
    assert judge.is_wrong(trial(EDGE * 3), [])
    assert not judge.is_wrong(trial(GOOD), [])


def test_a_trial_far_behind_the_others_is_wrong() -> None:
    judge = TrialJudge(total_steps=N_STEPS)
    slow = trial(EDGE / 3000)
    assert judge.diagnosis(slow, [trial(GOOD)]).learning_rate == "too_low"
    assert judge.is_wrong(slow, [slow, trial(GOOD)])


def test_only_trials_with_the_same_settings_are_compared() -> None:
    judge = TrialJudge(total_steps=N_STEPS)
    slow = trial(EDGE / 300, width=4)
    alone = judge.diagnosis(slow, [trial(GOOD, width=8)])
    beside = judge.diagnosis(slow, [trial(GOOD, width=4, seed=3)])
    assert alone.reason != beside.reason
    assert "0.00666" in beside.reason


def test_a_trial_is_looked_at_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    judge, looks = TrialJudge(), []
    original = judge.diagnosis

    def counting(*args: Any) -> Any:
        looks.append(len(args[0].losses))
        return original(*args)

    monkeypatch.setattr(judge, "diagnosis", counting)
    for n in range(1, 101):
        judge.is_wrong(trial(GOOD, n), [])
    assert len(looks) < 30


def test_confidence_is_a_probability() -> None:
    with pytest.raises(InvalidArgument, match="between 0 and 1"):
        TrialJudge(confidence=90)


def reports(lr: float) -> Iterator[dict[str, Any]]:
    for step, loss in losses(lr).items():
        yield {"training_iteration": step + 1, "loss": loss, "config": {"lr": lr}}


def test_ray_stops_the_trial_and_never_the_experiment() -> None:
    stopper = RateStopper(total_steps=N_STEPS)
    stopped = {lr: [stopper(str(lr), each) for each in reports(lr)] for lr in (GOOD, EDGE * 3)}
    assert not any(stopped[GOOD])
    assert any(stopped[EDGE * 3][: N_STEPS // 2])
    assert not stopper("other", {"loss": 1.0})
    assert not stopper.stop_all()


def test_optuna_prunes_what_breaks_and_keeps_what_is_good() -> None:
    optuna = pytest.importorskip("optuna")
    from lrwatch.integrations.optuna import RatePruner

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(pruner=RatePruner(total_steps=N_STEPS))
    for lr in (GOOD, EDGE * 3):
        study.enqueue_trial({"lr": lr})

    def objective(trial: Any) -> float:
        found = losses(trial.suggest_float("lr", 1e-6, 1, log=True))
        for step, loss in found.items():
            trial.report(loss, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return found[N_STEPS - 1]

    study.optimize(objective, n_trials=2)
    good, broken = study.get_trials()
    assert good.state.name == "COMPLETE"
    assert broken.state.name == "PRUNED"
    assert len(broken.intermediate_values) < N_STEPS / 2


def test_optuna_is_told_what_cannot_be_judged() -> None:
    optuna = pytest.importorskip("optuna")
    from lrwatch.integrations.optuna import RatePruner

    def objective(trial: Any) -> float:
        trial.suggest_float("rate", 0.1, 1)
        trial.report(1.0, 0)
        trial.should_prune()
        return 1.0

    with pytest.raises(InvalidArgument, match="no parameter 'lr'"):
        optuna.create_study(pruner=RatePruner()).optimize(objective, n_trials=1)
    up = optuna.create_study(direction="maximize", pruner=RatePruner("rate"))
    with pytest.raises(InvalidArgument, match="must minimize"):
        up.optimize(objective, n_trials=1)


@pytest.mark.parametrize(
    ("times", "n_steps", "ends"), [(5, 30, False), (30, 30, True), (5, 90, True)]
)
def test_early_a_neighbour_that_leads_ends_no_trial_and_a_far_one_does(
    times: float, n_steps: int, ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, behind = TrialJudge(total_steps=N_STEPS), trial(GOOD, n_steps)
    found = judge.diagnosis(behind, [])
    slow = dataclasses.replace(
        found, learning_rate="too_low", confidence=0.97, suggested_lr=GOOD * times
    )
    monkeypatch.setattr(judge, "diagnosis", lambda *_: slow)
    assert judge.is_wrong(behind, []) == ends
