"""``lrwatch import``: logs of other tools become runs, once or while they are written."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lrwatch.cli.options import choosing_columns
from lrwatch.formats import counted, printable

if TYPE_CHECKING:
    from lrwatch.importing import Brought, FoundLog

__all__ = ["import_runs"]

_UNREADABLE: Final = 2
_PAUSE: Final = 2.0
_SHARE: Final = 10.0
"""Looking at a source takes at most one part in so many of the time."""


class _ListingKinds(click.Command):
    """A command whose help ends in the kinds that there are, those of other packages included."""

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002  click passes it
        formatter: click.HelpFormatter,
    ) -> None:
        from lrwatch.importing import importers

        with formatter.section("Kinds"):
            formatter.write_dl([(each.name, each.title) for each in importers().values()])


@click.command("import", cls=_ListingKinds, short_help="Make runs of another tool's logs.")
@click.argument("kind", metavar="auto|KIND")
@click.argument("source", metavar="SOURCE", type=click.Path(path_type=Path))
@click.option(
    "--dir",
    "folder",
    default="runs",
    show_default=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder for the runs.",
)
@click.option("--follow", is_flag=True, help="Go on as the logs grow, until Ctrl-C.")
@choosing_columns
def import_runs(kind: str, source: Path, *, folder: Path, follow: bool, **choice: Any) -> int:
    """Read the logs of other tools at SOURCE, a file or a folder, into runs in DIR.

    With auto the kind is recognised by what is in a log. To import again is an update: only rows
    that are new are added. The logs are left as they are.
    """
    from lrwatch.importing import Choice, Mirror, importer_named

    importer = None if kind == "auto" else importer_named(kind)
    mirror = Mirror(folder, lambda: _logs(importer, source), Choice(**choice))
    told: set[str] = set()
    if not follow:
        return _tell(mirror.update(), told)
    try:
        while True:
            began = time.monotonic()
            _tell(mirror.update(is_live=True), told)
            time.sleep(max(_PAUSE, _SHARE * (time.monotonic() - began)))
    finally:
        mirror.close()


def _logs(importer: Any, source: Path) -> list[FoundLog]:
    """Return the logs at a source."""
    from lrwatch.importing import FoundLog, logs_at

    if importer is not None and (source.is_file() or importer.recognises(source, b"") > 0):
        return [FoundLog(source, importer, 1.0)]
    return [
        log for log in logs_at(source) if importer is None or log.importer.name == importer.name
    ]


def _tell(brought: Iterable[Brought], told: set[str]) -> int:
    """Print what became of each run, and what was not told before; return the exit status."""
    is_first = not told
    status = 0
    for run in brought:
        if run.problem:
            _tell_once(f"lrwatch: {run.source}: {run.problem}", told, err=True)
            status = _UNREADABLE
        elif run.n_new or is_first:
            click.echo(
                printable(f"{run.folder}: {run.recognised}; {counted(run.n_new, 'new row')}")
            )
            told.add(str(run.folder))
        for trouble in run.troubles:
            _tell_once(f"    left out: {trouble}", told, err=False)
    if not told:
        _tell_once("lrwatch: there is no log of this kind", told, err=True)
        status = _UNREADABLE
    return status


def _tell_once(text: str, told: set[str], *, err: bool) -> None:
    if text not in told:
        told.add(text)
        click.echo(printable(text), err=err)
