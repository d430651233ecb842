"""``lrwatch compare``: which learning rate of each job won, and what flagged runs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrwatch.cli.options import choosing_workers
from lrwatch.formats import printable

if TYPE_CHECKING:
    from lrwatch.comparing import Comparison
    from lrwatch.judging import Workers

__all__ = ["as_object", "compare"]


@click.command(short_help="Say which learning rate of each job won, and what flagged runs share.")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default="runs")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@choosing_workers
def compare(folder: Path, *, as_json: bool, workers: Workers) -> None:
    """Compare the runs of DIR (default: runs) across learning rates.

    Runs that differ in rate and seed only are one job. Each gets a line with its best rate, the
    band of rates that are as good, and the runs that were not compared; of several jobs, it
    begins with the settings, or the runs, that tell them apart.
    """
    from lrwatch.cli.judging import seen_in
    from lrwatch.cli.output import emit, strict_json
    from lrwatch.comparing import compared

    found = compared(seen_in(folder, workers=workers))
    if as_json:
        emit(strict_json(as_object(found)))
        return
    emit("\n".join(map(printable, str(found).splitlines())))
    for key, problem in found.unreadable.items():
        click.echo(f"lrwatch: {printable(f'{key}: {problem}')}", err=True)


def as_object(found: Comparison) -> dict[str, Any]:
    """Return a comparison as `docs/json.md` has it."""
    return {
        "sweeps": [
            {
                "settings": dict(sweep.settings),
                "runs": list(sweep.runs),
                "steps": sweep.n_steps,
                "best": sweep.choice.best,
                "band": sweep.choice.band,
                "reason": sweep.reason,
            }
            for sweep in found.sweeps
            if len(sweep.trials) > 1
        ],
        "common_ground": [str(ground) for ground in found.common_ground],
        "verdicts": found.verdicts,
        "unreadable": found.unreadable,
    }
