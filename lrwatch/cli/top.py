"""``lrwatch top``: the runs of a folder in the terminal, live, for those without a port."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lrwatch.cli.place import PLACE

if TYPE_CHECKING:
    from rich.console import Console

    from lrwatch.cli.live_list import LiveList

__all__ = ["top"]

_PAUSE_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 1.0
"""For so long runs are judged between two pictures, so that a big store shows at once."""


@click.command(short_help="Show the runs of a folder in the terminal, live.")
@click.argument("folder", metavar="[DIR]", type=PLACE, default="runs")
@click.option("--filter", "wanted", default="", metavar="TEXT", help="Only these runs, as in ls.")
@click.option("--once", is_flag=True, help="Print the table once and exit; so it does in a pipe.")
@click.option("--alone", is_flag=True, help="Judge each run by itself, not beside its siblings.")
def top(folder: Path, *, wanted: str, once: bool, alone: bool) -> int:
    """Show the runs of DIR (default: runs), worst first, until Ctrl-C.

    Each has its verdict, a small picture of its loss, the learning rate with the one to try
    next, and why.
    """
    from rich.console import Console

    from lrwatch.cli.live_list import LiveList, picture
    from lrwatch.cli.output import emit

    runs = LiveList(folder, wanted=wanted, alone=alone)
    console = Console(highlight=False)
    if not once and sys.stdout.isatty():
        return _live(runs, console)
    while not runs.look(_LOOK_SECONDS):
        pass
    with console.capture() as captured:
        console.print(picture(runs, console.width, None, is_plain=_is_plain(console)))
    emit(captured.get())
    return 0


def _live(runs: LiveList, console: Console) -> int:
    from rich.live import Live

    from lrwatch.cli.live_list import picture

    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                is_done = runs.look(_LOOK_SECONDS)
                size = console.size
                shown = picture(runs, size.width, size.height, is_plain=_is_plain(console))
                live.update(shown, refresh=True)
                time.sleep(_PAUSE_SECONDS if is_done else 0)
    except KeyboardInterrupt:
        return 0


def _is_plain(console: Console) -> bool:
    return not console.encoding.lower().startswith("utf")
