"""Pictures: attention, noise in the labels, full batches, normalisation with decay, outlines."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from benchmarks.accuracy.second_corpus.tasks.task import Examples, Task, digits, perceptron


class Patches(nn.Module):
    """Vision transformer on 4 by 4 patches of 2 by 2 pixels (Dosovitskiy et al. 2021)."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.embed = nn.Linear(4, width)
        self.place = nn.Parameter(0.02 * torch.randn(16, width))
        block = nn.TransformerEncoderLayer(
            width, 2, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 10))

    def forward(self, x: Tensor) -> Tensor:
        patches = x.view(-1, 4, 2, 4, 2).transpose(2, 3).reshape(-1, 16, 4)
        mixed = self.blocks(self.embed(patches) + self.place)
        scores: Tensor = self.head(mixed.mean(1))
        return scores


def vit(seed: int, batch_size: int, layers: int = 2, width: int = 32) -> Task:
    examples = Examples(*digits(), batch_size, seed)
    return examples.task(f"vit-{layers}x{width}", Patches(width, layers), cross_entropy)


def noisy_labels(seed: int, batch_size: int, share: float = 0.4) -> Task:
    """A convolution on digits some of which carry random labels: a high floor."""
    x, y = digits()
    random = np.random.default_rng(11)
    wrong = torch.from_numpy(random.random(len(y)) < share)
    drawn = torch.from_numpy(random.integers(0, 10, len(y)))
    model = nn.Sequential(
        nn.Unflatten(1, (1, 8)), nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(96, 10),
    )  # fmt: skip
    x = x.view(-1, 8, 8)
    examples = Examples(x, torch.where(wrong, drawn, y), batch_size, seed)
    return examples.task("cnn-6", model, cross_entropy)


def full_batch(seed: int, batch_size: int, activation: str = "tanh") -> Task:
    """The same examples at every step: the edge of stability shows."""
    x, y = digits()
    examples = Examples(x[:batch_size], y[:batch_size], batch_size, seed)
    return examples.task("mlp-48", perceptron(64, 48, 10, activation=activation), cross_entropy)


def normalised(seed: int, batch_size: int) -> Task:
    """Convolutions with batch normalisation, whose length does not matter to the loss."""
    x, y = digits()
    model = nn.Sequential(
        nn.Unflatten(1, (1, 8)),
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    examples = Examples(x.view(-1, 8, 8), y, batch_size, seed)
    return examples.task("cnn-bn-8-16", model, cross_entropy)


@cache
def discs(n: int = 600, side: int = 16) -> tuple[Tensor, Tensor]:
    """Noisy pictures with one to three discs, and where the discs are."""
    random = np.random.default_rng(3)
    grid = np.arange(side)
    masks = np.zeros((n, side, side), np.float32)
    for mask in masks:
        for _ in range(random.integers(1, 4)):
            row, column, radius = random.uniform((0, 0, 1.5), (side, side, 4))
            mask[(grid[:, None] - row) ** 2 + (grid - column) ** 2 < radius**2] = 1
    noise = random.normal(0, 0.7, masks.shape)
    pictures = torch.from_numpy((masks + noise).astype(np.float32))
    return pictures[:, None], torch.from_numpy(masks)[:, None]


class Hourglass(nn.Module):
    """Down, up, and past the waist (Ronneberger et al. 2015), as small as it gets."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU())
        self.waist = nn.Sequential(
            nn.MaxPool2d(2), nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(),
            nn.Upsample(scale_factor=2),
        )  # fmt: skip
        self.last = nn.Conv2d(3 * width, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        scores: Tensor = self.last(torch.cat([first, self.waist(first)], 1))
        return scores


def segments(seed: int, batch_size: int) -> Task:
    """Outlines by cross-entropy and overlap together (Dice loss, Milletari et al. 2016)."""

    def criterion(scores: Tensor, mask: Tensor) -> Tensor:
        share = scores.sigmoid()
        overlap = 2 * (share * mask).sum() / (share.sum() + mask.sum() + 1)
        return binary_cross_entropy_with_logits(scores, mask) + 1 - overlap

    return Examples(*discs(), batch_size, seed).task("unet-6", Hourglass(6), criterion, n_fixed=96)
