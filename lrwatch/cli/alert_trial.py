"""Before it matters: ``lrwatch alert test`` tries receivers, ``lrwatch alert replay`` rules."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from lrwatch.alert import Alert
    from lrwatch.alerts.config import Settings
    from lrwatch.delivery import Message, Receiver

__all__ = ["replay", "test"]

_FAILED: Final = 1


@click.command(short_help="Tell people that this is a test.")
@click.option(
    "--to", "addresses", metavar="URL", multiple=True, help="Whom to tell; may be given again."
)
@click.option(
    "--config", metavar="FILE", type=click.Path(path_type=Path), help="Its receivers are told."
)
def test(addresses: Sequence[str], config: Path | None) -> int:
    """Tell every receiver that this is a test, once.

    Exit status: 0 all were told, 1 somebody could not be, 2 something given cannot be used.
    """
    from lrwatch.delivery import Attempts, DeliveryFailed, receiver_for
    from lrwatch.errors import InvalidArgument

    receivers = [*map(receiver_for, addresses), *_settings(config).receivers]
    if not receivers:
        raise InvalidArgument("there is nobody to tell: give --to URL, or --config FILE")
    message, status = _test_message(), 0
    for receiver in receivers:
        try:
            Attempts(receiver.channel).make(message)
            _say(receiver, "was told")
        except DeliveryFailed as failure:
            _say(receiver, failure.problem)
            status = _FAILED
    return status


@click.command(short_help="Show what would have been told of a run.")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--config", metavar="FILE", type=click.Path(path_type=Path), help="Its rules are used."
)
def replay(run: Path, config: Path | None) -> None:
    """Show what would have been told of the run at RUN, had it been followed while it was written.

    RUN is the folder of a run.
    """
    from lrwatch.alerts.replay import replay as told
    from lrwatch.cli.output import emit
    from lrwatch.store import RunReader
    from lrwatch.store.faults import naming

    with naming(run):
        reader = RunReader(run)
        rows = reader.read_new()
    alerts = list(told(reader.info, rows, _settings(config).rules))
    for one in alerts:
        emit(_paragraph(one))
    if not alerts:
        click.echo("nobody would have been told anything", err=True)


def _settings(config: Path | None) -> Settings:
    from lrwatch.alerts.config import Settings, read_settings

    return Settings() if config is None else read_settings(config)


def _test_message() -> Message:
    from lrwatch.delivery import Message

    return Message(
        id=f"msg_{uuid.uuid4().hex}",
        status="test",
        severity="info",
        title="lrwatch: this is a test",
        lines=("Alerts of lrwatch reach you here.",),
        alerts=(),
        link="",
        created_at=time.time(),
    )


def _say(receiver: Receiver, what: str) -> None:
    from lrwatch.formats import printable

    click.echo(printable(f"{receiver.name} {what}"))


def _paragraph(alert: Alert) -> str:
    from lrwatch.alerts.wording import headline, sentences
    from lrwatch.formats import count

    lines = [f"step {count(alert.step)}: {headline(alert)}"]
    if alert.state != "resolved":
        lines.append(sentences(alert))
    return "\n    ".join(lines)
