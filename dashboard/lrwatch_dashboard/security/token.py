"""The token: from the environment or from a file of one's own, never from the command line.

Every user of a machine can read every command line (``ps``), and shells remember them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["TOKEN_FILE_VARIABLE", "TOKEN_VARIABLE", "TokenError", "read_token"]

TOKEN_VARIABLE: Final = "LRWATCH_TOKEN"  # noqa: S105  the name of a variable
TOKEN_FILE_VARIABLE: Final = "LRWATCH_TOKEN_FILE"  # noqa: S105

_SHORTEST: Final = 16
_LONGEST: Final = 1024
_MAKE_ONE: Final = 'python -c "import secrets; print(secrets.token_urlsafe())"'


class TokenError(ValueError):
    """A token that would protect nothing; the text says what to do."""


def read_token(environment: Mapping[str, str], file: str | None = None) -> str:
    """Return the token, empty if none was given.

    Parameters
    ----------
    environment
        Where ``LRWATCH_TOKEN`` and ``LRWATCH_TOKEN_FILE`` are looked up.
    file
        A file that holds the token; it goes before the environment.

    Raises
    ------
    TokenError
        If the token is too short to keep anybody out, or others can read its file.
    """
    path = file if file is not None else environment.get(TOKEN_FILE_VARIABLE)
    if path is not None:
        return _checked(_read(Path(path)), f"the token in {path}")
    if TOKEN_VARIABLE in environment:
        return _checked(environment[TOKEN_VARIABLE], TOKEN_VARIABLE)
    return ""


def _read(path: Path) -> str:
    try:
        # Looked at and read through one descriptor, so that nothing can be put in between.
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_LONGEST + 2)
    except OSError as error:
        raise TokenError(
            f"the token file {path} cannot be read ({error.strerror}); make one with "
            f"(umask 077; {_MAKE_ONE} > {path})"
        ) from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise TokenError(
            f"the token file {path} can be read or changed by others "
            f"(mode {stat.S_IMODE(mode):04o}); run chmod 600 {path}"
        )
    return content.decode("utf-8", "replace")


def _checked(text: str, what: str) -> str:
    token = text.strip()
    if len(token) < _SHORTEST:
        raise TokenError(
            f"{what} must be at least {_SHORTEST} characters long, got {len(token)}; "
            f"make one with {_MAKE_ONE}"
        )
    if len(token) > _LONGEST or not (token.isascii() and token.isprintable()) or " " in token:
        raise TokenError(
            f"{what} must be one line of at most {_LONGEST} ASCII characters without spaces; "
            f"make one with {_MAKE_ONE}"
        )
    return token
