"""Send what waits in the spool, or any runs of this machine, from a process of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lrwatch.errors import InvalidArgument, LrwatchError, RunNotFound
from lrwatch.storage import is_address, join, open_storage
from lrwatch.store.catalog import list_runs
from lrwatch.store.layout import is_run
from lrwatch.store.ownership import has_writer
from lrwatch.uploading.run_upload import RunUpload
from lrwatch.uploading.spool import address_of_store, drop_sent, spooled, waiting_in

__all__ = ["Errand", "Pushed", "errands", "push"]


@dataclass(frozen=True, slots=True)
class Errand:
    """A run to send, and the address of the store that it is to be in."""

    run: Path
    address: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a run: where it is, how many rows went up, and why not all, if so.

    `is_done` if it has ended and is there as a whole.
    """

    run: Path
    address: str
    n_rows: int
    is_done: bool
    problem: str = ""


def errands(source: Path | None = None, address: str | None = None) -> list[Errand]:
    """Return which runs to send.

    Parameters
    ----------
    source
        A run, a store, or ``None`` for all that waits in the spool.
    address
        Where to; ``None`` for where the spool says.

    Raises
    ------
    InvalidArgument
        If no address is given, and the runs have none.
    RunNotFound
        If there is no run.
    """
    if source is None:
        waiting = [Errand(run, to) for to, runs in spooled() for run in runs]
        return [errand for errand in waiting if not has_writer(errand.run)]
    if not source.is_dir():
        raise RunNotFound(f"{source}: there is no run, or folder of runs, here")
    if address is None:
        return _of_the_spool(source)
    if not is_address(address):
        raise InvalidArgument(f"an address such as s3://bucket/runs is expected, got {address!r}")
    if is_run(source):
        return [Errand(source, address)]
    found = [Path(entry.path) for entry in list_runs(source)]
    below = [(run, run.relative_to(source).parent.parts) for run in found]
    return [Errand(run, join(address, *parts)) for run, parts in below]


def push(errand: Errand) -> Pushed:
    """Send what is new of a run; raises nothing that has to do with it."""
    upload: RunUpload | None = None
    problem = ""
    try:
        upload = RunUpload(errand.run, open_storage(errand.address))
        if not upload.is_done:
            upload.send()
    except (LrwatchError, OSError) as error:
        problem = str(error)
    finally:
        if upload is not None:
            upload.close()
    if upload is None:
        return Pushed(errand.run, errand.address, 0, is_done=False, problem=problem)
    if upload.is_done:
        drop_sent(errand.run)
    return Pushed(errand.run, upload.address, upload.n_sent, upload.is_done, problem)


def _of_the_spool(source: Path) -> list[Errand]:
    store = source.parent if is_run(source) else source
    to = address_of_store(store.absolute())
    if to is None:
        raise InvalidArgument(
            f"{source} belongs to no address; say which: lrwatch push {source} s3://bucket/runs"
        )
    return [Errand(run, to) for run in ([source] if is_run(source) else waiting_in(store))]
