"""``lrwatch log``: who silenced, tagged, renamed, archived or deleted what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lrwatch.cli.place import PLACE, known_as
from lrwatch.formats import printable

if TYPE_CHECKING:
    from lrwatch.activity import Activity

__all__ = ["log"]


@click.command(short_help="Show who tagged, renamed, deleted or silenced what.")
@click.argument("folder", metavar="[DIR|RUN]", type=PLACE, default="runs")
@click.option("--last", type=click.IntRange(1), default=50, show_default=True, help="How many.")
@click.option("--user", default="", metavar="NAME", help="Only what NAME did.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of lines.")
def log(folder: Path, *, last: int, user: str, as_json: bool) -> None:
    """Show what people did to the runs of DIR (default: runs), or to one RUN, the latest last.

    From the dashboard and from commands: tags, names, notes, pins, the archive, the trash,
    silences and acknowledgements.
    """
    from lrwatch.cli.output import emit, strict_json
    from lrwatch.store import list_runs
    from lrwatch.store.activity_log import read_activity
    from lrwatch.store.layout import is_run

    everything = 10**6
    most = everything if user else last
    if is_run(folder):
        found = read_activity(folder, run=".", last=most)
    else:
        folders = {entry.path.parent for entry in list_runs(folder)}
        found = read_activity(folder, folders, last=most)
    shown = [done for done in found if user in ("", done.user)][-last:]
    if as_json:
        emit(strict_json(shown))
    elif shown:
        emit("\n".join(map(_line, shown)))
    else:
        click.echo(f"nobody has changed anything in {printable(known_as(folder))} yet", err=True)


def _line(done: Activity) -> str:
    from lrwatch.activity import in_words

    who = done.user or "somebody"
    role = f" ({done.role})" if done.via == "dashboard" else ""
    what = in_words(done)
    return printable("  ".join((done.time, f"{who}{role}", done.run or "-", what)))
