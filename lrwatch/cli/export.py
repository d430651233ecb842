"""``lrwatch export``: a run as one file that other tools read."""

from __future__ import annotations

from pathlib import Path

import click

from lrwatch.cli.place import PLACE
from lrwatch.formats import count, printable

__all__ = ["export"]


@click.command(short_help="Write a run to one file for other tools.")
@click.argument("run", metavar="PATH", type=PLACE)
@click.option(
    "--to",
    "target",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="File to write; its name sets the kind.",
)
@click.option("--as", "kind", metavar="KIND", help="The kind, whatever the name of FILE is.")
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def export(run: Path, *, target: Path, kind: str | None, force: bool) -> None:
    """Write the run at PATH to one file, one row a step.

    \b
    steps.csv                  CSV: an empty field is "not recorded", nan was recorded
    steps.parquet              Parquet
    steps.arrow                Arrow (Feather, version 2)
    events.out.tfevents.NAME   TensorBoard events
    NAME.wandb.parquet         Parquet in the shape of a wandb history
    NAME.trackio.parquet       Parquet in the shape of a trackio project
    """  # noqa: D301  click looks for the backspace
    from lrwatch.exporting import ExportedRun, exporter_for
    from lrwatch.plain_files import replacing
    from lrwatch.store import read_run_info, read_table

    exporter = exporter_for(target.name, kind)
    if target.exists() and not force:
        raise click.ClickException(f"{target} already exists; add --force to replace it")
    table = read_table(run)
    with replacing(target) as aside:
        exporter.write(ExportedRun(read_run_info(run), table), aside)
    click.echo(f"{count(table.num_rows)} steps written to {printable(str(target))}", err=True)
