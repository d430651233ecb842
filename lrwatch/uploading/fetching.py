"""Bring a run of an address here, to go on with it."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from pathlib import Path
from typing import Any

from lrwatch.errors import ObjectMissing, StorageError
from lrwatch.plain_files import replacing
from lrwatch.storage import Storage
from lrwatch.store.layout import RUN_JSON, STEPS, covering, is_run
from lrwatch.store.ownership import has_writer
from lrwatch.uploading.note import UploadNote, read_note, write_note
from lrwatch.uploading.remote_run import RemoteRun, SeenRun, part_name
from lrwatch.uploading.tiers import Span

__all__ = ["fetch_run"]

logger = logging.getLogger("lrwatch")


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
