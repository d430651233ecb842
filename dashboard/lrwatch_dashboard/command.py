"""``lrwatch dashboard``: check what was asked, say the address, serve.

The web framework is imported once the arguments are known to be right, so that a slip of the
keyboard is answered at once.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from pathlib import Path
from typing import Final

import click

__all__ = ["bind", "dashboard", "is_loopback"]

_LAST_PORT: Final = 65535
_N_PORTS: Final = 100  # tried one after the other when the first is in use


class _Refusal(click.ClickException):
    """What was given, what is allowed and what to do next, in one line."""

    exit_code = 2


def _port(_context: click.Context, _parameter: click.Parameter, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= _LAST_PORT:
        raise _Refusal(f"--port must be a whole number from 1 to {_LAST_PORT}, got {text!r}")
    return int(text)


@click.command(short_help="Show the runs of a folder in the browser.")
@click.argument("folder", metavar="[DIR]", default="runs")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    callback=_port,
    default="8050",
    show_default=True,
    help="Port to listen at; if it is in use, the next free one.",
)
@click.option(
    "--behind-proxy",
    is_flag=True,
    help="Allow an address that others can reach: a proxy in front asks for a password.",
)
def dashboard(folder: str, host: str, port: int, *, behind_proxy: bool) -> None:
    """Show the runs of DIR (default: runs) in the browser, live, worst first."""
    _check_folder(Path(folder))
    listener = _listen(host, port, behind_proxy=behind_proxy)
    from lrwatch_dashboard.server import serve  # before an address is named: it may be missing

    chosen = listener.getsockname()[1]
    if chosen != port:
        click.echo(f"Port {port} is in use, so this is at {chosen}.")
    address = f"http://{_in_address(host)}:{chosen}/"
    click.echo(f"lrwatch dashboard on {folder}: {address}  (Ctrl-C ends)")
    serve(listener, folder, behind_proxy=behind_proxy)


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
    if folder.is_dir():
        return
    what = "is no folder" if folder.exists() else "does not exist"
    raise _Refusal(
        f"{folder} {what}; give the folder that holds the runs, or train with lrwatch.watch first"
    )


def _listen(host: str, port: int, *, behind_proxy: bool) -> socket.socket:
    if not is_loopback(host) and not behind_proxy:
        raise _Refusal(
            f"--host {host} lets others read these runs without a password; keep 127.0.0.1, or "
            "put a proxy that asks for one in front and add --behind-proxy"
        )
    try:
        return bind(host, port)
    except OSError as error:
        raise _Refusal(
            f"cannot listen at {host}:{port} ({error.strerror or error}); "
            "--host must be an address of this machine and --port one you may use"
        ) from error


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
