"""Options by which a command is told who judges many runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["choosing_workers"]

Command = TypeVar("Command", bound=Callable[..., Any])


def choosing_workers(command: Command) -> Command:
    """Add the options, and give the command its `lrwatch.judging.Workers` as ``workers``."""

    @functools.wraps(command)
    def chosen(*arguments: Any, jobs: int | None, dask: str, **options: Any) -> Any:
        from lrwatch.judging import Workers

        return command(*arguments, workers=Workers(jobs, dask), **options)

    jobs = click.option(
        "--jobs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Processes that judge many runs; one a processor if not given.",
    )
    dask = click.option(
        "--dask",
        default="",
        metavar="ADDRESS",
        help="Scheduler of a Dask cluster that judges, as tcp://host:8786.",
    )
    return jobs(dask(chosen))  # type: ignore[return-value]
