"""What an address such as ``s3://bucket/runs`` is, and what a key below it may be."""

from __future__ import annotations

import os
import re
from typing import Final

from lrwatch.errors import InvalidArgument

__all__ = ["check_key", "is_address", "join", "scheme", "shown", "tidy"]

_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE | re.DOTALL)
_SECRETS: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)|(?<=\?)\S+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def is_address(place: str | os.PathLike[str]) -> bool:
    """Tell an address from a path.

    Examples
    --------
    >>> is_address("s3://bucket/runs"), is_address("runs"), is_address("C:/runs")
    (True, False, False)
    """
    return isinstance(place, str) and _ADDRESS.fullmatch(place) is not None


def tidy(address: str) -> str:
    """Return an address without slashes at its end and with its scheme in small letters.

    Raises
    ------
    InvalidArgument
        If it is none, or has options: those come from the environment.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise InvalidArgument(f"an address such as s3://bucket/runs is expected, got {address!r}")
    if _CONTROL.search(address) or "?" in address or "#" in address:
        raise InvalidArgument(
            f"an address ends after its path, got {shown(address)!r}; endpoint, region and "
            "credentials come from the environment, as AWS_ENDPOINT_URL"
        )
    rest = found[2].rstrip("/") or found[2][:1]
    return f"{found[1].lower()}://{rest}"


def scheme(address: str) -> str:
    """Return what stands before ``://``, in small letters."""
    return address.partition("://")[0].lower()


def join(address: str, *parts: str) -> str:
    """Return the address of something below an address.

    Examples
    --------
    >>> join("s3://bucket/runs/", "sgd-0.1", "run.json")
    's3://bucket/runs/sgd-0.1/run.json'
    """
    return "/".join([address.rstrip("/") if not address.endswith("://") else address, *parts])


def shown(address: str) -> str:
    """Return an address as it may be shown: without a user's name, a password or a token.

    Examples
    --------
    >>> shown("https://ada:secret@host/runs?sig=abc")
    'https://***@host/runs?***'
    """
    return _SECRETS.sub("***", address)


def check_key(key: str) -> str:
    """Return a key of an object, if it is one that every storage can hold.

    Raises
    ------
    InvalidArgument
        If a part between its slashes is empty, ``.`` or ``..``, or holds a control character.
    """
    if _CONTROL.search(key) or not {"", ".", ".."}.isdisjoint(key.split("/")):
        raise InvalidArgument(
            f"a key is names with a slash between them, as 'run/run.json', got {key!r:.200}"
        )
    return key
