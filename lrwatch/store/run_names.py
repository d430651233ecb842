"""What a run may be called: what can be a folder's name on every common file system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import count
from typing import Final

from lrwatch.errors import InvalidArgument

__all__ = ["check_run_name", "numbered", "plain_run_name"]

_NAME_BYTES: Final = 200
"""File systems allow 255, and files are written aside with a longer name."""

_FORBIDDEN: Final = re.compile(r'[\\<>:"|?*]')

_UNSEEN: Final = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])
"""Categories of Unicode: control, format, surrogates, separators of lines and paragraphs."""

_DEVICES: Final = frozenset(
    ["CON", "PRN", "AUX", "NUL", *(f"{port}{i}" for port in ("COM", "LPT") for i in range(10))]
)
"""What Windows takes for a device, in any folder and with anything after a dot."""


def check_run_name(name: str) -> None:
    """Check that a name can be a folder's name on every common file system, its slashes apart.

    Raises
    ------
    InvalidArgument
        If it cannot.

    Examples
    --------
    >>> check_run_name("resnet 18, lr=0.1")
    >>> check_run_name("org/model")
    >>> check_run_name("a:b")
    Traceback (most recent call last):
    lrwatch.errors.InvalidArgument: name must not contain ':', got 'a:b'; write 'a-b', say
    """
    if not name.strip():
        raise InvalidArgument(f"name must be a text that is not empty, got {name!r}")
    bad = next((sign for sign in name if not _is_allowed(sign)), None)
    if bad is not None:
        better = "".join(sign if _is_allowed(sign) else "-" for sign in name).strip()
        raise InvalidArgument(f"name must not contain {bad!r}, got {name!r}; write {better!r}, say")
    if not all(part.strip() for part in name.split("/")):
        raise InvalidArgument(f"name must have something before and after each '/', got {name!r}")
    if name != _trimmed(name):
        raise InvalidArgument(f"name must not begin or end with a dot or a space, got {name!r}")
    if _is_device(name):
        raise InvalidArgument(
            f"name must not be {name!r}, a device on Windows; write {'run-' + name!r}, say"
        )
    if len(name.encode("utf-8", "replace")) > _NAME_BYTES:
        raise InvalidArgument(
            f"name must be at most {_NAME_BYTES} bytes long, got {len(name)} characters"
        )


def plain_run_name(text: str) -> str:
    """Return a name such as `check_run_name` allows, as near to a text as can be.

    Examples
    --------
    >>> plain_run_name("lr=0.1/seed 3"), plain_run_name(".."), plain_run_name("aux.log")
    ('lr=0.1-seed 3', 'run', 'run-aux.log')
    """
    plain = "".join(sign if _is_allowed(sign) and sign != "/" else "-" for sign in text)
    named = _trimmed(plain) or "run"
    if _is_device(named):
        named = f"run-{named}"
    return _trimmed(named.encode("utf-8", "ignore")[:_NAME_BYTES].decode("utf-8", "ignore"))


def numbered(name: str) -> Iterator[str]:
    """Yield a name, and what it is called where it is taken: ``NAME-2``, and so on."""
    yield name
    yield from (f"{name}-{n}" for n in count(2))


def _trimmed(name: str) -> str:
    return re.sub(r"^[\s.]+|[\s.]+$", "", name)


def _is_allowed(sign: str) -> bool:
    return not _FORBIDDEN.match(sign) and unicodedata.category(sign) not in _UNSEEN


def _is_device(name: str) -> bool:
    return name.partition(".")[0].rstrip().upper() in _DEVICES
