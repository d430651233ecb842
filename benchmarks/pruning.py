"""What a study of learning rates costs with each pruner, and what it finds.

A small net is trained on scikit-learn's digits at the rates that Optuna's TPE sampler proposes.
Every pruner is given the training loss of every fourth step; a trial's value is its loss on fixed
examples.

    python benchmarks/pruning.py [--studies 3] [--trials 30] [--steps 300]
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import optuna
import torch
from sklearn.datasets import load_digits
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lrwatch.integrations.optuna import RatePruner

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
}
REPORT_EVERY = 4


def data() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    inputs = torch.tensor(x[order] / 16, dtype=torch.float32)
    targets = torch.tensor(y[order])
    return inputs[300:], targets[300:], inputs[:300], targets[:300]


X, Y, X_FIXED, Y_FIXED = data()


def train(kind: str, lr: float, seed: int, n_steps: int) -> Iterator[tuple[float, nn.Module]]:
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    optimizer = OPTIMIZERS[kind](net.parameters(), lr=lr)
    for _ in range(n_steps):
        rows = torch.randint(0, len(X), (64,))
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(X[rows]), Y[rows])
        loss.backward()
        optimizer.step()
        yield float(loss.detach()), net


def study(
    kind: str, pruner: optuna.pruners.BasePruner, seed: int, options: argparse.Namespace
) -> dict[str, float]:
    n_made = 0

    def objective(trial: optuna.Trial) -> float:
        nonlocal n_made
        lr = trial.suggest_float("lr", 1e-5, 10, log=True)
        trained = nn.Module()
        for step, (loss, net) in enumerate(
            train(kind, lr, 1000 * seed + trial.number, options.steps)
        ):
            n_made, trained = n_made + 1, net
            if step % REPORT_EVERY == 0:
                trial.report(loss, step)
                if trial.should_prune():
                    raise optuna.TrialPruned
        with torch.no_grad():
            value = float(nn.functional.cross_entropy(trained(X_FIXED), Y_FIXED))
        return value if math.isfinite(value) else 1e9

    sampler = optuna.samplers.TPESampler(seed=seed)
    made = optuna.create_study(sampler=sampler, pruner=pruner)
    began = time.perf_counter()
    made.optimize(objective, n_trials=options.trials)
    pruned = made.get_trials(deepcopy=False, states=[optuna.trial.TrialState.PRUNED])
    return {
        "steps": n_made / (options.trials * options.steps),
        "pruned": len(pruned),
        "best": made.best_value,
        "lr": made.best_params["lr"],
        "seconds": time.perf_counter() - began,
    }


def pruners(options: argparse.Namespace) -> dict[str, optuna.pruners.BasePruner]:
    warm = options.steps // 10
    return {
        "none": optuna.pruners.NopPruner(),
        "lrwatch": RatePruner(total_steps=options.steps),
        "median": optuna.pruners.MedianPruner(n_warmup_steps=warm),
        "hyperband": optuna.pruners.HyperbandPruner(min_resource=warm, max_resource=options.steps),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--only", help="one of the pruners, by name")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    titles = ("steps made", "pruned", "best loss", "its rate", "seconds")
    print(f"{'job':6}{'pruner':12}" + "".join(f"{title:>12}" for title in titles))
    for kind in OPTIMIZERS:
        for name in [options.only] if options.only else pruners(options):
            found = [
                study(kind, pruners(options)[name], seed, options)
                for seed in range(options.studies)
            ]
            mean = {key: float(np.mean([each[key] for each in found])) for key in found[0]}
            rate = float(np.exp(np.mean(np.log([each["lr"] for each in found]))))
            print(
                f"{kind:6}{name:12}{mean['steps']:12.0%}{mean['pruned']:12.1f}{mean['best']:12.4f}"
                f"{rate:12.2g}{mean['seconds']:12.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
