"""``lrwatch tag``, ``note``, ``rename``, ``pin``, ``archive``, ``rm``: keep a store in order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lrwatch.cli.place import PLACE, known_as
from lrwatch.errors import InvalidArgument, LrwatchError, RunNotFound
from lrwatch.formats import counted, printable

if TYPE_CHECKING:
    from lrwatch.store.labels import RunLabels

__all__ = ["COMMANDS"]

_UNREADABLE: Final = 2
_RUNS: Final = click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=PLACE)


@click.command(
    short_help="Show, add and remove tags of runs.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", metavar="RUN... [TAG|-TAG]...", nargs=-1, required=True)
def tag(arguments: Sequence[str]) -> int:
    """Add tags to runs, and remove those with a - before them; without a tag, show them.

    RUN is the folder of a run: lrwatch tag runs/sgd-0.1 keep -old
    """
    from lrwatch.store.labels import RunLabels, read_labels, tagged

    runs, tags = _runs_and_tags(arguments)
    if not tags:
        for run in runs:
            click.echo(printable(" ".join([known_as(run), *read_labels(run).tags])))
        return 0
    add = tuple(each for each in tags if not each.startswith("-"))
    drop = tuple(each[1:] for each in tags if each.startswith("-"))
    RunLabels(tags=add).checked()
    return _label(runs, lambda said: tagged(said, add=add, drop=drop))


@click.command(short_help="Show or write the note of a run.")
@click.argument("run", metavar="RUN", type=PLACE)
@click.argument("text", metavar="[TEXT]", required=False)
def note(run: Path, text: str | None) -> int:
    """Write TEXT, which may be Markdown, as the note of RUN; without TEXT, print the note.

    An empty TEXT takes the note away, and - reads it from standard input.
    """
    from lrwatch.cli.output import emit
    from lrwatch.store.labels import LONGEST_NOTE, read_labels

    if text is None:
        found = read_labels(_checked_run(run)).note
        if found:
            emit("\n".join(map(printable, found.splitlines())))
        return 0
    given = sys.stdin.read(LONGEST_NOTE + 1) if text == "-" else text
    return _label([run], lambda said: replace(said, note=given.strip()))


@click.command(short_help="Change the name that a run is shown by.")
@click.argument("run", metavar="RUN", type=PLACE)
@click.argument("name", metavar="NAME")
def rename(run: Path, name: str) -> int:
    """Show RUN as NAME from now on; its folder stays. An empty NAME takes that back."""
    return _label([run], lambda said: replace(said, name=name.strip()))


@click.command(short_help="Show runs before all others.")
@_RUNS
@click.option("--undo", is_flag=True, help="Show them among the others again.")
def pin(runs: Sequence[Path], *, undo: bool) -> int:
    """Show each RUN before all others."""
    return _label(runs, lambda said: replace(said, pinned=not undo))


@click.command(short_help="Leave runs out of lists; they stay where they are.")
@_RUNS
@click.option("--undo", is_flag=True, help="List them again.")
def archive(runs: Sequence[Path], *, undo: bool) -> int:
    """Leave each RUN out of lists, unless they are asked for: lrwatch ls --filter is:archived.

    An archived run is still read, and still one of its sweep.
    """
    return _label(runs, lambda said: replace(said, archived=not undo))


@click.command(short_help="Throw runs away; for a while they can be taken back.")
@_RUNS
@click.option("--undo", is_flag=True, help="Take back what was thrown away last.")
@click.option("--force", is_flag=True, help="Also a run that is running; its recording ends.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can answer.")
@click.option("--purge", is_flag=True, help="Empty the trash of each folder given, for good.")
def rm(runs: Sequence[Path], *, undo: bool, force: bool, yes: bool, purge: bool) -> int:
    """Move each RUN to .lrwatch-trash in its folder, which keeps it for 30 days.

    lrwatch rm --undo RUN takes it back. A run that is running is refused.
    """
    from lrwatch.store.trash import empty_trash, take_back, throw_away

    if undo and (purge or force):
        raise click.UsageError("--undo goes with neither --purge nor --force; give one of them")
    if undo:
        return _each(runs, take_back)
    runs = list(dict.fromkeys(runs))
    what = "for good the trash of " if purge else ""
    _confirm(f"Remove {what}{_named(runs)}?", yes=yes)
    if purge:
        return _each(runs, lambda folder: _say_emptied(folder, empty_trash(folder)))
    status = _each(runs, lambda run: throw_away(run, force=force))
    if not status:
        click.echo(f"removed {_named(runs)}; lrwatch rm --undo takes it back", err=True)
    return status


COMMANDS: Final = (archive, note, pin, rename, rm, tag)


def _label(runs: Sequence[Path], change: Callable[[RunLabels], RunLabels]) -> int:
    from lrwatch.store.labels import change_labels

    return _each(runs, lambda run: change_labels(run, change))


def _each(runs: Sequence[Path], act: Callable[[Path], object]) -> int:
    """Do it for each run; what cannot be done for one is said, and holds up none."""
    status = 0
    for run in runs:
        try:
            act(run)
        except LrwatchError as error:
            click.echo(f"lrwatch: {printable(str(error))}", err=True)
            status = _UNREADABLE
        except OSError as error:
            click.echo(
                f"lrwatch: {printable(f'{known_as(run)}: {error.strerror or error}')}", err=True
            )
            status = _UNREADABLE
    return status


def _runs_and_tags(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Return the runs, which come first, and the tags after them."""
    from lrwatch.store.layout import is_run

    runs: list[Path] = []
    for text in arguments:
        run = PLACE.convert(text, None, None)
        if not is_run(run):
            break
        runs.append(run)
    if not runs:
        _checked_run(PLACE.convert(arguments[0], None, None))
    return runs, list(arguments[len(runs) :])


def _checked_run(run: Path) -> Path:
    from lrwatch.store.layout import is_run

    if not is_run(run):
        raise RunNotFound(
            f"{known_as(run)} is not a run; give its folder, as `lrwatch ls --json` names it"
        )
    return run


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidArgument(f"{question} nobody can answer here; give --yes")
    click.confirm(printable(question), abort=True)


def _named(runs: Sequence[Path]) -> str:
    return known_as(runs[0]) if len(runs) == 1 else counted(len(runs), "run")


def _say_emptied(folder: Path, n_runs: int) -> None:
    click.echo(printable(f"{known_as(folder)}: {counted(n_runs, 'run')} removed for good"))
