"""``lrwatch suggest``: the rate to try next, for each job of a folder of runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lrwatch.cli.options import choosing_workers
from lrwatch.cli.place import PLACE, no_runs_yet

if TYPE_CHECKING:
    from lrwatch.comparing import Suggestion
    from lrwatch.judging import Workers

__all__ = ["as_object", "suggest"]


_BASES: Final = {"run": "one run", "sweep": "a sweep", "range test": "a range test"}


@click.command(short_help="Suggest the learning rate to try next, with its range and why.")
@click.argument("folder", metavar="[DIR]", type=PLACE, default="runs")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, an object a job.")
@choosing_workers
def suggest(folder: Path, *, as_json: bool, workers: Workers) -> None:
    """Suggest the rate to try next for each job of DIR (default: runs).

    Runs that differ in rate and seed only are one job, range tests of it included. Where they
    say too little, other sizes of the same model do; or the next run is named that would tell.
    """
    from lrwatch.cli.judging import seen_in
    from lrwatch.cli.output import emit, strict_json
    from lrwatch.comparing import suggested_each
    from lrwatch.comparing.job_titles import job_titles

    found = suggested_each(seen_in(folder, workers=workers))
    if as_json:
        emit(strict_json([as_object(each) for each in found]))
    elif found:
        titles = job_titles([(each.settings, each.runs) for each in found])
        emit("\n\n".join(map(_text, titles, found)))
    else:
        click.echo(no_runs_yet(folder), err=True)


def as_object(found: Suggestion) -> dict[str, Any]:
    """Return a suggestion as `docs/json.md` has it."""
    names = ("lr", "low", "high", "next_lr", "basis", "reason", "advice")
    said = {name: getattr(found, name) for name in names}
    return {**said, "runs": list(found.runs), "settings": dict(found.settings)}


def _text(title: str, found: Suggestion) -> str:
    from lrwatch.formats import number, printable

    lines = [title, found.reason, found.advice]
    if found.lr is not None:
        low, high = number(found.low, 3), number(found.high, 3)
        basis = _BASES.get(found.basis, found.basis)
        lines.insert(1, f"{number(found.lr, 3)}  (between {low} and {high}; from {basis})")
    return "\n  ".join(printable(line) for line in lines)
