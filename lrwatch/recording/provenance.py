"""Where a run came from: machine, command line without its secrets, commit of the code."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

__all__ = ["code_version", "masked", "origin", "when_known"]

_MOST_SIGNS: Final = 2_000  # of a command line
_SECONDS: Final = 20.0  # for which git may look at a large repository
_LEFT_OUT: Final = "***"
_NO_GIT: Final = "LRWATCH_NO_GIT"
"""Environment variable that, set to anything, keeps git from being asked."""

_SECRET: Final = frozenset(
    {
        "apikey", "auth", "credential", "credentials", "key", "passphrase", "passwd", "password",
        "pat", "pwd", "secret", "token",
    }
)  # fmt: skip
"""Last words of names of options whose values are not for others to read."""

_IN_ADDRESS: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def origin() -> dict[str, Any]:
    """Return the fields ``host``, ``command`` and ``cwd`` of a `RunInfo`."""
    try:
        folder = str(Path.cwd())
    except OSError:  # it was removed
        folder = ""
    name, *arguments = sys.orig_argv or [""]
    return {
        "host": socket.gethostname(),
        "command": masked([Path(name).name, *arguments])[:_MOST_SIGNS],
        "cwd": folder,
    }


def masked(arguments: Sequence[str]) -> str:
    """Return a command line in which the values of options that name a secret are left out.

    Examples
    --------
    >>> masked(["python", "train.py", "--api-key", "sk-123", "--lr=0.1", "wandb.token=abc"])
    'python train.py --api-key *** --lr=0.1 wandb.token=***'
    >>> masked(["train", "--data=https://me:mine@example.org/data", "--num-key-value-heads", "8"])
    'train --data=https://***@example.org/data --num-key-value-heads 8'
    """
    return " ".join(_masked(arguments))


def _masked(arguments: Sequence[str]) -> Iterator[str]:
    for before, argument in pairwise(["", *arguments]):
        name, sign, _ = argument.partition("=")
        is_value = before.startswith("-") and "=" not in before and _is_secret(before)
        if is_value and not argument.startswith("--"):
            yield _LEFT_OUT
        elif sign and name.isprintable() and " " not in name and _is_secret(name):
            yield f"{name}={_LEFT_OUT}"
        else:
            plain = shlex.quote(argument)
            yield _IN_ADDRESS.sub(_LEFT_OUT, plain)


def _is_secret(option: str) -> bool:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", option).lower()
    return re.split(r"[^a-z0-9]+", words)[-1] in _SECRET


def code_version(folder: Path) -> dict[str, Any]:
    """Return the fields ``git_commit`` and ``git_dirty`` of the code in a folder, if git knows.

    It takes milliseconds, in a large repository seconds.
    """
    if _NO_GIT in os.environ:
        return {}
    command = ["git", "--no-optional-locks", "status", "--porcelain=2", "--branch", "-uno"]
    try:
        said = subprocess.run(  # noqa: S603  a fixed command line
            command,
            cwd=folder,
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
        ).stdout.decode(errors="replace")
    except (OSError, subprocess.SubprocessError):  # no git, or no repository
        return {}
    commit = re.search(r"^# branch\.oid ([0-9a-f]{40,64})$", said, re.MULTILINE)
    if commit is None:  # of a repository without a commit
        return {}
    is_dirty = any(line and not line.startswith("#") for line in said.splitlines())
    return {"git_commit": commit[1], "git_dirty": is_dirty}


def when_known(tell: Callable[[dict[str, Any]], object]) -> threading.Thread | None:
    """Find out the version of the code that runs, on a thread, and tell it.

    Returns the thread; ``None`` where it is not to be asked for.
    """
    if _NO_GIT in os.environ:
        return None

    def work() -> None:
        if found := code_version(_code_folder()):
            tell(found)

    thread = threading.Thread(target=work, name="lrwatch git", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no more threads, or the interpreter is ending
        return None
    return thread


def _code_folder() -> Path:
    """Return where the program is; in a notebook, or an interactive session, where one works."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    folder = Path(main).parent if main else Path.cwd()
    in_packages = {"site-packages", "dist-packages"} & set(folder.absolute().parts)
    return Path.cwd() if in_packages or not folder.is_dir() else folder
