"""``lrwatch ls``: the runs of a folder, worst first."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lrwatch.cli.judging import ListedRun
    from lrwatch.store import RunEntry

__all__ = ["ls"]


@click.command(short_help="List the runs of a folder, worst first.")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default="runs")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")
@click.option("--alone", is_flag=True, help="Judge each run by itself, not beside its siblings.")
def ls(folder: Path, *, as_json: bool, alone: bool) -> None:
    """List the runs of DIR (default: runs) with what is wrong with them, worst first.

    Runs of one job at different learning rates are judged beside one another.

    In a pipe each run is one line of columns separated by tabs.
    """
    from lrwatch.cli import listing
    from lrwatch.cli.judging import beside_siblings, worst_first
    from lrwatch.cli.output import emit, strict_json
    from lrwatch.store import list_runs

    judged = _judged(list_runs(folder))
    runs = worst_first(judged if alone else beside_siblings(judged))
    if as_json:
        emit(strict_json([listing.as_object(run) for run in runs]))
        return
    if not runs:
        click.echo(
            f"no runs in {folder} yet; lrwatch.watch(optimizer, dir={str(folder)!r}) writes them",
            err=True,
        )
        return
    emit(listing.table(runs) if sys.stdout.isatty() else listing.plain(runs))


def _judged(entries: Sequence[RunEntry]) -> Iterable[ListedRun]:
    """Judge runs one after the other, with a progress bar where somebody can see it."""
    from rich.console import Console
    from rich.progress import track

    from lrwatch.cli.judging import judge_entry

    console = Console(stderr=True)
    is_hidden = not console.is_terminal
    found = map(judge_entry, entries)
    return track(found, "Reading", len(entries), console=console, transient=True, disable=is_hidden)
