"""``lrwatch ls``: the runs of a folder, worst first."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lrwatch.cli.options import choosing_workers
from lrwatch.cli.place import PLACE, no_runs_yet
from lrwatch.formats import counted

if TYPE_CHECKING:
    from lrwatch.cli.judging import ListedRun
    from lrwatch.judging import Workers

__all__ = ["ls"]


@click.command(short_help="List the runs of a folder, worst first.")
@click.argument("folder", metavar="[DIR]", type=PLACE, default="runs")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")
@click.option("--filter", "wanted", default="", metavar="TEXT", help="List only these runs.")
@click.option("--alone", is_flag=True, help="Judge each run by itself, not beside its siblings.")
@choosing_workers
def ls(folder: Path, *, as_json: bool, wanted: str, alone: bool, workers: Workers) -> None:
    """List the runs of DIR (default: runs) with what is wrong with them, worst first.

    Runs of one job at different learning rates are judged beside one another.

    --filter takes words, settings and what is known of a run, as the field of the dashboard:
    lrwatch ls --filter 'width:16 lr>0.01 -tag:old "in reason"'. Archived runs are left out,
    unless it says is:archived or is:all.

    In a pipe each run is one line of columns separated by tabs.
    """
    from lrwatch.cli import listing
    from lrwatch.cli.judging import chosen, judge_store, worst_first
    from lrwatch.cli.output import emit, strict_json

    judged = judge_store(folder, workers, alone=alone)
    runs = worst_first(chosen(judged, wanted))
    if as_json:
        emit(strict_json([listing.as_object(run) for run in runs]))
        return
    if judged and not runs:
        click.echo(_nothing_found(wanted, judged), err=True)
        return
    if not runs:
        click.echo(no_runs_yet(folder), err=True)
        return
    emit(listing.table(runs) if sys.stdout.isatty() else listing.plain(runs))


def _nothing_found(wanted: str, runs: Sequence[ListedRun]) -> str:
    what = f"matches {wanted!r}" if wanted.strip() else "is not archived"
    return f"none of {counted(len(runs), 'run')} {what}; --filter is:all lists every one"
