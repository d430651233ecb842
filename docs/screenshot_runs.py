"""Runs for the pictures that the sample runs cannot show: a range test, and rates with seeds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import torch

import lrwatch
from lrwatch.demo.language_model import CharacterModel, standard_library_text

__all__ = ["RANGE_TEST", "SEEDED", "train_range_test", "train_seeds"]

RANGE_TEST: Final = "range-test/adamw"
SEEDED: Final = "seeds/adamw-0.01-0"

_LENGTH: Final = 32
_BATCH_SIZE: Final = 16
_RATES: Final = (0.001, 0.01, 0.1)
_OTHER_SEED: Final = 1000  # of batches that are not trained on
_EVERY: Final = 20  # steps between two looks at them
_SAVED_EVERY: Final = 100
_N_SEEDS: Final = 3


def train_range_test(store: Path, n_steps: int = 400) -> None:
    """Train once, the rate rising from 1e-5 to 10."""
    rates = [1e-5 * 1e6 ** (step / (n_steps - 1)) for step in range(n_steps)]
    _train(store / RANGE_TEST, rates, seed=0, schedule="range test")


def train_seeds(store: Path, n_steps: int = 300) -> None:
    """Train each of a few rates with a few seeds."""
    for rate in _RATES:
        rates = [rate * 0.5 * (1 + math.cos(math.pi * i / n_steps)) for i in range(n_steps)]
        for seed in range(_N_SEEDS):
            folder = store / "seeds" / f"adamw-{rate:g}-{seed}"
            _train(folder, rates, seed=seed, schedule="cosine")


def _train(folder: Path, rates: list[float], *, seed: int, schedule: str) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    text = standard_library_text()
    model = CharacterModel(text.n_codes, length=_LENGTH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rates[0])
    config = {"lr": max(rates), "seed": seed, "schedule": schedule}
    run = lrwatch.watch(optimizer, dir=folder.parent, name=folder.name, config=config)
    with run:
        batches = text.batches(batch_size=_BATCH_SIZE, length=_LENGTH, seed=seed)
        others = text.batches(batch_size=_BATCH_SIZE, length=_LENGTH, seed=_OTHER_SEED)
        for step, (rate, (characters, following)) in enumerate(zip(rates, batches, strict=False)):
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            model.loss(characters, following).backward()
            optimizer.step()
            run.log(tokens=(step + 1) * _BATCH_SIZE * _LENGTH)
            if step % _EVERY == _EVERY - 1:
                with torch.no_grad():
                    run.log(val_loss=model.loss(*next(others)))
            if step % _SAVED_EVERY == _SAVED_EVERY - 1:
                run.mark()  # a checkpoint would be saved here
