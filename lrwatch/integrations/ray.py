"""Ray Tune: a stopper that ends a trial when its learning rate is sure to be wrong.

::

    tune.Tuner(train, run_config=tune.RunConfig(stop=RateStopper(total_steps=500)))

Ray's package is not imported: a stopper is whatever is called with a trial and its result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrwatch.integrations.trial_judge import ReportedTrial, TrialJudge

__all__ = ["RateStopper"]


class RateStopper:
    """Stops trials whose rate is too high or too low, by their own curve and by the others'.

    Also for any loop of your own: call it with a name and a mapping, after each few steps.

    Parameters
    ----------
    rate, loss, step
        Names of the learning rate in a trial's ``config``, and of the training loss and the number
        of steps in what it reports.
    total_steps, confidence
        As for `TrialJudge`.
    """

    def __init__(
        self,
        rate: str = "lr",
        loss: str = "loss",
        step: str = "training_iteration",
        *,
        total_steps: int | None = None,
        confidence: float = 0.9,
    ) -> None:
        self._rate, self._loss, self._step = rate, loss, step
        self._judge = TrialJudge(confidence=confidence, total_steps=total_steps)
        self._trials: dict[str, ReportedTrial] = {}

    def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:
        """Whether to stop the trial now."""
        config = result.get("config", {})
        if self._rate not in config or self._loss not in result:
            return False
        settings = {name: value for name, value in config.items() if name != self._rate}
        new = ReportedTrial(trial_id, float(config[self._rate]), settings, {})
        trial = self._trials.setdefault(trial_id, new)
        step = int(result.get(self._step, len(trial.losses)))
        trial.losses[step] = float(result[self._loss])
        return self._judge.is_wrong(trial, self._trials.values())

    def stop_all(self) -> bool:
        """Never end the whole experiment."""
        return False
