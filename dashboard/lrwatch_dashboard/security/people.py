"""A file of people: a line for each with a name, a role, and the hash of a token.

``ann:editor:5f2c...`` The token itself is nowhere but with its owner. It has 256 random bits, so
that a plain hash cannot be guessed; and what a browser keeps is made of the token, and is not what
the file holds: who can read the file gets in by nothing that is in it. The file is read again when
it changes, so that a line that is removed ends the sessions of its owner at once.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lrwatch.activity import ROLES, Actor, Role
from lrwatch.plain_files import read_file, replace_file
from lrwatch_dashboard.security.token import TOKEN_FILE_VARIABLE, TokenError, read_token

__all__ = ["People", "new_token", "revoke", "token_or_people"]

logger = logging.getLogger("lrwatch_dashboard")

_NAME: Final = re.compile(r"[A-Za-z0-9._@+-]{1,100}")
_LINE: Final = re.compile(rf"({_NAME.pattern}):({'|'.join(ROLES)}):([0-9a-f]{{64}})")
_LIKELY: Final = re.compile(rf"(?m)^\s*[^:\s]+:({'|'.join(ROLES)}):")
_MOST_BYTES: Final = 2**20


class People:
    """Who may sign in with which token, as a file says.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    cookie
        Name of the session's cookie; browsers do not tell the ports of a machine apart.

    Raises
    ------
    TokenError
        If the file cannot be read, others can change it, or nobody is in it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self.cookie = "lrwatch-" + hashlib.sha256(os.fsencode(self._path)).hexdigest()[:12]
        self._mark = _mark(self._path)
        self._known = _read(self._path)

    def __repr__(self) -> str:
        return f"People({str(self._path)!r})"

    def who(self, token: str) -> Actor | None:
        """Return whose token it is; None if it is nobody's."""
        return self.whose_session(self.session(token))

    @staticmethod
    def session(token: str) -> str:
        """Return what stands for a token in the cookie."""
        return hmac.digest(token.encode("utf-8", "replace"), b"lrwatch session", "sha256").hex()

    def whose_session(self, cookie: str) -> Actor | None:
        """Return whose session a cookie is; None if it is nobody's."""
        shown = _hash(cookie)
        found = None
        # All of them, however early one fits: the time tells nothing.
        for held, actor in self._people().items():
            if hmac.compare_digest(held, shown):
                found = actor
        return found

    def _people(self) -> Mapping[str, Actor]:
        mark = _mark(self._path)
        if mark != self._mark:
            self._mark = mark
            try:
                self._known = _read(self._path)
            except TokenError as error:
                # Whoever was to be kept out may stand in the last file that could be read.
                logger.error("nobody is let in by a token: %s", error)  # noqa: TRY400
                self._known = {}
        return self._known


def token_or_people(
    environment: Mapping[str, str], file: str | None = None
) -> tuple[str, People | None]:
    """Return the one token, or the people who have one each; neither if nothing was given.

    As `read_token`, of a file that may also be one of people.
    """
    path = file if file is not None else environment.get(TOKEN_FILE_VARIABLE)
    if path is not None and _is_of_people(Path(path)):
        return "", People(Path(path))
    return read_token(environment, file), None


def new_token(name: str, role: Role, file: Path | None = None) -> tuple[str, str]:
    """Make a token; return it, and the line that stands for it in a file of people.

    Parameters
    ----------
    name, role
        Whose it is, and what they may do.
    file
        Where to put the line, in place of an earlier one of the same name; made if missing.

    Raises
    ------
    TokenError
        If the name is not allowed, or the file is damaged.
    OSError
        If it cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise TokenError(
            f"a name has 1 to 100 of the characters A-Z a-z 0-9 . _ @ + -, got {name!r:.120}"
        )
    token = secrets.token_urlsafe(32)
    line = f"{name}:{role}:{_hash(People.session(token))}"
    if file is not None:
        _rewrite(file, name, [line])
    return token, line


def revoke(name: str, file: Path) -> None:
    """Take the token of a name out of a file.

    Raises
    ------
    TokenError
        If nobody of that name is in it, or the file is damaged.
    OSError
        If it cannot be written.
    """
    if not any(actor.user == name for actor in _read(file).values()):
        raise TokenError(f"there is no {name!r:.120} in {file}")
    _rewrite(file, name, [])


def _rewrite(file: Path, name: str, lines: list[str]) -> None:
    """Put lines in place of those of a name; comments stay."""
    text = _text(file) if file.exists() else ""
    if text.strip():
        _parsed(text, file)
    kept = [line for line in text.splitlines() if not line.strip().startswith(f"{name}:")]
    mode = stat.S_IMODE(file.stat().st_mode) if file.exists() else 0o644
    replace_file(file, "\n".join([*kept, *lines, ""]).encode())
    file.chmod(mode & ~(stat.S_IWGRP | stat.S_IWOTH))


def _read(path: Path) -> Mapping[str, Actor]:
    text = _text(path)
    if os.name == "posix" and path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise TokenError(
            f"{path} can be changed by others, who could let themselves in; run chmod go-w {path}"
        )
    people = _parsed(text, path)
    if not people:
        raise TokenError(
            f"nobody is in {path}; lrwatch dashboard token NAME --role editor --file {path} "
            "lets somebody in"
        )
    return people


def _parsed(text: str, path: Path) -> Mapping[str, Actor]:
    """Return people by the hash of what stands for their tokens."""
    people = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:  # not quoted: it may be a token by mistake
            raise TokenError(
                f"line {number} of {path} must be NAME:{'|'.join(ROLES)}:HASH, as "
                "`lrwatch dashboard token NAME` writes it"
            )
        name, role, held = match.groups()
        people[held] = Actor(name, "editor" if role == "editor" else "reader", "dashboard")
    return people


def _is_of_people(path: Path) -> bool:
    try:
        text = _text(path)
    except TokenError:
        return False  # whoever reads it as a token says what is wrong
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return bool(_LIKELY.search(text)) or (bool(lines) and all(line[0] == "#" for line in lines))


def _text(path: Path) -> str:
    try:
        content = read_file(path, most=_MOST_BYTES, follow=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise TokenError(f"{path} cannot be read: {reason}") from error
    if content is None:
        raise TokenError(f"{path} is not there")
    return content.decode("utf-8", "replace")


def _mark(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
