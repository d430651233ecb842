"""Several optimizers in one log, told apart: each with its loss and its rate, or without a rate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pyarrow as pa

from lrwatch import columns
from lrwatch.formats import words_of
from lrwatch.importing.foreign_run import Choice, ForeignRun

__all__ = ["by_optimizer"]

_COMMON: Final = frozenset({"loss", "lr", "learning", "rate", "train", "training", "step", "epoch"})
"""Words in the name of a loss or a rate that do not say whose it is."""

_RIVALS: Final = (
    frozenset({"g", "gen", "generator", "actor"}),
    frozenset({"d", "dis", "disc", "discriminator", "critic"}),
)
"""Who is trained against whom."""

_RATE: Final = re.compile(r"(?i)(?<![a-z])(lr|learning[_ ]rate)(?![a-z])")
_MONITORED: Final = re.compile(r"(lr-\w+(?:-\d+)?)(?:/.*)?")
"""What Lightning calls the rate of an optimizer; after a slash comes a group of its parameters."""


def by_optimizer(run: ForeignRun, choice: Choice) -> list[ForeignRun]:
    """Return a run for each optimizer that a log has a loss of; the run as it is where it has one.

    Losses of a generator and a discriminator, or of an actor and a critic, are of two optimizers,
    and so are losses each of which has a rate of its own name. Where nothing says which rate is a
    loss's, it has none: a verdict on one optimizer must not speak of another's rate.
    """
    rates = [name for name in run.table.column_names if _RATE.search(name)]
    monitored = {match[1] for name in rates if (match := _MONITORED.fullmatch(name))}
    losses = _losses(run.table)
    if max(len(losses), len(monitored)) <= 1 or "loss" in run.columns:
        return [run]
    unknown = [] if choice.lr else rates
    if choice.loss is not None or len(losses) <= 1:
        whose = next((whose for whose, loss in losses.items() if loss == choice.loss), "")
        return [_of_one(run, whose, choice.loss, unknown)]
    return [
        replace(
            _of_one(run, whose, loss, unknown),
            name=f"{run.name} {loss}",
            key="\0".join(filter(None, (run.key, loss))),
        )
        for whose, loss in losses.items()
    ]


def _losses(table: pa.Table) -> dict[str, str]:
    """Return the losses of several optimizers by whose they are; none of a log of one."""
    names = table.column_names

    def n_known(name: str) -> int:
        return int(table.num_rows - table[name].null_count)

    if "loss" in columns.meant(names, n_known) or "loss" in names:
        return {}
    found: dict[str, str] = {}
    for name in sorted(columns.losses(names), key=n_known, reverse=True):
        found.setdefault(_whose(name), name)  # of a loss by step and by epoch the one by step
    rated = {_whose(name) for name in names if _RATE.search(name)}
    rivals = {whose: loss for whose, loss in found.items() if any(whose in r for r in _RIVALS)}
    if all(any(whose in side for whose in rivals) for side in _RIVALS):
        found = rivals
    elif not {*found} <= rated:
        return {}
    return {whose: found[whose] for whose in sorted(found)}


def _of_one(run: ForeignRun, whose: str, loss: str | None, rates: Sequence[str]) -> ForeignRun:
    """Return the run of one optimizer, with the rate that has its name."""
    own = [rate for rate in rates if whose and _whose(rate) == whose]
    known = {**run.columns, **({"loss": loss} if loss else {})}
    notes = run.notes
    if any(whose in side for side in _RIVALS):
        notes += ("a loss that is trained against another need not fall",)
    table = run.table
    if own:
        known["lr"] = own[0]
    elif [*map(_whose, rates)] == [""]:
        notes += (f"{rates[0]} is taken for the rate of every optimizer",)
    elif rates:
        table = table.drop_columns([name for name in rates if name == "lr"])
        table = table.append_column("lr", pa.nulls(table.num_rows, pa.float64()))
        notes += (f"whose rate each is, nothing says; none is judged: {', '.join(rates[:4])}",)
    return replace(run, table=table, columns=known, notes=notes)


def _whose(name: str) -> str:
    """Return what is left of a name without the words that all losses and rates have.

    Examples
    --------
    >>> _whose("train/g_loss_step"), _whose("Loss_D"), _whose("lr-Adam-1")
    ('g', 'd', 'adam 1')
    """
    return " ".join(word for word in map(str.lower, words_of(name)) if word not in _COMMON)
