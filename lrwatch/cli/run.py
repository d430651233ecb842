"""``lrwatch run``: a training script as it is, with every optimizer in it watched."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

__all__ = ["run"]


@click.command(
    short_help="Run a training script with every optimizer in it watched.",
    context_settings={"allow_interspersed_args": False},  # what follows SCRIPT belongs to it
)
@click.option(
    "--dir",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default="runs",
    show_default=True,
    help="Folder for the runs.",
)
@click.option(
    "--name",
    metavar="NAME",
    help="Name of the run.  [default: from script, optimizer and learning rate]",
)
@click.option("--no-alerts", is_flag=True, help="Do not report runs that go wrong.")
@click.option("-m", "is_module", is_flag=True, help="SCRIPT is a module, as in python -m.")
@click.argument("script", metavar="SCRIPT")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1, type=click.UNPROCESSED)
def run(
    folder: Path,
    name: str | None,
    script: str,
    arguments: tuple[str, ...],
    *,
    is_module: bool,
    no_alerts: bool,
) -> None:
    """Run SCRIPT as python does, and record every step of every torch optimizer in it.

    Options come before SCRIPT; what follows it is passed to the script. A run begins with the
    first step of an optimizer; at the end, one line on standard error says where it is. A run
    that goes wrong is reported there at once.
    """
    from lrwatch.autowatch.launch import prepare

    launch = prepare(
        script, arguments, is_module=is_module, folder=folder, name=name, alerts=not no_alerts
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, launch.arguments, launch.environment)  # noqa: S606  no shell
