"""Stable-Baselines3: a callback of `learn`.

::

    model.learn(10_000, callback=StableBaselines3Callback(dir="runs"))

Losses of reinforcement learning are no objective: lrwatch says so, and judges what breaks.
"""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.callbacks import BaseCallback
from torch.optim import Optimizer

from lrwatch.integrations.training import WatchedTraining

__all__ = ["StableBaselines3Callback"]


class StableBaselines3Callback(BaseCallback):
    """Watches every optimizer of an algorithm, with what it logs of rollouts and training.

    Parameters
    ----------
    options
        As for `lrwatch.watch`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.training = WatchedTraining(**options)

    def _on_training_start(self) -> None:
        policy = self.model.policy
        parts = {
            "policy": policy,
            "actor": getattr(policy, "actor", None),
            "critic": getattr(policy, "critic", None),
        }
        found = {name: getattr(part, "optimizer", None) for name, part in parts.items()}
        optimizers = {name: each for name, each in found.items() if isinstance(each, Optimizer)}
        config = {"algorithm": type(self.model).__name__, "gamma": self.model.gamma}
        self.training.begin(optimizers, model=policy, config=config)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        """Log what the algorithm did: rewards of rollouts, and losses of the training before."""
        episodes = [episode["r"] for episode in self.model.ep_info_buffer or ()]
        rewards = {"rollout/ep_rew_mean": sum(episodes) / len(episodes)} if episodes else {}
        self.training.log({**self.logger.name_to_value, **rewards})

    def _on_training_end(self) -> None:
        self.training.end()
