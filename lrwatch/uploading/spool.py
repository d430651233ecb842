"""Where runs are written that belong to an address: folders of this machine, one an address.

``LRWATCH_SPOOL`` says where, or else the folder for caches of the operating system. Nothing in it
is a cache before it is sent, so what is removed is only what has arrived.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from uuid import uuid4

from lrwatch.cache_folder import platform_folder
from lrwatch.errors import StoreNotWritable
from lrwatch.plain_files import read_file, replacing
from lrwatch.storage.addresses import is_address, tidy
from lrwatch.store.layout import is_run
from lrwatch.system import user_name
from lrwatch.uploading.note import read_note

__all__ = [
    "SPOOL",
    "address_of_store",
    "drop_sent",
    "local_store",
    "spool_folder",
    "spooled",
    "waiting_in",
]

SPOOL: Final = "LRWATCH_SPOOL"
"""Environment variable with the folder that runs wait in until they are sent."""

_ADDRESS: Final = ".address"
_SENT: Final = ".sent-"  # runs that have arrived, on their way out
_LONGEST: Final = 80


def spool_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that holds a folder for each address; it need not be there."""
    if named := environment.get(SPOOL):
        return Path(named).absolute()
    folder = platform_folder(environment)
    if folder is None or not os.access(Path.home(), os.W_OK):  # a container without a home
        user = re.sub(r"\W+", "-", user_name()) or str(getattr(os, "getuid", lambda: 0)())
        folder = Path(tempfile.gettempdir()) / f"lrwatch-{user}"
    return folder / "outgoing"


def local_store(place: str | os.PathLike[str]) -> Path:
    """Return the folder of this machine into which the runs of a store are written.

    Parameters
    ----------
    place
        A folder, which is returned, or an address, whose folder is made.

    Raises
    ------
    InvalidArgument
        If it is no address that can be.
    StoreNotWritable
        If the folder cannot be made.
    """
    if not is_address(place):
        return Path(place)
    address = tidy(os.fspath(place))
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", address)[:_LONGEST]
    store = spool_folder() / f"{plain}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"
    try:
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
        if address_of_store(store) != address:
            with replacing(store / _ADDRESS) as aside:
                aside.write_text(address, encoding="utf-8")
    except OSError as error:
        raise StoreNotWritable(
            f"cannot write in {store}, where runs wait until they are sent: "
            f"{error.strerror or error}; set {SPOOL} to a folder that this user can write"
        ) from error
    return store


def address_of_store(store: Path) -> str | None:
    """Return the address that the runs of a folder of this machine are sent to, if any."""
    try:
        content = read_file(store / _ADDRESS, most=_LONGEST * 100)
        return None if content is None else tidy(content.decode())
    except (OSError, ValueError):
        return None


def spooled(root: Path | None = None) -> Iterator[tuple[str, list[Path]]]:
    """Yield each address that runs wait for here, and their folders, the oldest first."""
    found = root or spool_folder()
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for store in sorted(found.iterdir()):
            if address := address_of_store(store):
                yield address, waiting_in(store)


def waiting_in(store: Path) -> list[Path]:
    """Return the folders of runs in a store of the spool, the oldest first."""
    runs = [path for path in store.iterdir() if not path.name.startswith(".") and is_run(path)]
    return sorted(runs, key=lambda path: path.stat().st_mtime)


def drop_sent(run: Path) -> None:
    """Remove the folder of a run that has arrived as a whole."""
    note = read_note(run)
    if note is not None and note.is_done and address_of_store(run.parent) == note.address:
        with contextlib.suppress(OSError):  # at once: half a run would be one that cannot be read
            run.rename(run.with_name(f"{_SENT}{uuid4().hex}"))
        for sent in run.parent.glob(f"{_SENT}*"):
            shutil.rmtree(sent, ignore_errors=True)
