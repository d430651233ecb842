"""Object stores, by obstore: S3 and what speaks like it, Google Cloud Storage, Azure.

Endpoint, region and credentials come from the environment variables that each provider's own
tools read. Credentials that no longer work are looked up again before the next call.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from lrwatch.errors import (
    AccessDenied,
    InvalidArgument,
    LrwatchError,
    MissingExtra,
    ObjectChanged,
    ObjectMissing,
    StorageError,
    StorageUnavailable,
)
from lrwatch.storage.addresses import check_key, scheme
from lrwatch.storage.door import NEW, Expected, StoredObject

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import ObjectStore

__all__ = ["OBJECT_SCHEMES", "ObjectStorage"]

OBJECT_SCHEMES: Final = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl")

_BATCH: Final = 1000  # keys of a request that removes
_CLIENT: Final[dict[str, Any]] = {"connect_timeout": "5s", "timeout": "5m"}
_RETRIES: Final[dict[str, Any]] = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
_OWN_ENDPOINTS: Final = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT")
_TRUE: Final = re.compile(r"(1|t|true|y|yes|on)", re.IGNORECASE)
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


class ObjectStorage:
    """Objects of a bucket; see `Storage` for what it can do.

    Parameters
    ----------
    address
        As ``s3://bucket/runs``.

    Raises
    ------
    MissingExtra
        If obstore is not installed.
    InvalidArgument
        If the address names no bucket.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._opened: ObjectStore | None = None
        with self._raising():
            self._store()

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        """Yield objects in the order of their keys."""
        folder = prefix.rpartition("/")[0]
        # AWS, Google and Azure list by key. Servers that speak like S3 may go by folder, and
        # those cannot be asked to begin after a key.
        by_key = scheme(self.address) not in ("s3", "s3a") or not _has_own_endpoint()
        by_key = by_key and not self.address.split("/")[2].endswith("--x-s3")  # S3 Express
        found = self._listed(folder, after if by_key and after.startswith(prefix) else "")
        for stored in found if by_key else sorted(found, key=lambda stored: stored.key):
            if stored.key.startswith(prefix) and stored.key > after:
                yield stored

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        """Return bytes of an object."""
        import obstore

        check_key(key)
        if stop is not None and stop <= start:
            return b""
        with self._raising(key):
            if start == 0 and stop is None:
                return bytes(obstore.get(self._store(), key).bytes())
            if stop is not None:
                return bytes(obstore.get_range(self._store(), key, start=start, end=stop))
            options: Any = {"range": {"offset": start}}
            return bytes(obstore.get(self._store(), key, options=options).bytes())

    def write(self, key: str, content: bytes, *, expected: Expected = None) -> StoredObject:
        """Write an object by one request."""
        import obstore

        check_key(key)
        mode: PutMode = "overwrite"
        if expected == NEW:
            mode = "create"
        elif isinstance(expected, StoredObject):
            e_tag, _, version = expected.version.partition(" ")
            mode = {"e_tag": e_tag, "version": version} if version else {"e_tag": e_tag}
        with self._raising(key, writes=True):
            put = obstore.put(self._store(), key, content, mode=mode, use_multipart=False)
        return StoredObject(key, len(content), time.time(), _version(put))

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects, a thousand by one request where the provider can."""
        import obstore

        waiting = [check_key(key) for key in keys]
        for i in range(0, len(waiting), _BATCH):
            some = waiting[i : i + _BATCH]
            try:
                with self._raising(some[0]):
                    obstore.delete(self._store(), some)
            except ObjectMissing:  # so say some providers, and leave the others where they are
                for key in some:
                    with contextlib.suppress(ObjectMissing), self._raising(key):
                        obstore.delete(self._store(), key)

    def _listed(self, folder: str, after: str) -> Iterator[StoredObject]:
        import obstore

        with self._raising():
            found = obstore.list(
                self._store(), folder or None, offset=after or None, chunk_size=_BATCH
            )
            for chunk in found:
                for each in chunk:
                    modified = each["last_modified"].timestamp()
                    yield StoredObject(each["path"], each["size"], modified, _version(each))

    def _raising(
        self, key: str = "", *, writes: bool = False
    ) -> contextlib.AbstractContextManager[None]:
        return _raising(self.address, key, writes=writes, on_denied=self._forget)

    def _forget(self) -> None:
        """Have the next call look for credentials anew."""
        self._opened = None

    def _store(self) -> ObjectStore:
        with self._lock:
            if self._opened is None:
                self._opened = _opened(self.address)
            return self._opened


def _opened(address: str) -> ObjectStore:
    try:
        from obstore.store import from_url
    except ImportError as error:
        raise MissingExtra(f"{address} needs obstore: pip install 'lrwatch[objects]'") from error
    plain = os.environ.get("AWS_ALLOW_HTTP", "")
    allow_http = bool(_TRUE.fullmatch(plain)) or any(
        os.environ.get(name, "").startswith("http://") for name in _OWN_ENDPOINTS
    )
    options: Any = {**_CLIENT, "allow_http": allow_http}
    provider = _from_profile() if scheme(address) in ("s3", "s3a") else None
    retries: Any = _RETRIES
    return from_url(
        address, client_options=options, retry_config=retries, credential_provider=provider
    )


def _from_profile() -> Any:
    """Return what asks boto3 for credentials, where the environment has none but a profile may."""
    if os.environ.get("AWS_ACCESS_KEY_ID") and not os.environ.get("AWS_PROFILE"):
        return None
    try:
        import boto3
        from obstore.auth.boto3 import Boto3CredentialProvider

        session = boto3.Session()
        # Roles of machines and pods are asked for by obstore itself.
        found = session.get_credentials() if session.available_profiles else None
        return Boto3CredentialProvider(session, ttl=timedelta(minutes=5)) if found else None
    except ImportError:
        return None
    except Exception as error:
        raise AccessDenied(f"the profile of AWS cannot be read: {error}") from error


def _has_own_endpoint() -> bool:
    return any(os.environ.get(name) for name in _OWN_ENDPOINTS)


def _version(said: Any) -> str:
    return f"{said['e_tag'] or ''} {said['version'] or ''}".rstrip()


@contextlib.contextmanager
def _raising(
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
