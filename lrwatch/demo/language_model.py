"""A tiny character language model, and its text: Python's own standard library, so no download."""

from __future__ import annotations

import importlib
import inspect
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["CharacterModel", "Text", "standard_library_text"]

_MODULES = ("argparse", "collections", "csv", "difflib", "json.decoder", "textwrap")
"""Modules with much prose in them and a source file in every installation of Python."""

_N_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Text:
    """A text as numbers.

    Attributes
    ----------
    codes
        Number of each character, int64, shape ``(n_characters,)``; 0 for the rare ones.
    n_codes
        How many different numbers there are.
    """

    codes: Tensor
    n_codes: int

    def batches(
        self, *, batch_size: int, length: int, seed: int
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield random pieces without end: characters, and the characters that follow them.

        Both have shape ``(batch_size, length)``.
        """
        random = torch.Generator().manual_seed(seed)
        offsets = torch.arange(length + 1)
        while True:
            starts = torch.randint(len(self.codes) - length, (batch_size, 1), generator=random)
            pieces = self.codes[starts + offsets]  # (batch_size, length + 1)
            yield pieces[:, :-1], pieces[:, 1:]


def standard_library_text() -> Text:
    """Return the source of a few modules of the standard library."""
    text = "".join(inspect.getsource(importlib.import_module(name)) for name in _MODULES)
    frequent = [sign for sign, _ in Counter(text).most_common(_N_CHARACTERS - 1)]
    code = {sign: number for number, sign in enumerate(frequent, start=1)}
    return Text(torch.tensor([code.get(sign, 0) for sign in text]), _N_CHARACTERS)


class CharacterModel(nn.Module):
    """A causal transformer with pre-normalised blocks.

    Parameters
    ----------
    n_codes
        Number of different characters.
    length
        Characters that it sees at once.
    width, n_blocks
        Size of the hidden states, and number of blocks.
    """

    def __init__(self, n_codes: int, *, length: int, width: int = 32, n_blocks: int = 2) -> None:
        super().__init__()
        self.characters = nn.Embedding(n_codes, width)
        self.places = nn.Embedding(length, width)
        block = nn.TransformerEncoderLayer(
            width,
            nhead=2,
            dim_feedforward=2 * width,
            dropout=0.0,
            norm_first=True,
            batch_first=True,
        )
        self.blocks = nn.TransformerEncoder(block, n_blocks, enable_nested_tensor=False)
        self.scores = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, n_codes))
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length))

    def forward(self, characters: Tensor) -> Tensor:
        """Score every next character; ``(batch, length)`` to ``(batch, length, n_codes)``."""
        hidden = self.characters(characters) + self.places.weight[: characters.shape[1]]
        scores: Tensor = self.scores(self.blocks(hidden, mask=self.mask, is_causal=True))
        return scores

    def loss(self, characters: Tensor, following: Tensor) -> Tensor:
        """Return the mean cross-entropy of the characters that follow, in nats."""
        scores = self(characters)  # (batch, length, n_codes)
        loss: Tensor = nn.functional.cross_entropy(scores.flatten(0, 1), following.flatten())
        return loss
