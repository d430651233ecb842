"""Where the copy of a store at an address is, and which address a folder is the copy of.

``s3://bucket/runs`` is mirrored in ``mirrors/s3/bucket/runs`` of the cache folder, and so are the
runs below it: a path tells its address, in this process or any other.
"""

from __future__ import annotations

import functools
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from lrwatch.cache_folder import CACHE_VARIABLE, cache_folder
from lrwatch.errors import InvalidArgument
from lrwatch.storage.addresses import is_address, shown, tidy
from lrwatch.store.mirroring.cache_space import CacheSpace
from lrwatch.store.mirroring.names import is_holdable
from lrwatch.system import in_forked_child

if TYPE_CHECKING:
    from lrwatch.store.mirroring.mirror import StoreMirror

__all__ = ["known_as", "local_folder", "mirror_above", "mirror_of"]

_OPEN: dict[Path, StoreMirror] = {}
_one_at_a_time = threading.RLock()


def local_folder(place: str | os.PathLike[str], *, look: bool = True) -> Path:
    """Return a path as it is, and for an address the folder that mirrors it.

    Parameters
    ----------
    place
        A path, or an address such as ``s3://bucket/runs``, of a store or of one run.
    look
        Whether to see at once what is at the address.

    Raises
    ------
    InvalidArgument
        If nothing can be mirrored for that address.
    StorageError
        If the storage cannot be reached.
    StoreNotWritable
        If the copy cannot be written.
    """
    if not is_address(place):
        return Path(place)
    address = tidy(os.fspath(place))
    if address.startswith("file://"):
        from urllib.request import url2pathname

        return Path(url2pathname(address.removeprefix("file://")))
    folder = _folder_of(address)
    mirror = _opened(folder)
    if look:
        mirror.refresh(mirror.key_of(folder))
    else:
        mirror.copy.make_folder()
    return folder


def known_as(path: str | os.PathLike[str]) -> str:
    """Return how people know a path: by its address, where it is in a copy of that."""
    text, root = os.fspath(path), _root_text()
    if not root or not text.startswith(root):
        return text
    scheme, *rest = Path(text).relative_to(root).parts
    return f"{scheme}://{'/'.join(rest)}"


def mirror_of(path: Path) -> StoreMirror | None:
    """Return what keeps a folder in step with its address; None for any other folder."""
    root = _root_text()
    if not root or not os.fspath(path).startswith(root):
        return None
    return _opened(path)


def mirror_above(run: Path) -> StoreMirror | None:
    """Return what keeps the store in step that a run lies in, and not the run alone.

    Raises
    ------
    InvalidArgument
        If the run is a whole bucket.
    """
    if mirror_of(run) is None:
        return None
    if Path(_root_text()) == run.parent.parent:
        raise InvalidArgument(f"{known_as(run)} is a whole bucket; name a run in it")
    return _opened(run.parent)


def _opened(folder: Path) -> StoreMirror:
    """Return the mirror of a folder, or of one above it that is open already."""
    with _one_at_a_time:
        for above in (folder, *folder.parents):
            if above in _OPEN:
                return _OPEN[above]
        from lrwatch.storage import open_storage  # a training process needs neither
        from lrwatch.store.mirroring.mirror import StoreMirror

        storage = open_storage(known_as(folder))
        for below in [known for known in _OPEN if folder in known.parents]:
            del _OPEN[below]  # one listing tells of all of them from now on
        _OPEN[folder] = StoreMirror(storage, folder, _space(_root_text()))
        return _OPEN[folder]


def _folder_of(address: str) -> Path:
    root = _root_text()
    if not root:
        raise InvalidArgument(
            f"{address} is read through a copy in a cache folder, and there is none; "
            f"set {CACHE_VARIABLE} to a folder"
        )
    scheme, _, rest = address.partition("://")
    parts = rest.split("/")
    if not all(is_holdable(part) for part in parts) or ":" in rest.rpartition("@")[0]:
        raise InvalidArgument(
            f"an address such as s3://bucket/runs is expected, got {shown(address)!r:.200}; "
            "credentials come from the environment"
        )
    return Path(root, scheme, *parts)


def _root_text() -> str:
    """Return the folder of all copies, with a separator at its end; empty if there is none."""
    return _resolved(*map(os.environ.get, (CACHE_VARIABLE, "XDG_CACHE_HOME", "HOME")))


@functools.lru_cache(8)
def _resolved(*_: str | None) -> str:
    folder = cache_folder(os.environ)
    return "" if folder is None else os.path.join(folder.resolve(), "mirrors", "")  # noqa: PTH118


@functools.cache
def _space(root: str) -> CacheSpace:
    return CacheSpace(Path(root))


@in_forked_child
def _start_anew() -> None:
    global _one_at_a_time  # noqa: PLW0603
    _one_at_a_time = threading.RLock()
    _OPEN.clear()
