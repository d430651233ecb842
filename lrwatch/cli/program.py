"""The program ``lrwatch``: its commands, and errors as one line instead of a traceback."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Final

import click

from lrwatch.cli.alert import alert
from lrwatch.cli.check import check
from lrwatch.cli.compare import compare
from lrwatch.cli.demo import demo
from lrwatch.cli.export import export
from lrwatch.cli.import_runs import import_runs
from lrwatch.cli.judge import judge
from lrwatch.cli.log import log
from lrwatch.cli.ls import ls
from lrwatch.cli.mcp import mcp
from lrwatch.cli.push import push
from lrwatch.cli.run import run
from lrwatch.cli.show import show
from lrwatch.cli.suggest import suggest
from lrwatch.cli.tidying import COMMANDS as TIDYING
from lrwatch.cli.top import top
from lrwatch.errors import LrwatchError, MissingExtra
from lrwatch.formats import printable
from lrwatch.version import VERSION

__all__ = ["COMMAND_GROUP", "main", "program"]

COMMAND_GROUP: Final = "lrwatch.commands"
"""Entry points of this group are commands too; lrwatch itself imports none of their packages."""

_EXTRAS: Final[Mapping[str, str]] = {"dashboard": "dashboard", "demo": "torch", "mcp": "mcp"}
"""The extra that brings what a command needs beyond the package itself."""

_UNUSABLE: Final = 2
_INTERRUPTED: Final = 130  # what shells report of a program ended by Ctrl-C


class _Program(click.Group):
    """The commands of this package, and those that other packages register."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *entry_points(group=COMMAND_GROUP).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for entry in entry_points(group=COMMAND_GROUP, name=cmd_name):
            return _load(entry)
        if cmd_name in _EXTRAS:
            raise _missing(cmd_name, "a package")
        return None

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            name = (error.name or "").partition(".")[0]
            if name == "lrwatch" or ctx.invoked_subcommand is None:
                raise
            raise _missing(ctx.invoked_subcommand, name) from error


@click.group(cls=_Program, invoke_without_command=True)
@click.version_option(VERSION, message="lrwatch %(version)s")
@click.pass_context
def program(ctx: click.Context) -> None:
    """Find learning rates that are too high or too low, explain why, and suggest the next one."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


_COMMANDS = (
    alert, check, compare, demo, export, import_runs, judge, log, ls, mcp, push, run, show, suggest,
    top, *TIDYING,
)  # fmt: skip
for _command in _COMMANDS:
    program.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return the exit status.

    0 all is well, 1 runs are flagged (``check``) or a message was not delivered (``alert``),
    2 an argument cannot be used or read, 130 interrupted by Ctrl-C.

    Parameters
    ----------
    arguments
        Without the program's name; ``sys.argv`` if ``None``.
    """
    _accept_any_text()
    try:
        status = program.main(args=arguments, prog_name="lrwatch", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except (click.ClickException, LrwatchError, OSError) as error:
        click.echo(f"lrwatch: {_sentence(error)}", err=True)
        return _UNUSABLE
    return status if isinstance(status, int) else 0


def _load(entry: EntryPoint) -> click.Command:
    """Load a command; one that cannot be loaded says so when it is used, not in the help."""
    try:
        command = entry.load()
    except ImportError as error:
        return _stand_in(entry, error)
    if not isinstance(command, click.Command):
        return _stand_in(entry, TypeError(f"{entry.value} is not a click command"))
    return command


def _stand_in(entry: EntryPoint, error: Exception) -> click.Command:
    def complain() -> None:
        if isinstance(error, ModuleNotFoundError):
            raise error
        raise click.ClickException(f"the command {entry.name} cannot be loaded: {error}")

    anything = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(
        entry.name,
        callback=complain,
        context_settings=anything,
        short_help="(cannot be loaded)",
    )


def _missing(command: str, package: str) -> MissingExtra:
    extra = f"; run pip install 'lrwatch[{_EXTRAS[command]}]'" if command in _EXTRAS else ""
    return MissingExtra(f"lrwatch {command} needs {package}, which is not installed{extra}")


def _sentence(error: Exception) -> str:
    """Return an error's message on one line, with where to read on."""
    if isinstance(error, OSError) and not isinstance(error, LrwatchError):
        named = "" if error.filename is None else f"{error.filename}: "
        return printable(f"{named}{error.strerror or error}")
    text = error.format_message() if isinstance(error, click.ClickException) else str(error)
    text = printable(" ".join(text.split())).removesuffix(".")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{text[:1].lower()}{text[1:]}; see {error.ctx.command_path} --help"
    return text


def _accept_any_text() -> None:
    """Never fail on a name that the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
