"""Ways to train, each of them healthy: none is flagged, and none was alarmed on the way."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn, optim
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

import lrwatch
from lrwatch import Run

pytestmark = pytest.mark.slow

IMAGES, LABELS = (torch.tensor(part) for part in load_digits(return_X_y=True))
IMAGES = IMAGES.float() / 16
N_IMAGES = len(LABELS)


def mlp(n_in: int = 64, n_hidden: int = 64, n_out: int = 10) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_out))


class Training:
    """A seeded job, with what most of the ways below have in common."""

    def __init__(self, folder: Path) -> None:
        torch.manual_seed(0)
        self.folder = folder
        self.random = torch.Generator().manual_seed(1)

    def watched(self, optimizer: optim.Optimizer, name: str | None = None) -> Run:
        return lrwatch.watch(optimizer, dir=self.folder, name=name, alerts=None)

    def chosen(self, size: int = 64, n: int = N_IMAGES) -> Tensor:
        return torch.randint(0, n, (size,), generator=self.random)

    def noise(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.random)

    def loss(self, net: nn.Module, size: int = 64) -> Tensor:
        chosen = self.chosen(size)
        return cross_entropy(net(IMAGES[chosen]), LABELS[chosen])

    def run(
        self,
        optimizer: optim.Optimizer,
        loss_of: Callable[[int], Tensor],
        n_steps: int = 400,
        *,
        after: Callable[[int], object] = lambda step: None,
        clip: float = 0.0,
    ) -> list[Run]:
        with self.watched(optimizer) as run:
            for step in range(n_steps):
                optimizer.zero_grad()
                loss_of(step).backward()
                if clip:
                    parameters = [p for g in optimizer.param_groups for p in g["params"]]
                    nn.utils.clip_grad_norm_(parameters, clip)
                optimizer.step()
                after(step)
        return [run]


def layer_wise_rates(job: Training) -> list[Run]:
    net = mlp()
    groups = [
        {"params": layer.parameters(), "lr": lr} for layer, lr in ((net[0], 1e-3), (net[2], 3e-3))
    ]
    return job.run(optim.AdamW(groups), lambda _: job.loss(net))


def gradual_unfreezing(job: Training) -> list[Run]:
    net = mlp()
    net[0].requires_grad_(requires_grad=False)
    optimizer = optim.AdamW(net[2].parameters(), lr=3e-3)

    def thaw(step: int) -> None:
        if step == 199:
            net[0].requires_grad_(requires_grad=True)
            optimizer.add_param_group({"params": list(net[0].parameters()), "lr": 1e-3})

    return job.run(optimizer, lambda _: job.loss(net), after=thaw)


def hypergradient(job: Training) -> list[Run]:
    """The rate goes up while gradients agree, as Baydin et al. (2018) have it."""
    net = mlp()
    optimizer = optim.SGD(net.parameters(), lr=0.05)
    before = torch.zeros(sum(p.numel() for p in net.parameters()))

    def adapt(_step: int) -> None:
        now = torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])
        group = optimizer.param_groups[0]
        group["lr"] = min(0.5, max(1e-3, group["lr"] + 1e-3 * float(now @ before)))
        before.copy_(now)

    return job.run(optimizer, lambda _: job.loss(net), after=adapt)


def growing_batches(job: Training) -> list[Run]:
    net = mlp()
    optimizer = optim.SGD(net.parameters(), lr=0.2)
    return job.run(optimizer, lambda step: job.loss(net, 16 * 2 ** (step // 100)))


def rate_scaled_with_batch(job: Training) -> list[Run]:
    """Eight times the batch, and eight times the rate (Goyal et al., 2017), after a warm-up."""
    net = mlp()
    optimizer = optim.SGD(net.parameters(), lr=8 * 0.05)
    warmup = optim.lr_scheduler.LinearLR(optimizer, 1 / 8, 1.0, 40)
    return job.run(optimizer, lambda _: job.loss(net, 512), after=lambda _: warmup.step())


def clipping(job: Training) -> list[Run]:
    net = mlp()
    return job.run(optim.SGD(net.parameters(), lr=0.5), lambda _: job.loss(net), clip=0.5)


def early_stopping(job: Training) -> list[Run]:
    net = mlp()
    optimizer = optim.Adam(net.parameters(), lr=3e-3)
    with lrwatch.watch(optimizer, dir=job.folder, alerts=None, total_steps=5000) as run:
        best, best_at = float("inf"), 0
        for step in range(5000):
            optimizer.zero_grad()
            job.loss(net).backward()
            optimizer.step()
            if step % 20 == 0:
                with torch.no_grad():
                    found = float(cross_entropy(net(IMAGES[:300]), LABELS[:300]))
                run.log(val_loss=found)
                best, best_at = min((best, best_at), (found + 1e-3, step))
            if step - best_at > 100:
                break
    return [run]


def transfer(job: Training) -> list[Run]:
    net = mlp()
    optimizer = optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(300):
        chosen = job.chosen()
        optimizer.zero_grad()
        cross_entropy(net(IMAGES[chosen]), LABELS[chosen] * 3 % 10).backward()
        optimizer.step()
    net[2] = nn.Linear(64, 10)
    return job.run(optim.AdamW(net.parameters(), lr=1e-3), lambda _: job.loss(net))


def gan(job: Training) -> list[Run]:
    generator, critic = mlp(4, 32, 2), mlp(2, 32, 1)
    ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
    betas = (0.5, 0.9)
    of_generator = optim.Adam(generator.parameters(), 1e-3, betas=betas)
    of_critic = optim.Adam(critic.parameters(), 1e-3, betas=betas)
    with job.watched(of_generator, "generator") as one, job.watched(of_critic, "critic") as other:
        for _ in range(600):
            real, noise = job.noise(64, 2) * 0.3 + 1, job.noise(64, 4)
            of_critic.zero_grad()
            fake = binary_cross_entropy_with_logits(critic(generator(noise).detach()), zeros)
            (binary_cross_entropy_with_logits(critic(real), ones) + fake).backward()
            of_critic.step()
            of_generator.zero_grad()
            binary_cross_entropy_with_logits(critic(generator(noise)), ones).backward()
            of_generator.step()
    return [one, other]


def vae(job: Training) -> list[Run]:
    encoder, decoder = mlp(64, 64, 16), mlp(8, 64, 64)

    def loss(_step: int) -> Any:
        x = IMAGES[job.chosen()]
        mean, log_variance = encoder(x).chunk(2, 1)
        z = mean + torch.exp(log_variance / 2) * job.noise(*mean.shape)
        distance = (decoder(z) - x).square().sum(1).mean()
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2
        return 3 * distance + divergence

    optimizer = optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    return job.run(optimizer, loss, 600)


def rnn(job: Training) -> list[Run]:
    net, head = nn.GRU(8, 32, batch_first=True), nn.Linear(32, 10)

    def loss(_step: int) -> Tensor:
        chosen = job.chosen()
        return cross_entropy(head(net(IMAGES[chosen].view(-1, 8, 8))[0][:, -1]), LABELS[chosen])

    optimizer = optim.Adam([*net.parameters(), *head.parameters()], lr=3e-3)
    return job.run(optimizer, loss, clip=1.0)


def transformer(job: Training) -> list[Run]:
    layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
    parts = nn.ModuleList([nn.Linear(8, 32), layer, nn.Linear(32, 10)])

    def loss(_step: int) -> Tensor:
        chosen = job.chosen()
        seen = layer(parts[0](IMAGES[chosen].view(-1, 8, 8)))
        return cross_entropy(parts[2](seen.mean(1)), LABELS[chosen])

    optimizer = optim.AdamW(parts.parameters(), lr=2e-3)
    cycle = optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, 401)
    return job.run(optimizer, loss, clip=1.0, after=lambda _: cycle.step())


def policy_gradient(job: Training) -> list[Run]:
    """REINFORCE on a contextual bandit, with a running mean as the baseline."""
    net, gains, baseline = mlp(4, 32, 3), job.noise(4, 3), [0.0]

    def loss(_step: int) -> Any:
        x = job.noise(64, 4)
        policy = torch.distributions.Categorical(logits=net(x))
        action = torch.multinomial(policy.probs.detach(), 1, generator=job.random)
        reward = (x @ gains).gather(1, action)[:, 0]
        advantage = reward - baseline[0]
        baseline[0] = 0.9 * baseline[0] + 0.1 * float(reward.mean())
        return -(policy.log_prob(action[:, 0]) * advantage).mean()

    return job.run(optim.Adam(net.parameters(), lr=3e-3), loss)


def time_series(job: Training) -> list[Run]:
    net, t = mlp(16, 32, 1), torch.arange(2000.0)
    series = torch.sin(t / 7) + torch.sin(t / 3) / 2 + 0.1 * job.noise(2000)
    windows = series.unfold(0, 17, 1)

    def loss(_step: int) -> Any:
        window = windows[job.chosen(n=len(windows))]
        return (net(window[:, :16])[:, 0] - window[:, 16]).square().mean()

    return job.run(optim.Adam(net.parameters(), lr=3e-3), loss)


def recommender(job: Training) -> list[Run]:
    true_users, true_items = job.noise(200, 4), job.noise(300, 4)
    users, items = nn.Embedding(200, 8, sparse=True), nn.Embedding(300, 8, sparse=True)
    for table in (users, items):
        nn.init.normal_(table.weight, std=0.1)

    def loss(_step: int) -> Any:
        user, item = job.chosen(512, 200), job.chosen(512, 300)
        ratings = (true_users[user] * true_items[item]).sum(1)
        return ((users(user) * items(item)).sum(1) - ratings).square().mean()

    optimizer = optim.SparseAdam([*users.parameters(), *items.parameters()], lr=1e-2)
    return job.run(optimizer, loss, 800)


def federated_averaging(job: Training) -> list[Run]:
    net = mlp()
    optimizer = optim.SGD(net.parameters(), lr=0.2)
    shared = copy.deepcopy(net.state_dict())
    with job.watched(optimizer) as run:
        for _ in range(10):
            sent = []
            for client in range(4):
                net.load_state_dict(shared)
                data = torch.arange(client, N_IMAGES, 4)
                for _ in range(10):
                    chosen = data[job.chosen(n=len(data))]
                    optimizer.zero_grad()
                    cross_entropy(net(IMAGES[chosen]), LABELS[chosen]).backward()
                    optimizer.step()
                sent.append(copy.deepcopy(net.state_dict()))
            shared = {name: torch.stack([one[name] for one in sent]).mean(0) for name in shared}
    return [run]


def continual_learning(job: Training) -> list[Run]:
    net = mlp()

    def loss(step: int) -> Tensor:
        task = torch.nonzero((LABELS // 2).eq(min(step // 80, 4)))[:, 0]
        chosen = task[job.chosen(n=len(task))]
        return cross_entropy(net(IMAGES[chosen]), LABELS[chosen])

    return job.run(optim.SGD(net.parameters(), lr=0.1), loss)


def muon(job: Training) -> list[Run]:
    net = nn.Sequential(nn.Linear(64, 64, bias=False), nn.ReLU(), nn.Linear(64, 10, bias=False))
    return job.run(optim.Muon(net.parameters(), lr=0.02), lambda _: job.loss(net), 200)


def lbfgs(job: Training) -> list[Run]:
    net = mlp()
    optimizer = optim.LBFGS(net.parameters(), lr=0.5, max_iter=4)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(net(IMAGES), LABELS)
        loss.backward()
        return loss

    with job.watched(optimizer) as run:
        for _ in range(60):
            optimizer.step(closure)
    return [run]


WAYS = (
    layer_wise_rates,
    gradual_unfreezing,
    hypergradient,
    growing_batches,
    rate_scaled_with_batch,
    clipping,
    early_stopping,
    transfer,
    gan,
    vae,
    rnn,
    transformer,
    policy_gradient,
    time_series,
    recommender,
    federated_averaging,
    continual_learning,
    muon,
    lbfgs,
)
CANNOT_TELL = (gan, policy_gradient)  # whose losses say nothing of the learning rate


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_healthy_training_is_not_flagged(
    tmp_path: Path, way: Callable[[Training], list[Run]]
) -> None:
    for run in way(Training(tmp_path)):
        found = lrwatch.diagnose(run.path)
        assert found.learning_rate == ("unknown" if way in CANNOT_TELL else "ok"), found.reason
        assert found.first_alarm_step is None
