"""``lrwatch run``: a training script as it is, with every optimizer in it watched."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

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
    default="runs",
    show_default=True,
    help="Folder for the runs, or an address such as s3://bucket/runs.",
)
@click.option(
    "--name",
    metavar="NAME",
    help="Name of the run.  [default: from script, optimizer and learning rate]",
)
@click.option("--resume", is_flag=True, help="Go on with the run of an earlier start.")
@click.option(
    "--total-steps",
    metavar="N",
    type=click.IntRange(min=1),
    help="Planned number of steps.",
)
@click.option(
    "--config",
    metavar="KEY=VALUE",
    multiple=True,
    help="What to remember of the job; may be given again.",
)
@click.option("--no-alerts", is_flag=True, help="Do not report runs that go wrong.")
@click.option("-m", "is_module", is_flag=True, help="SCRIPT is a module, as in python -m.")
@click.argument("script", metavar="SCRIPT")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1, type=click.UNPROCESSED)
def run(  # noqa: PLR0913  one for each option
    folder: str,
    name: str | None,
    script: str,
    arguments: tuple[str, ...],
    config: tuple[str, ...],
    *,
    is_module: bool,
    no_alerts: bool,
    **options: Any,
) -> int:
    """Run SCRIPT as python does, and record every step of every torch optimizer in it.

    Options come before SCRIPT; what follows it is passed to the script. A run begins with the
    first step of an optimizer; at the end, one line on standard error says where it is, or why
    nothing was recorded. A run that goes wrong is reported there at once.
    """
    from lrwatch.autowatch.launch import prepare
    from lrwatch.system import become

    launch = prepare(
        script,
        arguments,
        is_module=is_module,
        folder=folder,
        name=name,
        alerts=not no_alerts,
        config=_settings(config),
        **options,
    )
    sys.stdout.flush()
    sys.stderr.flush()
    return become(sys.executable, launch.arguments, launch.environment)


def _settings(given: Iterable[str]) -> dict[str, Any]:
    """Return what ``--config`` was given, by key."""
    from lrwatch.autowatch.launch import typed

    settings = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not (sign and key.strip()):
            raise click.UsageError(f"--config takes KEY=VALUE, got {text!r}")
        settings[key.strip()] = typed(value)
    return settings
