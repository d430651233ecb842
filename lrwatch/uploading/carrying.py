"""What the recording of runs asks of their uploads: begin, fetch, where is it, wait for the end."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lrwatch.errors import InvalidArgument, MissingExtra, ObjectMissing, StorageError
from lrwatch.plain_files import replacing
from lrwatch.storage import Storage, is_address, open_storage
from lrwatch.storage.object_store import ObjectStorage
from lrwatch.store.layout import RUN_JSON, STEPS, covering, folder_name, is_run
from lrwatch.store.ownership import has_writer
from lrwatch.system import in_forked_child, new_lock
from lrwatch.uploading.courier import Cargo, Courier, seconds_of
from lrwatch.uploading.note import UploadNote, read_note, write_note
from lrwatch.uploading.remote_run import RemoteRun, SeenRun, part_name
from lrwatch.uploading.run_upload import RunUpload
from lrwatch.uploading.spool import address_of_store, drop_sent, local_store
from lrwatch.uploading.tiers import Span

if TYPE_CHECKING:
    from lrwatch.store.writer import RunWriter

__all__ = ["address_of", "carry", "fetch_for_resume", "fetch_run", "finish", "prepare", "stop_all"]

logger = logging.getLogger("lrwatch")

_WAIT: Final = "LRWATCH_UPLOAD_SECONDS"
"""Environment variable with the seconds for which the end of a run waits for its upload."""

_one_at_a_time = new_lock()
_couriers: dict[str, Courier] = {}
_cargo: dict[Path, tuple[Courier, Cargo]] = {}
_is_forked = False  # from a process that had couriers: obstore's threads are not here


def prepare(place: str | os.PathLike[str]) -> Path:
    """Return the folder of this machine for the runs of a folder or address.

    Raises
    ------
    InvalidArgument, MissingExtra
        If nothing can be sent to the address: its scheme is not known, say.
    StoreNotWritable
        If the folder cannot be made.
    """
    if is_address(place):
        open_storage(place)
    return local_store(place)


def fetch_for_resume(store: Path, name: str, *, may_begin: bool) -> None:
    """Have the run that is to be resumed in a store of this machine, if its address has it.

    Where the address cannot be reached, what is here is gone on with.

    Parameters
    ----------
    store
        Folder of runs; nothing happens if it belongs to no address.
    may_begin
        Whether a new run will do.

    Raises
    ------
    StorageError
        If the address cannot be reached, nothing is here, and a new run will not do.
    """
    address = address_of_store(store)
    if address is None:
        return
    run = store / folder_name(name)
    try:
        fetch_run(open_storage(address), run)
    except StorageError as error:
        if not run.exists() and not may_begin:
            raise
        what = "what is here goes on" if run.exists() else "a new run begins"
        logger.warning("run %s cannot be looked up, %s: %s", name, what, error)


def carry(writer: RunWriter) -> None:
    """Send a run to where its folder belongs, from now on; nothing happens if that is here."""
    run = writer.folder
    address = address_of_store(run.parent)
    if address is None:
        return
    try:
        with _one_at_a_time:
            courier = _couriers.get(address)
            if courier is None:
                storage = open_storage(address)
                if _is_forked and isinstance(storage, ObjectStorage):
                    raise StorageError("a forked process cannot reach it")  # noqa: TRY301
                courier = _couriers[address] = Courier(storage, run.parent)
            cargo = Cargo(RunUpload(run, courier.storage), lambda: writer.n_rows)
            _cargo[run] = courier, cargo
            courier.take(cargo)
    except (InvalidArgument, MissingExtra, StorageError, RuntimeError) as error:
        logger.warning("run %s stays in %s: %s; see lrwatch push", run.name, run, error)


def address_of(run: Path) -> str | None:
    """Return where a run of this process is sent to; ``None`` if it stays here."""
    found = _cargo.get(run)
    return None if found is None else found[1].upload.address


def finish(run: Path, patience: float) -> None:
    """Send the rest of a run that has ended, and wait for it if there is any patience.

    How long is `LRWATCH_UPLOAD_SECONDS`; what is not there by then is said to be here.
    """
    found = _cargo.get(run)
    if found is None:
        return
    courier, cargo = found
    courier.hurry(cargo)
    in_vain = courier.has_waited or courier.has_stopped
    if patience <= 0 or cargo.gone.wait(0.0 if in_vain else seconds_of(_WAIT, 60.0)):
        return
    courier.has_waited = True  # ten runs that end together wait once
    why = f": {courier.trouble}" if courier.trouble else ""
    logger.warning(
        "run %s is not at %s yet%s; the rest is in %s: `lrwatch push` sends it, and so does "
        "the next process that records there",
        run.name, cargo.upload.address, why, run,
    )  # fmt: skip


def stop_all() -> None:
    """End the threads at the end of the program, and remove what has arrived."""
    for courier in _couriers.values():
        with contextlib.suppress(Exception):
            courier.stop(_LAST_SECONDS)
    _couriers.clear()
    for run in _cargo:
        drop_sent(run)


_LAST_SECONDS: Final = 5.0  # for a request that is under way at the very end


@in_forked_child
def _carry_nothing() -> None:
    """Leave the runs to the parent process; its threads are not here."""
    global _is_forked  # noqa: PLW0603
    _is_forked = _is_forked or bool(_couriers)
    _couriers.clear()
    _cargo.clear()


def fetch_run(storage: Storage, run: Path) -> bool:
    """Have a run of an address in a folder of this machine, as it is there, and be its writer.

    What is here already and was not taken over elsewhere stays: it may hold rows that are not
    sent yet. What is here and was taken over is set aside.

    Parameters
    ----------
    run
        Folder in the spool, named as the run's there.

    Returns
    -------
    Whether the run is here.

    Raises
    ------
    StorageError
        If it cannot be brought.
    OSError
        If it cannot be written here.
    """
    if has_writer(run):
        return True  # `resume_run` says by whom
    note = read_note(run)
    remote = RemoteRun(storage, run.name if note is None else note.folder, "")
    seen = remote.look()
    if seen is None or (note is not None and seen.content.get("writer") == note.mark):
        if note is not None:
            write_note(run, dataclasses.replace(note, is_done=False, is_lost=False))
        return is_run(run)
    if is_run(run) and (note is None or not note.is_claimed):
        return True  # begun here while the address could not be reached; it will have its name
    if run.exists():
        aside = run.with_name(f".{run.name}.superseded-{time.time_ns()}")
        run.rename(aside)
        logger.warning("run %s goes on from %s; what was here is in %s", run, remote.address, aside)
    _bring(RemoteRun(storage, run.name, UploadNote("", "").mark), seen, run)
    return True


def _bring(remote: RemoteRun, seen: SeenRun, run: Path) -> None:
    """Claim a run, then copy it: rows that its earlier writer sends from now on do not count."""
    remote.adopt(seen)
    content: dict[str, Any] = {**seen.content, "writer": remote.mark, "status": "running"}
    remote.tell((json.dumps(content, indent=2) + "\n").encode())
    building = run.with_name(f".{run.name}.{remote.mark}.tmp")
    (building / STEPS).mkdir(parents=True)
    parts = _copied(remote, building)
    with replacing(building / RUN_JSON) as aside:
        aside.write_text(json.dumps(content), encoding="utf-8")
    note = UploadNote(
        remote.storage.address, remote.folder, remote.mark, is_claimed=True,
        parts=tuple((part.first, part.stop) for part in parts),
    )  # fmt: skip
    write_note(building, note)
    building.rename(run)


def _copied(remote: RemoteRun, run: Path) -> list[Span]:
    for left in reversed(range(3)):
        parts = covering(remote.parts())
        try:
            for part in parts:
                (run / part_name(part)).write_bytes(remote.read(part))
        except ObjectMissing:  # merged by its earlier writer, just before it was claimed here
            if not left:
                raise
        else:
            return parts
    raise StorageError(f"{remote.address}: its parts change all the time")
