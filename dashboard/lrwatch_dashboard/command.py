"""``lrwatch dashboard``: check what was asked, say the address, serve; ``token`` makes a token.

The web framework is imported once the arguments are known to be right, so that a slip of the
keyboard is answered at once.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import re
import socket
from pathlib import Path
from typing import Any, Final

import click

from lrwatch.activity import ROLES, Role
from lrwatch.formats import counted, printable
from lrwatch_dashboard.security.access import LOOPBACK_NAMES, Access, is_loopback, signing_in
from lrwatch_dashboard.security.people import new_token, revoke
from lrwatch_dashboard.security.proxy import GROUPS_HEADER, SignInError
from lrwatch_dashboard.security.token import TOKEN_VARIABLE, TokenError

__all__ = ["bind", "dashboard"]

_LAST_PORT: Final = 65535
_N_PORTS: Final = 100  # tried one after the other when the first is in use
_ALL_ADDRESSES: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


class Refusal(click.ClickException):
    """What was given, what is allowed and what to do next, in one line."""

    exit_code = 2


@click.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default="reader",
    show_default=True,
    help="A reader sees everything; an editor may also label, delete and silence.",
)
@click.option(
    "--file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="File of --token-file, to put the line for NAME into.",
)
@click.option("--revoke", "is_revoked", is_flag=True, help="Take NAME out of FILE instead.")
def token(name: str, role: Role, file: Path | None, *, is_revoked: bool) -> None:
    """Make a token for NAME and print it, once: only its hash is kept.

    With --file its line is put into that file, in place of an earlier one of NAME; without, it is
    printed below the token. A running dashboard reads the file again when it changes.
    """
    if is_revoked and file is None:
        raise click.UsageError("--revoke needs the --file that NAME is to be taken out of")
    try:
        if is_revoked and file is not None:
            revoke(name, file)
            click.echo(printable(f"{name} is out of {file}"), err=True)
            return
        made, line = new_token(name, role, file)
    except TokenError as error:
        raise Refusal(str(error)) from error
    click.echo(made)
    where = f"its line is in {file}" if file else f"its line for --token-file:\n{line}"
    click.echo(printable(f"This is the token of {name}, shown once; ") + where, err=True)


def _port(_context: click.Context, _parameter: click.Parameter, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= _LAST_PORT:
        raise Refusal(f"--port must be a whole number from 1 to {_LAST_PORT}, got {text!r}")
    return int(text)


def _names(
    _context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> frozenset[str]:
    for name in given:
        if not _HOST_NAME.fullmatch(name):
            raise Refusal(
                "--allowed-host must be the bare name in the browser's address, "
                f"without http:// and port, got {name!r}"
            )
    return frozenset(name.lower() for name in given)


class _Dashboard(click.Command):
    """The command, and ``lrwatch dashboard token``; a folder of that name is ``./token``."""

    def make_context(
        self, info_name: str | None, args: list[str], *more: Any, **how: Any
    ) -> click.Context:
        if args[:1] == ["token"]:
            return token.make_context(f"{info_name} token", args[1:], *more, **how)
        return super().make_context(info_name, args, *more, **how)

    def invoke(self, ctx: click.Context) -> Any:
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)


@click.command(cls=_Dashboard, short_help="Show the runs of a folder in the browser.")
@click.argument("folder", metavar="[DIR]", default="runs")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    callback=_port,
    default="8050",
    show_default=True,
    help="Port to listen on; if it is in use, the next free one.",
)
@click.option(
    "--token-file",
    metavar="FILE",
    help=f"File that holds the token to ask for, or a line for each person; or {TOKEN_VARIABLE}.",
)
@click.option("--user-header", metavar="NAME", help="Header in which a proxy says who signed in.")
@click.option(
    "--trust-proxy",
    metavar="ADDRESS",
    multiple=True,
    help="Address or network of that proxy; may be repeated.",
)
@click.option(
    "--editor",
    "editors",
    metavar="NAME",
    multiple=True,
    help="Who may write, of those: a name, group:NAME or *; may be repeated. Others only read.",
)
@click.option(
    "--groups-header",
    metavar="NAME",
    help=f"Header that names the groups of who signed in.  [default: {GROUPS_HEADER}]",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    callback=_names,
    help="Another name by which browsers may call this server; may be repeated.",
)
@click.option(
    "--behind-proxy",
    is_flag=True,
    help="Allow an address that others can reach: a proxy in front asks for a password.",
)
@click.option("--alone", is_flag=True, help="Judge each run by itself, not beside its siblings.")
@click.option("--read-only", is_flag=True, help="Write nothing: no labels, no silences.")
@click.option("--alert", "alerts", is_flag=True, help="Send alerts as well, as lrwatch alert does.")
@click.option(
    "--to",
    "addresses",
    metavar="URL",
    multiple=True,
    help="With --alert: a receiver, as of lrwatch alert; may be repeated.  [default: log:]",
)
def dashboard(  # noqa: PLR0913  one parameter an option
    folder: str,
    host: str,
    port: int,
    *,
    allowed_hosts: frozenset[str],
    behind_proxy: bool,
    alone: bool,
    read_only: bool,
    alerts: bool,
    addresses: tuple[str, ...],
    **sign_in: Any,
) -> None:
    """Show the runs of DIR (default: runs) in the browser, live, worst first.

    DIR may be empty, or still missing: the page then says how to begin.

    `lrwatch dashboard token NAME` makes a token for one person.
    """
    _check_folder(Path(folder))
    _check_alerts(alerts=alerts, addresses=addresses, read_only=read_only)
    access = _access(host, allowed_hosts, _signing_in(**sign_in), behind_proxy=behind_proxy)
    listener = _listen(host, port)
    from lrwatch_dashboard.server import serve  # before an address is named: it may be missing

    chosen = listener.getsockname()[1]
    if chosen != port:
        click.echo(f"Port {port} is in use; using {chosen} instead.")
    address = f"http://{_in_address(host)}:{chosen}/"
    asks = "; asks for the token" if access.token else "; asks who you are" * access.signs_in
    click.echo(f"lrwatch dashboard on {folder}: {address}  (Ctrl-C to stop{asks})")
    if not alerts:
        serve(listener, folder, access, alone=alone, read_only=read_only)
        return
    from lrwatch_dashboard.data.watching import watching

    with watching(folder, addresses, click.echo, alone=alone) as n_receivers:
        click.echo(f"alerting {counted(n_receivers, 'receiver')}")
        serve(listener, folder, access, alone=alone)


def _access(
    host: str, allowed_hosts: frozenset[str], signed: Access, *, behind_proxy: bool
) -> Access:
    is_open = not is_loopback(host)
    if is_open and not signed.signs_in and not behind_proxy:
        raise Refusal(
            f"--host {host} lets others read these runs without a password; keep 127.0.0.1, or "
            f"set a token in {TOKEN_VARIABLE}, or put a proxy that asks for a password in front "
            "and add --behind-proxy"
        )
    own = {host.lower(), socket.gethostname().lower()} if is_open else {host.lower()}
    return dataclasses.replace(
        signed,
        hosts=LOOPBACK_NAMES | own | allowed_hosts,
        any_host=behind_proxy and not allowed_hosts,
        any_address=is_open and signed.signs_in,
    )


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket at the port, or at the next one that is free.

    Raises
    ------
    OSError
        If the address cannot be bound, or no port up to 100 further on is free.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = min(port + _N_PORTS, _LAST_PORT)
    for candidate in range(port, last + 1):
        try:
            return socket.create_server((host, candidate), family=family, backlog=128)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, f"the ports {port} to {last} are in use")


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise Refusal(f"{folder} is not a folder; give the folder that holds the runs")


def _check_alerts(*, alerts: bool, addresses: tuple[str, ...], read_only: bool) -> None:
    if addresses and not alerts:
        raise Refusal(f"--to {addresses[0]} says where alerts go; add --alert to send them")
    if alerts and read_only:
        raise Refusal("--alert keeps its state in the folder of runs; leave out --read-only")


def _signing_in(**options: Any) -> Access:
    try:
        return signing_in(os.environ, **options)
    except (SignInError, TokenError) as error:
        raise Refusal(str(error)) from error


def _listen(host: str, port: int) -> socket.socket:
    try:
        return bind(host, port)
    except OSError as error:
        raise Refusal(
            f"cannot listen on {host}:{port} ({error.strerror or error}); "
            "--host must be an address of this machine and --port one you may use"
        ) from error


def _in_address(host: str) -> str:
    name = socket.gethostname() if host in _ALL_ADDRESSES else host
    return f"[{name}]" if ":" in name else name
