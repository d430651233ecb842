"""Train the sample runs again: real training, recorded by lrwatch, with seeds that do not change.

::

    python sample_runs/generate.py                     every run of manifest.json
    python sample_runs/generate.py digits-adam-step    the runs whose name begins so
    python sample_runs/generate.py --sweep NAME        how the same job ends at other rates

The verdict that a run should get comes from such sweeps, never from lrwatch: a run is
``too_low`` if higher rates end far lower in the same number of steps, ``oscillating`` or
``diverging`` if lower ones do, and ``ok`` if neither does. Needs torch and scikit-learn.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from sklearn.datasets import load_diabetes, load_digits
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own name for it
from torch.optim import Optimizer, lr_scheduler

import lrwatch
from lrwatch.demo.language_model import CharacterModel, Text, standard_library_text

FOLDER = Path(__file__).parent
LENGTH = 24  # characters of a piece of text
HALF_DECADE = math.sqrt(10.0)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One run: the verdict it should get, why, and how it is made."""

    name: str
    verdict: str
    why: str
    task: str
    optimizer: str
    schedule: str = "constant"
    lr: float
    n_steps: int
    batch_size: int | None = None  # None: all the data at every step
    clip: float | None = None
    bad_batch_at: int | None = None  # a step whose inputs are scaled up and targets mixed up


@dataclass
class Task:
    """A model, its loss, and batches without end."""

    model: nn.Module
    loss: Callable[[Tensor, Tensor], Tensor]
    batches: Iterator[tuple[Tensor, Tensor]]
    everything: tuple[Tensor, Tensor]  # a fixed part of the data, to compare rates on


# -- tasks -----------------------------------------------------------------------------------


def supervised(
    data: tuple[Tensor, Tensor], model: nn.Module, batch_size: int | None, seed: int
) -> Task:
    """Return the task of fitting `model` to inputs and targets."""
    inputs, targets = data
    criterion = F.cross_entropy if targets.dtype == torch.int64 else F.mse_loss

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        random = torch.Generator().manual_seed(seed)
        while True:
            if batch_size is None:
                yield inputs, targets
            else:
                rows = torch.randint(len(inputs), (batch_size,), generator=random)
                yield inputs[rows], targets[rows]

    return Task(model, lambda x, y: criterion(model(x), y), batches(), data)


@functools.cache
def digits() -> tuple[Tensor, Tensor]:
    """Return scikit-learn's 1,797 handwritten digits, standardised."""
    x, y = load_digits(return_X_y=True)
    return torch.tensor((x - x.mean()) / x.std(), dtype=torch.float32), torch.tensor(y)


@functools.cache
def diabetes() -> tuple[Tensor, Tensor]:
    """Return scikit-learn's 442 diabetes patients: ten columns and a target, standardised."""
    x, y = load_diabetes(return_X_y=True)
    inputs = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)
    return inputs, torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)[:, None]


@functools.cache
def text() -> Text:
    """Return the text for the character language model."""
    return standard_library_text()


def digits_mlp(batch_size: int | None, seed: int) -> Task:
    """Classify digits with one hidden layer."""
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    return supervised(digits(), model, batch_size, seed)


def digits_deep_sigmoid(batch_size: int | None, seed: int) -> Task:
    """Classify digits with ten sigmoid layers, through which no gradient comes."""
    layers: list[nn.Module] = [nn.Linear(64, 32), nn.Sigmoid()]
    for _ in range(9):
        layers += [nn.Linear(32, 32), nn.Sigmoid()]
    return supervised(digits(), nn.Sequential(*layers, nn.Linear(32, 10)), batch_size, seed)


def diabetes_linear(batch_size: int | None, seed: int) -> Task:
    """Linear regression by gradient descent."""
    return supervised(diabetes(), nn.Linear(10, 1), batch_size, seed)


def diabetes_mlp(batch_size: int | None, seed: int) -> Task:
    """Regression with one hidden layer of tanh."""
    model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
    return supervised(diabetes(), model, batch_size, seed)


def chars(batch_size: int | None, seed: int) -> Task:
    """Predict the next character of the standard library's source."""
    model = CharacterModel(text().n_codes, length=LENGTH)
    batches = functools.partial(text().batches, length=LENGTH)
    fixed = next(batches(batch_size=256, seed=12345))
    return Task(model, model.loss, batches(batch_size=batch_size or 16, seed=seed), fixed)


TASKS = {
    function.__name__.replace("_", "-"): function
    for function in (digits_mlp, digits_deep_sigmoid, diabetes_linear, diabetes_mlp, chars)
}


# -- training --------------------------------------------------------------------------------


def make_optimizer(name: str, model: nn.Module, lr: float) -> Optimizer:
    """Return an optimizer by its short name."""
    if name == "momentum":
        return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    kinds: dict[str, Callable[..., Optimizer]] = {
        "sgd": torch.optim.SGD,
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "rmsprop": torch.optim.RMSprop,
    }
    return kinds[name](model.parameters(), lr=lr)


