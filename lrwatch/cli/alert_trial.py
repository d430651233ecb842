"""Before it matters: ``lrwatch alert test`` tries receivers, ``lrwatch alert replay`` rules."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lrwatch.cli.options import RECEIVERS, config_file
from lrwatch.cli.place import PLACE
from lrwatch.errors import InvalidArgument
from lrwatch.formats import count, printable

if TYPE_CHECKING:
    from lrwatch.alert import Alert
    from lrwatch.delivery import Message, Receiver

__all__ = ["replay", "test"]

_FAILED: Final = 1


@click.command(short_help="Send a test message to receivers.")
@RECEIVERS
@config_file("Also test its receivers (TOML).")
def test(addresses: Sequence[str], config: Path | None) -> int:
    """Send a test message to every receiver, once.

    Exit status: 0 all received it, 1 not all did, 2 an argument cannot be used.
    """
    from lrwatch.alerts.config import read_settings
    from lrwatch.delivery import Attempts, DeliveryFailed, receiver_for

    receivers = [*map(receiver_for, addresses), *read_settings(config).receivers]
    if not receivers:
        raise InvalidArgument("no receivers: give --to URL, or --config FILE")
    message, status = _test_message(), 0
    for receiver in receivers:
        try:
            Attempts(receiver.channel).make(message)
            _say(receiver, "received it")
        except DeliveryFailed as failure:
            _say(receiver, failure.problem)
            status = _FAILED
    return status


@click.command(short_help="Show the alerts that would have been sent for a run.")
@click.argument("run", metavar="RUN", type=PLACE)
@config_file("Use its rules (TOML).")
def replay(run: Path, config: Path | None) -> None:
    """Show the alerts that would have been sent for RUN, had it been followed while it ran.

    RUN is the folder of a run.
    """
    from lrwatch.alerts.config import read_settings
    from lrwatch.alerts.explaining import replay as replayed
    from lrwatch.cli.output import emit
    from lrwatch.store import RunReader
    from lrwatch.store.faults import naming

    with naming(run):
        reader = RunReader(run)
        rows = reader.read_new()
    alerts = list(replayed(reader.info, rows, read_settings(config).rules))
    for one in alerts:
        emit(_paragraph(one))
    if not alerts:
        click.echo("no alert would have been sent", err=True)


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
    click.echo(printable(f"{receiver.name} {what}"))


def _paragraph(alert: Alert) -> str:
    from lrwatch.alerts.wording import headline, sentences

    lines = [f"step {count(alert.step)}: {headline(alert)}"]
    if alert.state != "resolved":
        lines.append(sentences(alert))
    return "\n    ".join(lines)
