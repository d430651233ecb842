"""``lrwatch alert why``: which stage sent an alert of a run, or held it back, and why."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lrwatch.cli.options import config_file
from lrwatch.cli.place import PLACE, known_as
from lrwatch.errors import RunNotFound
from lrwatch.formats import printable

if TYPE_CHECKING:
    from lrwatch.alerts.explaining import Explanation

__all__ = ["why"]


@click.command(short_help="Explain why an alert of a run was sent, or was not.")
@click.argument("run", metavar="RUN", type=PLACE)
@config_file("Rules and timing of the watcher (TOML).")
@click.option(
    "--state",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where the watcher keeps its state, if not in a folder above RUN.",
)
def why(run: Path, config: Path | None, state: Path | None) -> None:
    """Explain, rule by rule, why alerts of RUN, a run's folder, were sent or were not.

    If no watcher has run, it says what one would do.
    """
    from lrwatch.alerts.config import read_settings
    from lrwatch.alerts.explaining import explained, home_of
    from lrwatch.cli.output import emit
    from lrwatch.store import list_runs

    entry = next((each for each in list_runs(run) if each.key == "."), None)
    if entry is None:
        raise RunNotFound(
            f"{known_as(run)} is not a run; `lrwatch ls {known_as(run)}` lists the runs in it"
        )
    found = list(explained(entry, state or home_of(run), read_settings(config)))
    emit("\n".join(map(_line, found)))
    if not any(one.is_watched for one in found):
        click.echo(f"no watcher has alerts of {known_as(run)}: this is what one would do", err=True)


def _line(found: Explanation) -> str:
    if found.known is None or found.decision is None:
        return f"{found.rule:<10}  no alert: its condition has not been seen"
    one, decision = found.known, found.decision
    said = {
        "send": f"{'to be sent' if found.is_watched else 'would be sent'}: {decision.reason}",
        "held": f"held back by {decision.stage}: {decision.reason}",
        "nothing": f"nothing to send: {decision.reason}",
    }[decision.outcome]
    if one.is_told and found.is_watched and one.told_at is not None:
        at = datetime.fromtimestamp(one.told_at).astimezone().strftime("%Y-%m-%d %H:%M")
        said = f"sent {at}; {said}"
    elif one.is_told:
        said = "would have been sent"
    return printable(f"{found.rule:<10}  {one.alert.state}: {said}")
