"""Looking at alerts and handling them: ``lrwatch alert list``, ``why``, ``ack``, ``silence``."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lrwatch.activity import current_actor
from lrwatch.cli.options import config_file
from lrwatch.cli.place import PLACE, known_as, no_run_at
from lrwatch.errors import InvalidArgument
from lrwatch.formats import printable

if TYPE_CHECKING:
    from lrwatch.alerts.explaining import Explanation
    from lrwatch.alerts.silences import Silence
    from lrwatch.alerts.watcher_state import KnownAlert

__all__ = ["ack", "list_alerts", "silence", "why"]

_UNITS: Final = {"m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)([mhd])")

_HOME: Final = click.argument("folder", metavar="[DIR]", type=PLACE, default="runs")


@click.command(name="list", short_help="List the alerts of a folder of runs.")
@_HOME
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_alerts(folder: Path, *, as_json: bool) -> None:
    """List the alerts that `lrwatch alert DIR` has found, and who is handling them.

    DIR is the folder of runs, or what was given to --state.
    """
    from lrwatch.alerts.silences import silences
    from lrwatch.alerts.watcher_state import read_state
    from lrwatch.cli.output import emit, strict_json
    from lrwatch.codec import plain

    state = read_state(folder)
    known = () if state is None else state.alerts
    if as_json:
        emit(strict_json([{**plain(one.alert), "run_key": one.run_key} for one in known]))
        return
    if state is None:
        click.echo(
            f"no watcher has run on {known_as(folder)} here; "
            f"lrwatch alert {known_as(folder)} --to URL starts one",
            err=True,
        )
    elif not known:
        click.echo("no alerts", err=True)
    if lines := [*map(_line, known), *map(_silenced, silences(folder))]:
        emit("\n".join(lines))


@click.command(short_help="Say that you are handling an alert: it is not repeated.")
@_HOME
@click.argument("alert_id", metavar="ALERT")
@click.option("--note", default="", metavar="TEXT", help="What you are doing about it.")
def ack(folder: Path, alert_id: str, note: str) -> None:
    """Say that you are handling ALERT, an id that `lrwatch alert list` prints."""
    from lrwatch.alerts.silences import acknowledge
    from lrwatch.alerts.watcher_state import read_state

    state = read_state(folder)
    known = () if state is None else state.alerts
    one = next((one for one in known if one.alert.id == alert_id), None)
    if one is None:
        raise InvalidArgument(
            f"there is no alert {alert_id!r} in {known_as(folder)}; "
            f"`lrwatch alert list {known_as(folder)}` lists them"
        )
    user = current_actor().user
    acknowledge(folder, alert_id, one.alert.episode, by=user, note=note, run=one.run_key)


@click.command(short_help="Silence alerts for a while.")
@_HOME
@click.option("--run", metavar="PATTERN", default="*", help="Runs to silence, such as 'sweep/*'.")
@click.option("--group", metavar="PATTERN", default="*", help="Groups of runs to silence.")
@click.option("--rule", metavar="PATTERN", default="*", help="Rules to silence, such as too_low.")
@click.option("--for", "span", metavar="TIME", required=True, help="How long: 30m, 2h, 1d.")
@click.option("--reason", metavar="TEXT", required=True, help="Why; shown to others.")
@click.option("--until-worse", is_flag=True, help="Still send a more severe alert on the same run.")
def silence(  # noqa: PLR0913  one parameter an option
    folder: Path, run: str, group: str, rule: str, span: str, reason: str, *, until_worse: bool
) -> None:
    """Silence alerts of DIR (default: runs) for a while: they are shown but not sent."""
    from lrwatch.alerts.silences import Matcher, add_silence
    from lrwatch.cli.output import emit

    added = add_silence(
        folder,
        Matcher(run, group, rule),
        seconds=_seconds(span),
        reason=reason,
        by=current_actor().user,
        until_worse=until_worse,
    )
    emit(_silenced(added))


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

    listed = list_runs(run) if run.is_dir() else []
    entry = next((each for each in listed if each.key == "."), None)
    if entry is None:
        raise no_run_at(run)
    found = list(explained(entry, state or home_of(run), read_settings(config)))
    emit("\n".join(map(_explained, found)))
    if not any(one.is_watched for one in found):
        click.echo(f"no watcher has alerts of {known_as(run)}: this is what one would do", err=True)


def _line(one: KnownAlert) -> str:
    from lrwatch.alerts.wording import headline

    marks = [
        "sent" if one.is_told else "not sent",
        *(["inhibited"] if one.inhibited_by else []),
        *(["silenced"] if one.silenced_by else []),
        *([f"acknowledged by {one.acknowledged_by}"] if one.acknowledged_by else []),
    ]
    alert = one.alert
    parts = (alert.id, alert.state, alert.severity, headline(alert), ", ".join(marks))
    return printable("  ".join(parts))


def _silenced(silence: Silence) -> str:
    """Return a silence in one line."""
    matcher = silence.matcher
    named = {"run": matcher.run, "group": matcher.group, "rule": matcher.rule}
    of = ", ".join(f"{kind} {pattern}" for kind, pattern in named.items() if pattern != "*")
    ends = datetime.fromtimestamp(silence.ends_at).astimezone().strftime("%Y-%m-%d %H:%M")
    return printable(f"{silence.id}  silence  {of or 'everything'} until {ends}: {silence.reason}")


def _seconds(span: str) -> float:
    match = _SPAN.fullmatch(span)
    if match is None:
        raise click.BadParameter(f"expected 30m, 2h or 1d, got {span!r}", param_hint="--for")
    return float(match[1]) * _UNITS[match[2]]


def _explained(found: Explanation) -> str:
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
