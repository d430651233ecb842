"""``lrwatch show RUN``: one run in the terminal, with its curves drawn in characters."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lrwatch.cli.place import PLACE, known_as, no_run_at
from lrwatch.formats import count, number, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from lrwatch.cli.judging import ListedRun

__all__ = ["show"]

_HEIGHTS: Final = {"loss": 10, "lr": 4}
_NAMES: Final = {"loss": "loss", "lr": "learning rate"}
_UNREADABLE: Final = 2
_MOST_COLUMNS: Final = 120


@click.command(short_help="Show one run, with its curves, in the terminal.")
@click.argument("run", metavar="RUN", type=PLACE)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object, with all the evidence.")
@click.option("--alone", is_flag=True, help="Judge the run by itself, not beside its siblings.")
def show(run: Path, *, as_json: bool, alone: bool) -> int:
    """Show the verdict on RUN, its folder, why, what to try, and loss and learning rate.

    It is judged beside the runs of its job in the same folder.
    """
    from lrwatch.cli import listing, report
    from lrwatch.cli.output import emit, strict_json

    found = _found(run, alone=alone)
    if as_json:
        emit(strict_json({**listing.as_object(found), **report.as_object(found)}))
    else:
        emit(_text(found))
    if not found.problem:
        return 0
    click.echo(f"lrwatch: {printable(f'{known_as(run)}: {found.problem}')}", err=True)
    return _UNREADABLE


def _found(path: Path, *, alone: bool) -> ListedRun:
    from lrwatch.cli.judging import beside_siblings, judge_entry
    from lrwatch.store import list_runs
    from lrwatch.store.layout import is_run

    if path.is_file() or not is_run(path):
        raise no_run_at(path)
    path = path.absolute()
    own = judge_entry(next(entry for entry in list_runs(path) if entry.key == "."))
    if alone:
        return own
    beside = [entry for entry in list_runs(path.parent) if entry.path != path]
    return beside_siblings([own, *map(judge_entry, beside)])[0]


def _text(run: ListedRun) -> str:
    from rich.console import Console
    from rich.text import Text

    from lrwatch.cli.appearance import run_name, verdict_text

    console = Console(highlight=False)
    with console.capture() as captured:
        console.print(Text.assemble(verdict_text(run), "  ", run_name(run)))
        for said in _said(run):
            console.print(said)
        for line in _curves(run, console):
            console.print(Text(line, no_wrap=True, overflow="crop"))
    return captured.get()


def _said(run: ListedRun) -> list[Text]:
    from rich.text import Text

    from lrwatch.ranks import said_of_ranks

    lines = [Text(printable(run.reason))]
    if run.diagnosis is not None and run.diagnosis.advice:
        lines.append(Text(printable(run.diagnosis.advice), "bold"))
    planned = "" if run.total_steps is None else f" of {count(run.total_steps)}"
    parts = [
        run.state,
        f"{count(run.summary.n_steps)}{planned} steps",
        run.facts.optimizer,
        f"peak learning rate {number(run.summary.peak_lr, 3)}",
        f"best loss {number(run.facts.loss)}",
        f"last loss {number(run.summary.last_loss)}",
        *(f"#{tag}" for tag in run.labels.tags),
    ]
    lines.append(Text(printable(", ".join(part for part in parts if part)), "dim"))
    if ranks := said_of_ranks(run.path):
        lines.append(Text(printable(ranks), "dim"))
    lines += [Text(printable(line), "italic") for line in run.labels.note.splitlines()]
    return lines


def _curves(run: ListedRun, console: Console) -> list[str]:
    from lrwatch.cli.plot import curve_lines
    from lrwatch.detect.schedule_name import is_constant, name_of
    from lrwatch.errors import LrwatchError
    from lrwatch.store import read_table

    try:
        rows = read_table(run.path)
    except (LrwatchError, OSError):
        return []  # the problem of the run says it
    width = min(console.width if sys.stdout.isatty() else 80, _MOST_COLUMNS)
    is_plain = not console.encoding.lower().startswith("utf")
    lines: list[str] = []
    for name, height in _HEIGHTS.items():
        steps, values = _series(rows, name)
        if not len(values):
            continue
        if name == "lr" and is_constant(values):
            lines += ["", f"learning rate {number(float(values[0]))}, constant"]
            continue
        size: dict[str, Any] = {"width": width, "height": height, "is_plain": is_plain}
        schedule = name_of(values, steps) if name == "lr" else ""
        title = ": ".join(filter(None, (_NAMES[name], schedule)))
        lines += ["", title, *curve_lines(steps, values, **size)]
    return lines


def _series(rows: Any, name: str) -> tuple[Any, Any]:
    """Return steps and values of a column where it was recorded, both of shape ``(n,)``."""
    import pyarrow.compute

    column = rows[name]
    seen = rows.filter(pyarrow.compute.is_valid(column))
    return (
        seen["step"].to_numpy().astype("float64"),
        seen[name].to_numpy(zero_copy_only=False),
    )
