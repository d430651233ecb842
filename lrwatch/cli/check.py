"""``lrwatch check``: diagnose runs, for people and for scripts that act on the exit status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrwatch.cli.options import choosing_columns, choosing_workers
from lrwatch.cli.place import PLACE, known_as
from lrwatch.errors import LrwatchError
from lrwatch.formats import printable

if TYPE_CHECKING:
    from lrwatch.cli.judging import ListedRun
    from lrwatch.judging import Workers

__all__ = ["check"]

_FLAGGED, _UNREADABLE = 1, 2


@click.command(short_help="Diagnose runs; the exit status says whether one is flagged.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=PLACE)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, with all the evidence.")
@click.option(
    "--fail-on",
    default="too_high,too_low",
    show_default=True,
    metavar="WORD,...",
    help="What to flag: too_high, too_low, unknown, or single verdicts.",
)
@click.option("--filter", "wanted", default="", metavar="TEXT", help="Only these runs, as in ls.")
@click.option("--alone", is_flag=True, help="Judge each run by itself, not beside its siblings.")
@choosing_columns
@choosing_workers
def check(
    paths: Sequence[Path],
    *,
    as_json: bool,
    fail_on: str,
    wanted: str,
    alone: bool,
    workers: Workers,
    **choice: Any,
) -> int:
    """Diagnose runs, folders of runs, and logs of other tools.

    The kind of a log is recognised by what is in it: the state of the Hugging Face Trainer,
    TensorBoard events, CSV, JSON lines and Parquet with any column names, wandb, MLflow, trackio
    and others. A folder without runs is searched for logs.

    Runs of one job at different learning rates are judged beside one another.

    Exit status: 0 nothing to report, 1 a run is flagged, 2 a PATH or a run cannot be read.
    """
    from lrwatch.cli import report
    from lrwatch.cli.judging import chosen
    from lrwatch.cli.output import emit, strict_json

    flags = _flags(fail_on)
    runs, problems = _judged(paths, choice, workers, alone=alone)
    if wanted.strip():
        runs = chosen(runs, wanted)
    if as_json:
        emit(strict_json([report.as_object(run) for run in runs]))
    elif runs:
        emit(report.text(runs))
    problems += [f"{known_as(run.path)}: {run.problem}" for run in runs if run.problem]
    for problem in problems:
        click.echo(f"lrwatch: {printable(problem)}", err=True)
    if problems:
        return _UNREADABLE
    is_flagged = any({run.verdict, run.learning_rate} & flags for run in runs)
    return _FLAGGED if is_flagged else 0


def _judged(
    paths: Sequence[Path], choice: Mapping[str, Any], workers: Workers, *, alone: bool
) -> tuple[list[ListedRun], list[str]]:
    """Judge what can be read; the problems are those of whole paths."""
    from lrwatch.cli.foreign_logs import judge_path
    from lrwatch.cli.judging import beside_siblings
    from lrwatch.importing import Choice

    # Runs of several paths are siblings of one another, too.
    is_alone = alone or len(paths) > 1
    runs: list[ListedRun] = []
    problems: list[str] = []
    for path in paths:
        try:
            runs += judge_path(path, Choice(**choice), workers, alone=is_alone)
        except (LrwatchError, OSError) as error:
            problems.append(str(error))
    return (beside_siblings(runs) if is_alone and not alone else runs), problems


def _flags(fail_on: str) -> set[str]:
    """Return the words that flag a run."""
    from lrwatch.verdicts import CLASSES

    flags = {word.strip() for word in fail_on.split(",")} - {""}
    allowed = {*CLASSES, *CLASSES.values()}
    unknown = sorted(flags - allowed)
    if unknown or not flags:
        raise click.BadParameter(
            f"expected words among {', '.join(sorted(allowed))}, "
            f"got {', '.join(unknown) or 'none'}",
            param_hint="--fail-on",
        )
    return flags
