"""Options that several commands have, each written once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

__all__ = ["RECEIVERS", "choosing_columns", "choosing_workers", "config_file"]

Command = TypeVar("Command", bound=Callable[..., Any])

RECEIVERS: Final = click.option(
    "--to", "addresses", metavar="URL", multiple=True, help="A receiver; may be repeated."
)
_COLUMNS: Final = (
    click.option("--loss", metavar="COLUMN", help="Column of another tool's log with the loss."),
    click.option("--lr", metavar="COLUMN", help="The same for the learning rate."),
    click.option("--step", metavar="COLUMN", help="The same for the step."),
    click.option(
        "--every", metavar="N", type=click.IntRange(min=1), help="Steps that a row stands for."
    ),
)
_JOBS: Final = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processes that judge many runs; one a processor if not given.",
)
_DASK: Final = click.option(
    "--dask",
    default="",
    metavar="ADDRESS",
    help="Scheduler of a Dask cluster that judges, as tcp://host:8786.",
)


def config_file(what: str) -> Callable[[Command], Command]:
    """Return the option ``--config`` of commands about alerts; `what` is taken from the file."""
    return click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help=what)


def choosing_columns(command: Command) -> Command:
    """Give a command the options of `lrwatch.importing.Choice`."""
    for option in reversed(_COLUMNS):
        command = option(command)
    return command


def choosing_workers(command: Command) -> Command:
    """Add the options, and give the command its `lrwatch.judging.Workers` as ``workers``."""

    @functools.wraps(command)
    def chosen(*arguments: Any, jobs: int | None, dask: str, **options: Any) -> Any:
        from lrwatch.judging import Workers

        return command(*arguments, workers=Workers(jobs, dask), **options)

    return _JOBS(_DASK(chosen))  # type: ignore[return-value]
