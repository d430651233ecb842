"""``lrwatch push``: runs of this machine go to a store at an address."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lrwatch.formats import counted, printable

if TYPE_CHECKING:
    from lrwatch.uploading.pushing import Pushed

__all__ = ["push"]

_UNSENT: Final = 2
_PAUSE: Final = 30.0


@click.command(short_help="Send runs of this machine to a store at an address.")
@click.argument("source", metavar="[SOURCE]", required=False, type=click.Path(path_type=Path))
@click.argument("address", metavar="[ADDRESS]", required=False)
@click.option("--follow", is_flag=True, help="Go on as the runs grow, until Ctrl-C.")
def push(source: Path | None, address: str | None, *, follow: bool) -> int:
    """Send SOURCE, a run or a folder of runs, to ADDRESS, such as s3://bucket/runs.

    Without arguments, send what training processes recorded for an address and could not send
    any more: for an outage, or since they were killed. What is there already is not sent again.
    """
    from lrwatch.uploading.courier import EVERY, seconds_of
    from lrwatch.uploading.pushing import errands
    from lrwatch.uploading.pushing import push as send

    told: set[tuple[str, str]] = set()
    while True:
        # A folder to follow may be empty for now; one that is named once must have a run.
        pushed = [send(errand) for errand in errands(source, address)]
        status = max([_tell(each, told) for each in pushed], default=0)
        if not follow:
            if not pushed:
                click.echo("nothing waits to be sent" if source is None else f"no run in {source}")
            return status
        time.sleep(seconds_of(EVERY, _PAUSE))


def _tell(pushed: Pushed, told: set[tuple[str, str]]) -> int:
    """Print what became of a run, once if nothing did; return the exit status."""
    run = str(pushed.run)
    if pushed.problem:
        if (run, pushed.problem) not in told:
            click.echo(printable(f"lrwatch: {run}: {pushed.problem}"), err=True)
            told.add((run, pushed.problem))
        return _UNSENT
    if pushed.n_rows or (run, "") not in told:
        end = "" if pushed.is_done else "; it is being written"
        what = counted(pushed.n_rows, "new row")
        click.echo(printable(f"{run} -> {pushed.address}: {what}{end}"))
        told.add((run, ""))
    return 0
