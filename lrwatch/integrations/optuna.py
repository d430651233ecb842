"""Optuna: a pruner that ends a trial when its learning rate is sure to be wrong.

::

    study = optuna.create_study(pruner=RatePruner(total_steps=500))

    def objective(trial):
        lr = trial.suggest_float("lr", 1e-5, 10, log=True)
        for step, loss in enumerate(train(lr)):
            trial.report(loss, step)            # the training loss, every step or every few
            if trial.should_prune():
                raise optuna.TrialPruned
"""

from __future__ import annotations

from typing import Any

from optuna.pruners import BasePruner
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial

from lrwatch.errors import InvalidArgument
from lrwatch.integrations.trial_judge import ReportedTrial, TrialJudge

__all__ = ["RatePruner"]


class RatePruner(BasePruner):
    """Prunes trials whose rate is too high or too low, by their own curve and by the others'.

    Parameters
    ----------
    rate
        Name of the parameter that is the learning rate.
    total_steps
        Number of steps of a whole trial, as `Trial.report` counts them.
    confidence
        How sure a verdict must be.
    """

    def __init__(
        self, rate: str = "lr", *, total_steps: int | None = None, confidence: float = 0.9
    ) -> None:
        self._rate = rate
        self._judge = TrialJudge(confidence=confidence, total_steps=total_steps)

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether to end the trial now."""
        if study.direction is not StudyDirection.MINIMIZE:
            raise InvalidArgument("RatePruner judges losses: the study must minimize")
        if self._rate not in trial.params:
            raise InvalidArgument(f"the trial has no parameter {self._rate!r}; give rate=...")
        others = study.get_trials(deepcopy=False)
        told = [self._reported(each) for each in others if self._rate in each.params]
        return self._judge.is_wrong(self._reported(trial), told)

    def _reported(self, trial: FrozenTrial) -> ReportedTrial:
        settings: dict[str, Any] = {k: v for k, v in trial.params.items() if k != self._rate}
        losses = dict(sorted(trial.intermediate_values.items()))
        return ReportedTrial(trial.number, float(trial.params[self._rate]), settings, losses)
