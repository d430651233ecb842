"""Losses that are no objective: of a game against another net, of a policy, of moving targets.

What is evaluated is what such a job is for, so that it is known that the runs get somewhere.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss, softplus

from benchmarks.accuracy.second_corpus.tasks.task import Task, perceptron

N_STATES = 10
HORIZON = 20
SLIPS = 0.2
DISCOUNT = 0.9


class Heaps:
    """Eight heaps of points, a net that makes such points, and one that tells them apart."""

    def __init__(self, batch_size: int, seed: int) -> None:
        self.players = {
            "generator": perceptron(4, 32, 32, 2),
            "discriminator": perceptron(2, 32, 32, 1),
        }
        self._size = batch_size
        self._random = torch.Generator().manual_seed(seed)

    def _true(self) -> Tensor:
        angle = torch.randint(8, (self._size,), generator=self._random) * torch.pi / 4
        heaps = 2 * torch.stack([angle.cos(), angle.sin()], 1)
        return heaps + 0.1 * torch.randn(heaps.shape, generator=self._random)

    def _made(self) -> Tensor:
        noise = torch.randn(self._size, 4, generator=self._random)
        points: Tensor = self.players["generator"](noise)
        return points

    def loss_of(self, player: str) -> Tensor:
        tell = self.players["discriminator"]
        if player == "generator":
            return softplus(-tell(self._made())).mean()
        return (softplus(tell(self._made().detach())) + softplus(-tell(self._true()))).mean()

    def distance(self) -> float:
        """How far a true point is from the nearest that was made, and the reverse."""
        with torch.no_grad():
            apart = torch.cdist(self._true(), self._made())
            return float(apart.min(0).values.mean() + apart.min(1).values.mean())


def gan(seed: int, batch_size: int, watched: str = "generator", rival_lr: float = 1e-3) -> Task:
    """One of two nets that play against one another (Goodfellow et al. 2014)."""
    heaps = Heaps(batch_size, seed)
    (rival,) = heaps.players.keys() - {watched}
    opponent = torch.optim.Adam(heaps.players[rival].parameters(), rival_lr)

    def loss() -> Tensor:
        own = [p.grad for p in heaps.players[watched].parameters()]
        opponent.zero_grad()
        heaps.loss_of(rival).backward()
        opponent.step()
        for grad in own:  # the rival's loss depends on the player's parameters as well
            if grad is not None:
                grad.zero_()
        return heaps.loss_of(watched)

    return Task(f"gan-{watched}", heaps.players[watched], loss, heaps.distance)


class Walk:
    """A line to walk on; the right end is worth 1, the left a fifth, and one step in five slips."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def step(self, state: np.ndarray, action: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the states after going left (0) or right (1), and their rewards."""
        slips = self.random.random(len(state)) < SLIPS
        moved = np.where(slips, 1 - 2 * action, 2 * action - 1)
        state = np.clip(state + moved, 0, N_STATES - 1)
        return state, 1.0 * (state == N_STATES - 1) + 0.2 * (state == 0)


def _seen(state: np.ndarray) -> Tensor:
    return torch.eye(N_STATES)[torch.from_numpy(state)]


def policy(seed: int, batch_size: int) -> Task:
    """A policy gradient with a baseline (Williams 1992) on a walk of twenty steps."""
    line = Walk(seed)
    model = perceptron(N_STATES, 16, 2, activation="tanh")

    def walk() -> tuple[Tensor, np.ndarray]:
        state = np.full(batch_size, N_STATES // 2)
        chosen, rewards = [], []
        for _ in range(HORIZON):
            odds = model(_seen(state)).log_softmax(1)
            chance = odds[:, 1].exp().detach().numpy()
            action = (line.random.random(batch_size) < chance).astype(int)
            chosen.append(odds[torch.arange(batch_size), torch.from_numpy(action)])
            state, reward = line.step(state, action)
            rewards.append(reward)
        return torch.stack(chosen), np.array(rewards)

    def loss() -> Tensor:
        chosen, rewards = walk()
        to_come = torch.from_numpy(np.cumsum(rewards[::-1], axis=0)[::-1].astype(np.float32))
        return -(chosen * (to_come - to_come.mean(1, keepdim=True))).mean()

    def missed() -> float:
        with torch.no_grad():
            return HORIZON - float(walk()[1].sum(0).mean())

    return Task("policy-16", model, loss, missed)


def q_learning(seed: int, batch_size: int, renewed_every: int = 50) -> Task:
    """Values towards targets that a frozen copy of the net sets (Mnih et al. 2015)."""
    line = Walk(seed)
    model = perceptron(N_STATES, 32, 2)
    target = copy.deepcopy(model).requires_grad_(False)
    n_steps = 0

    def loss() -> Tensor:
        nonlocal n_steps
        if n_steps % renewed_every == 0:
            target.load_state_dict(model.state_dict())
        n_steps += 1
        state = line.random.integers(0, N_STATES, batch_size)
        action = line.random.integers(0, 2, batch_size)
        after, reward = line.step(state, action)
        best = target(_seen(after)).max(1).values
        wanted = torch.from_numpy(reward.astype(np.float32)) + DISCOUNT * best
        values = model(_seen(state))[torch.arange(batch_size), torch.from_numpy(action)]
        return mse_loss(values, wanted)

    def regret() -> float:
        """Reward missed by walking after the values."""
        state, total = np.full(1, N_STATES // 2), 0.0
        for _ in range(HORIZON):
            with torch.no_grad():
                action = model(_seen(state)).argmax(1).numpy()
            state, reward = line.step(state, action)
            total += float(reward[0])
        return HORIZON - total

    return Task("q-32", model, loss, regret)
