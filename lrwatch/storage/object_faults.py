"""What obstore raises, as errors of ours that say in a line what is wrong."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Final

from lrwatch.errors import (
    AccessDenied,
    InvalidArgument,
    LrwatchError,
    ObjectChanged,
    ObjectMissing,
    StorageError,
    StorageUnavailable,
)

__all__ = ["raising"]

_DENIED: Final = re.compile(
    r"ExpiredToken|InvalidToken|TokenRefreshRequired|InvalidAccessKeyId|SignatureDoesNotMatch|"
    r"AccessDenied|RequestTimeTooSkewed|40[13] (Forbidden|Unauthorized)|"
    r"169\.254\.|metadata\.google|credential",
    re.IGNORECASE,
)
_NO_BUCKET: Final = re.compile(r"NoSuchBucket|ContainerNotFound|bucket does not exist")
_CODE: Final = re.compile(r"<Code>(\w+)</Code>\s*(?:<Message>([^<]{1,200}))?")
_CAUSES: Final = re.compile(r"HTTP error: ([^\n]{1,120})|status code: ([^\n:]{1,60})")
_LONGEST: Final = 200


@contextlib.contextmanager
def raising(
    address: str, key: str, *, writes: bool, on_denied: Callable[[], None]
) -> Iterator[None]:
    """Turn what obstore raises into errors of ours.

    Parameters
    ----------
    address
        Address of the storage, for the message.
    key
        Object that is asked for; empty for a listing.
    writes
        Whether it is to be written: then nothing is missing but the bucket.
    on_denied
        Called before `AccessDenied` is raised.
    """
    where = f"{address}: {key}" if key else address
    try:
        yield
    except (LrwatchError, GeneratorExit, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic of Rust, as after a fork, is no Exception
        known = _translated(error, where, writes=writes)
        if isinstance(known, AccessDenied):
            on_denied()
        raise known from error


def _translated(error: BaseException, where: str, *, writes: bool) -> Exception:
    kind, text = type(error).__name__, str(error)
    is_missing = isinstance(error, FileNotFoundError)
    said: Exception = StorageUnavailable(f"{where}: {_said(text)}")
    if kind in ("AlreadyExistsError", "PreconditionError"):
        said = ObjectChanged(f"{where} is not as expected")
    elif _NO_BUCKET.search(text) or (is_missing and writes):
        said = StorageUnavailable(f"{where}: there is no such bucket")
    elif is_missing:
        said = ObjectMissing(f"{where} is not there")
    elif kind in ("PermissionDeniedError", "UnauthenticatedError") or _DENIED.search(text):
        said = AccessDenied(f"{where}: {_said(text)}; check the credentials in the environment")
    elif kind == "PanicException" and "fork" in text:
        said = StorageUnavailable(f"{where}: a forked process cannot use it; start a new one")
    elif kind in ("NotSupportedError", "InvalidPathError"):
        said = StorageError(f"{where}: {_said(text)}")
    elif isinstance(error, ValueError) or kind == "UnknownConfigurationKeyError":
        said = InvalidArgument(f"{where}: {_said(text)}")
    return said


def _said(text: str) -> str:
    """Return the gist of a message of several lines."""
    if code := _CODE.search(text):
        return f"{code[2] or code[1]} ({code[1]})" if code[2] else code[1]
    if cause := _CAUSES.search(text):
        return cause[1] or cause[2]
    return re.sub(r"\?\S+", "", text.split("\n", 1)[0])[:_LONGEST]
