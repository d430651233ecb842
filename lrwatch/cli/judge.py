"""``lrwatch judge``: a whole store into its table of verdicts, on as many machines as there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lrwatch.cli.options import choosing_workers
from lrwatch.cli.place import PLACE, known_as
from lrwatch.errors import StoreNotWritable
from lrwatch.formats import counted

if TYPE_CHECKING:
    from lrwatch.judging import Workers

__all__ = ["judge"]


@click.command(short_help="Judge what is new in a folder of runs, into its table of verdicts.")
@click.argument("folder", metavar="[DIR]", type=PLACE, default="runs")
@click.option("--anew", is_flag=True, help="Judge every run, whatever is known of it.")
@choosing_workers
def judge(folder: Path, *, anew: bool, workers: Workers) -> None:
    """Judge the runs of DIR (default: runs) that are new or have changed.

    What is found is kept in DIR/.lrwatch-verdicts/verdicts.parquet, one row a run, which other
    commands and the dashboard begin with, and DuckDB, pandas or Spark can read. Other commands
    keep it up as well, from a hundred runs on.
    """
    from lrwatch.cli.judging import seen_in
    from lrwatch.cli.output import emit

    seen = seen_in(folder, workers=workers, anew=anew, writes=True)
    if seen.runs and seen.table is None:
        raise StoreNotWritable(
            f"the verdicts on {known_as(folder)} cannot be kept: neither it nor the cache can be "
            "written; LRWATCH_CACHE_DIR names another folder"
        )
    n_known = len(seen.runs) - seen.n_judged
    emit(
        f"{counted(len(seen.runs), 'run')}: {seen.n_judged} judged, {n_known} unchanged; "
        f"{known_as(seen.table) if seen.table else 'nothing to keep'}"
    )
