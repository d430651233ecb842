"""Lines that trainers print, told apart by what they look like: each kind is a row of data here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["TEXT_LAYOUTS", "TextLayout"]


@dataclass(frozen=True, slots=True)
class TextLayout:
    """What a line with a loss looks like in one kind of console log.

    Attributes
    ----------
    name, title
        As in `lrwatch.importing.Importer`.
    sign
        What is found in such a line and in no other kind's.
    sureness
        How sure a log with two such lines is of this kind.
    has_steps
        Whether a line without a step is no row; otherwise rows are numbered.
    nans
        The loss that a tool leaves out where it is not a number, and the column that counts such.
    is_averaged, notes
        As in `lrwatch.importing.ForeignRun`.
    """

    name: str
    title: str
    sign: re.Pattern[str]
    sureness: float = 0.8
    has_steps: bool = True
    nans: tuple[str, str] | None = None
    is_averaged: bool = False
    notes: tuple[str, ...] = ()


TEXT_LAYOUTS: Final = (
    TextLayout(
        "megatron",
        "Megatron-LM log",
        re.compile(r"\biteration\s+\d+\s*/\s*\d+\s*\|"),
        nans=("lm_loss", "number_of_nan_iterations"),
        is_averaged=True,
    ),
    TextLayout(
        "torchtitan",
        "torchtitan log",
        re.compile(r"step:\s*\d+\s+loss:\s*\S+\s+(grad_norm|memory|tps):"),
    ),
    TextLayout("torchtune", "torchtune log", re.compile(r"^Step \d+ \| \w*loss:")),
    TextLayout("nanogpt", "nanoGPT log", re.compile(r"^iter \d+: loss \S+, time")),
    TextLayout(
        "modded-nanogpt",
        "modded-nanogpt log",
        re.compile(r"^step:\d+/\d+ (train_loss|val_loss):"),
    ),
    TextLayout(
        "huggingface-console",
        "Hugging Face console log",
        re.compile(r"\{'(eval_)?loss': "),
        has_steps=False,
        is_averaged=True,
    ),
    TextLayout(
        "pytorch-examples",
        "log of the PyTorch examples",
        re.compile(r"Epoch:\s*(\[\d+\]\[\s*\d+/\d+\]|\d+\s+\[\s*\d+/\d+)"),
        has_steps=False,
    ),
    TextLayout(
        "progress-bar",
        "log of progress bars",
        re.compile(r"Epoch:?\s+\d+.*%\|.*\d+/\d+ \[\d+:\d+"),
        has_steps=False,
    ),
    TextLayout(
        "deepspeed",
        "DeepSpeed log",
        re.compile(r"\bstep=\d+, skipped=\d+, lr=\["),
        sureness=0.7,
    ),
    TextLayout("text", "text log", re.compile(""), sureness=0.3),
)
"""The kinds of console log, a more particular one before a more general one."""
