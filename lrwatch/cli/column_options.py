"""The options that say which columns of a log are which, instead of a guess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

__all__ = ["choosing_columns"]

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option("--loss", metavar="COLUMN", help="Column of another tool's log with the loss."),
    click.option("--lr", metavar="COLUMN", help="The same for the learning rate."),
    click.option("--step", metavar="COLUMN", help="The same for the step."),
    click.option(
        "--every", metavar="N", type=click.IntRange(min=1), help="Steps that a row stands for."
    ),
)


def choosing_columns(command: Command) -> Command:
    """Give a command the options of `lrwatch.importing.Choice`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
