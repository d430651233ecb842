"""``lrwatch alert``: follow a store and send a message when a run needs attention.

Before it matters, ``lrwatch alert test`` tries receivers, and ``lrwatch alert replay`` rules.
"""

from __future__ import annotations

import signal
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lrwatch.cli.alert_desk import ack, list_alerts, silence, why
from lrwatch.cli.options import RECEIVERS, config_file
from lrwatch.cli.place import PLACE, known_as
from lrwatch.errors import InvalidArgument
from lrwatch.formats import count, printable

if TYPE_CHECKING:
    from lrwatch.alert import Alert
    from lrwatch.alerts.alert_service import AlertService
    from lrwatch.delivery import Message, Receiver

__all__ = ["alert"]

_FAILED: Final = 1


class _Alert(click.Group):
    """A group whose usual command needs no name: ``lrwatch alert DIR`` is ``alert watch DIR``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        if first != "--help" and first not in self.commands:
            args = ["watch", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_Alert,
    short_help="Follow a folder of runs and send alerts about them.",
    options_metavar="",
    subcommand_metavar="[DIR] --to URL... | COMMAND",
)
def alert() -> None:
    """Follow the runs of DIR (default: runs) and send alerts about them.

    lrwatch alert runs --to https://hooks.slack.com/services/... posts to Slack; other addresses
    are webhooks (https://...), mail and a hundred others through Apprise (mailto://...), a
    file (jsonl:PATH) and the log (log:). `lrwatch alert watch --help` lists the options.
    """


@alert.command()
@click.argument("folder", metavar="[DIR]", type=PLACE, default="runs")
@RECEIVERS
@config_file("Rules, receivers and timing (TOML); read again when it changes.")
@click.option("--once", is_flag=True, help="Check once, send what is due, and exit; for cron.")
@click.option("--dry-run", is_flag=True, help="Print what would be sent; send and write nothing.")
@click.option("--alone", is_flag=True, help="Judge each run by itself, not beside its siblings.")
@click.option(
    "--state",
    "home",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where to keep the watcher's state.  [default: in the folder of runs]",
)
def watch(  # noqa: PLR0913  one parameter an option
    folder: Path,
    addresses: Sequence[str],
    config: Path | None,
    *,
    once: bool,
    dry_run: bool,
    alone: bool,
    home: Path | None,
) -> int:
    """Follow the runs of DIR (default: runs) until Ctrl-C.

    Exit status: 0 done, 1 with --once a message could not be delivered, 2 an argument cannot be
    used.
    """
    from lrwatch.alerts.alert_service import AlertService
    from lrwatch.delivery import receiver_for

    receivers = [receiver_for(address) for address in addresses]
    with AlertService(
        folder, config, receivers=receivers, home=home, is_dry=dry_run, alone=alone
    ) as service:
        if once:
            return _look_once(service, is_dry=dry_run)
        with _until_signalled() as stop:
            _announce(folder, service, is_dry=dry_run)
            service.run(stop, lambda message: _show(message, is_dry=dry_run))
    return 0


@alert.command(short_help="Send a test message to receivers.")
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


@alert.command(short_help="Show the alerts that would have been sent for a run.")
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


for _command in (ack, list_alerts, silence, why):
    alert.add_command(_command)


@contextmanager
def _until_signalled() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C and a service manager set, so that what is under way ends well."""
    stop = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _look_once(service: AlertService, *, is_dry: bool) -> int:
    messages, missed = service.once()
    for message in messages:
        _show(message, is_dry=is_dry)
    if is_dry and not messages:
        click.echo("nothing would be sent", err=True)
    for problem in missed:
        click.echo(f"lrwatch: not delivered: {printable(problem)}", err=True)
    return _FAILED if missed else 0


def _announce(folder: Path, service: AlertService, *, is_dry: bool) -> None:
    n = len(service.receivers)
    whom = (
        "and sending nothing (--dry-run)" if is_dry else f"and alerting {n} receiver{'s' * (n > 1)}"
    )
    click.echo(f"watching {printable(known_as(folder))} {whom}; press Ctrl-C to stop", err=True)


def _show(message: Message, *, is_dry: bool) -> None:
    from lrwatch.cli.output import emit

    if is_dry:
        emit("\n    ".join([message.title, *message.lines]))
    else:
        emit(f"{message.status}: {message.title}")


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


def _paragraph(one: Alert) -> str:
    from lrwatch.alerts.wording import headline, sentences

    lines = [f"step {count(one.step)}: {headline(one)}"]
    if one.state != "resolved":
        lines.append(sentences(one))
    return "\n    ".join(lines)
