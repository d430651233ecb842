"""``lrwatch export``: a run as one file that other tools read."""

from __future__ import annotations

from pathlib import Path

import click

from lrwatch.formats import count, printable

__all__ = ["export"]


@click.command(short_help="Write a run to one .csv or .parquet file.")
@click.argument("run", metavar="PATH", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "target",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="File to write; its extension sets the format.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def export(run: Path, *, target: Path, force: bool) -> None:
    """Write the run at PATH to one .csv or .parquet file, one row a step.

    In CSV an empty field means "not recorded"; nan means that NaN was recorded.
    """
    from lrwatch.cli.step_files import STEP_FILES, write_step_file
    from lrwatch.store import read_table

    if target.suffix.lower() not in STEP_FILES:
        raise click.BadParameter(
            f"expected a file that ends in {' or '.join(STEP_FILES)}, got {target.name!r}",
            param_hint="--to",
        )
    if target.exists() and not force:
        raise click.ClickException(f"{target} already exists; add --force to replace it")
    table = read_table(run)
    write_step_file(table, target)
    click.echo(f"{count(table.num_rows)} steps written to {printable(str(target))}", err=True)
