"""Changes to a store at an address, made there first and then to the copy.

An object is replaced on condition that it is still the one that was read; whoever comes second
reads again. Nothing can be renamed there: a run is moved object by object.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from lrwatch.errors import ObjectChanged, ObjectMissing, RunBusy, StorageUnavailable
from lrwatch.plain_files import replace_file
from lrwatch.storage.door import NEW, Storage, StoredObject, object_at
from lrwatch.store.mirroring.crew import fetching
from lrwatch.store.mirroring.mirror import StoreMirror
from lrwatch.store.mirroring.places import mirror_of

__all__ = ["change_object", "move_run", "objects_below", "remove_file", "write_file"]

_TRIES: Final = 12
_LONGEST_PAUSE: Final = 0.4
_ROUNDS: Final = 5


def change_object(mirror: StoreMirror, path: Path, edit: Callable[[bytes | None], bytes]) -> bytes:
    """Replace an object; of two who do so at once, one comes after the other.

    Parameters
    ----------
    mirror
        The store.
    path
        Where the object is in the copy.
    edit
        Returns what it is to be, given what it is; None if there is none.

    Raises
    ------
    RunBusy
        If somebody else changes it all the time.
    StorageError
        If it cannot be read or written.
    """
    storage, key = mirror.storage, mirror.key_of(path)
    for n_tried in range(_TRIES):
        there = object_at(storage, key)
        try:
            content = edit(None if there is None else storage.read(key))
            stored = storage.write(key, content, expected=NEW if there is None else there)
        except (ObjectChanged, ObjectMissing):
            time.sleep(random.uniform(0, min(0.02 * 2**n_tried, _LONGEST_PAUSE)))  # noqa: S311
            continue
        mirror.copy.put(stored, content)
        return content
    raise RunBusy(f"{storage.address}/{key} is being changed; try again")


def write_file(store: Path, path: Path, content: bytes) -> None:
    """Replace a small file of a store; of one at an address, there first.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if mirror := mirror_of(store):
        mirror.send(path, content)
    else:
        replace_file(path, content)


def remove_file(store: Path, path: Path) -> None:
    """Remove a small file of a store, if it is there; raises as `write_file`."""
    if mirror := mirror_of(store):
        mirror.storage.remove([mirror.key_of(path)])
    path.unlink(missing_ok=True)


def objects_below(mirror: StoreMirror, key: str) -> list[StoredObject]:
    """Return the objects below a key, whatever they are."""
    return list(mirror.storage.list(f"{key}/" if key else ""))


def move_run(mirror: StoreMirror, source: str, target: str) -> None:
    """Move all objects below one key to below another one, where nothing is.

    Nothing is removed before all of it is there.

    Raises
    ------
    StorageUnavailable
        If a writer puts more there all the time.
    StorageError
        If they cannot be read or written.
    """
    storage = mirror.storage
    for _ in range(_ROUNDS):
        found = objects_below(mirror, source)
        if not found:
            return
        list(fetching().map(partial(_copy, storage, source, target), found))
        storage.remove(item.key for item in found)
    raise StorageUnavailable(f"{storage.address}/{source} is still being written")


def _copy(storage: Storage, source: str, target: str, item: StoredObject) -> None:
    with contextlib.suppress(ObjectMissing):  # parts were merged meanwhile
        storage.write(f"{target}{item.key.removeprefix(source)}", storage.read(item.key))
