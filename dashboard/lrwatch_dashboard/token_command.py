"""``lrwatch dashboard token``: make a token for one person, or take it back."""

from __future__ import annotations

from pathlib import Path

import click

from lrwatch.activity import ROLES, Role
from lrwatch.formats import printable
from lrwatch_dashboard.security.people import new_token, revoke
from lrwatch_dashboard.security.token import TokenError

__all__ = ["Refusal", "token"]


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