def make_schedule(name: str, optimizer: Optimizer, n_steps: int) -> lr_scheduler.LRScheduler:
    """Return a schedule by its short name; each scales with the optimizer's learning rate."""
    peak = optimizer.param_groups[0]["lr"]
    warm_up = n_steps // 10

    def warmed_cosine(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (n_steps - warm_up)))

    makers: dict[str, Callable[[], lr_scheduler.LRScheduler]] = {
        "constant": lambda: lr_scheduler.ConstantLR(optimizer, factor=1.0),
        "step": lambda: lr_scheduler.StepLR(optimizer, n_steps // 3, gamma=0.1),
        "early-cut": lambda: lr_scheduler.StepLR(optimizer, n_steps // 20, gamma=1e-3),
        "cosine": lambda: lr_scheduler.CosineAnnealingLR(optimizer, n_steps),
        "warmup-cosine": lambda: lr_scheduler.LambdaLR(optimizer, warmed_cosine),
        "cyclical": lambda: lr_scheduler.CyclicLR(
            optimizer, peak / 10, peak, step_size_up=n_steps // 10, cycle_momentum=False
        ),
        "onecycle": lambda: lr_scheduler.OneCycleLR(optimizer, peak, n_steps + 1),
    }
    return makers[name]()


def corrupted(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return a batch as a broken loader gives it: scaled up, with the targets of other rows."""
    return 10 * x, y.roll(1, 0)


def train(recipe: Recipe, *, lr: float, seed: int, store: Path | None) -> float:
    """Train once, recorded if there is a `store`, and return the loss over all the data."""
    torch.manual_seed(seed)
    task = TASKS[recipe.task](recipe.batch_size, seed)
    optimizer = make_optimizer(recipe.optimizer, task.model, lr)
    schedule = make_schedule(recipe.schedule, optimizer, recipe.n_steps)
    run = None
    if store is not None:
        run = lrwatch.watch(
            optimizer,
            dir=store,
            name=recipe.name,
            config=configuration(recipe),
            total_steps=recipe.n_steps,
        )
    for step in range(recipe.n_steps):
        x, y = next(task.batches)
        if step == recipe.bad_batch_at:
            x, y = corrupted(x, y)
        optimizer.zero_grad()
        loss = task.loss(x, y)
        loss.backward()
        if recipe.clip is not None:
            nn.utils.clip_grad_norm_(task.model.parameters(), recipe.clip)
        optimizer.step()
        schedule.step()
    if run is not None:
        run.finish()
    with torch.no_grad():
        return float(task.loss(*task.everything))


def configuration(recipe: Recipe) -> dict[str, object]:
    """Return what the run remembers of its recipe: everything but the answer."""
    answer = {"name", "verdict", "why", "bad_batch_at"}
    return {key: value for key, value in asdict(recipe).items() if key not in answer}


def sweep(recipe: Recipe) -> None:
    """Print how the recipe ends at other learning rates, with two seeds."""
    print(f"{recipe.name}: {recipe.verdict} at {recipe.lr:g}")
    for power in range(-4, 5):
        lr = recipe.lr * HALF_DECADE**power
        ends = [train(recipe, lr=lr, seed=seed, store=None) for seed in (0, 1)]
        mark = "  <- this run" if power == 0 else ""
        print(f"  {lr:10.4g}  ends at {ends[0]:9.4g} {ends[1]:9.4g}{mark}", flush=True)


def read_manifest() -> list[Recipe]:
    """Return the recipe of every sample run."""
    manifest = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    return [
        Recipe(name=name, verdict=entry["verdict"], why=entry["why"], **entry["made"])
        for name, entry in manifest.items()
    ]


def main() -> None:
    """Generate the runs named on the command line, or all."""
    parser = argparse.ArgumentParser(description="Train the sample runs again.")
    parser.add_argument("names", nargs="*", help="beginnings of names; all runs if none is given")
    parser.add_argument("--sweep", action="store_true", help="compare learning rates instead")
    arguments = parser.parse_args()
    recipes = [r for r in read_manifest() if r.name.startswith(tuple(arguments.names or [""]))]
    if not recipes:
        parser.error(f"manifest.json has no run whose name begins with {arguments.names}")
    torch.set_num_threads(1)
    for recipe in recipes:
        if arguments.sweep:
            sweep(recipe)
            continue
        shutil.rmtree(FOLDER / recipe.name, ignore_errors=True)
        end = train(recipe, lr=recipe.lr, seed=0, store=FOLDER)
        print(f"{recipe.name}: ends at {end:.4g}, should be {recipe.verdict}", flush=True)


if __name__ == "__main__":
    main()
