"""Every kind of storage there is, those of other packages included, by the address's scheme."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from lrwatch.errors import InvalidArgument, LrwatchError
from lrwatch.storage.addresses import is_address, scheme, shown, tidy
from lrwatch.storage.folder import FolderStorage
from lrwatch.storage.fsspec_storage import FsspecStorage
from lrwatch.storage.memory import MemoryStorage
from lrwatch.storage.object_store import OBJECT_SCHEMES, ObjectStorage

if TYPE_CHECKING:
    from lrwatch.storage.door import Storage

__all__ = ["STORAGE_GROUP", "open_storage"]

STORAGE_GROUP: Final = "lrwatch.storages"
"""Entry points of this group are storages: named as the scheme, called with the address."""


def open_storage(address: str | os.PathLike[str]) -> Storage:
    """Return the storage at an address.

    Parameters
    ----------
    address
        ``s3://``, ``gs://`` or ``az://`` and a bucket; ``file://`` or a path for a folder;
        ``memory://`` for this process; any other scheme that an installed package knows, or
        fsspec. Endpoint, region and credentials come from the environment.

    Raises
    ------
    InvalidArgument
        If nobody knows the scheme, or the address is not whole.
    MissingExtra
        If a package is needed for it; the message says which.
    """
    if not is_address(address):
        return FolderStorage(address)
    from importlib.metadata import entry_points  # not in a training that writes to a folder
    from urllib.request import url2pathname

    place = tidy(os.fspath(address))
    kind = scheme(place)
    for entry in entry_points(group=STORAGE_GROUP, name=kind):
        try:
            foreign: Storage = entry.load()(place)
        except LrwatchError:
            raise
        except Exception as error:
            raise InvalidArgument(
                f"{shown(place)}: the storage {entry.value} cannot be opened: {error}"
            ) from error
        return foreign
    if kind == "file":
        return FolderStorage(url2pathname(place.partition("://")[2]), address=place)
    if kind == "memory":
        return MemoryStorage.at(place)
    if not place.partition("://")[2]:
        raise InvalidArgument(f"an address such as s3://bucket/runs is expected, got {place!r}")
    return ObjectStorage(place) if kind in OBJECT_SCHEMES else FsspecStorage(place)
