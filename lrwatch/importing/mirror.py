"""Every run of a source as a run folder, once or again and again while another tool writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lrwatch.errors import LrwatchError
from lrwatch.importing.foreign_run import Choice, ForeignRun
from lrwatch.importing.ordering import OrderedRun, ordered
from lrwatch.importing.run_copy import RunCopy, known_copies
from lrwatch.importing.search import FoundLog

__all__ = ["Brought", "Mirror"]


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of one run of a source.

    Attributes
    ----------
    source
        Its file or folder.
    folder
        Its run folder; ``None`` if there is none.
    n_new
        Rows that were added.
    recognised
        What it is, on one line.
    troubles
        What in it could not be read.
    problem
        Why nothing could be had from it; empty if all is well.
    """

    source: Path
    folder: Path | None = None
    n_new: int = 0
    recognised: str = ""
    troubles: tuple[str, ...] = ()
    problem: str = ""


class Mirror:
    """Keeps run folders the same as the logs of other tools.

    Parameters
    ----------
    store
        Folder for the runs.
    find
        Lists the logs; asked again at each update.
    choice
        What the user says of columns.
    """

    def __init__(self, store: Path, find: Callable[[], list[FoundLog]], choice: Choice) -> None:
        self._store, self._find, self._choice = store, find, choice
        self._copies: dict[tuple[Path, str], RunCopy] = {}
        self._seen: dict[Path, object] = {}
        self._held: dict[tuple[Path, str], OrderedRun] = {}
        self._known = known_copies(store)

    def update(self, *, is_live: bool = False) -> Iterator[Brought]:
        """Bring what is new; yield what became of each run of the logs that have changed.

        Parameters
        ----------
        is_live
            More will come: folders stay open, and the last row of a log waits until the log was
            at rest between two updates, as its tool may still add to it.
        """
        for log in self._find():
            state = _state(log.path)
            if not is_live or self._seen.get(log.path) != state:
                self._seen[log.path] = state
                yield from self._read(log, is_live=is_live)
            else:
                yield from self._settled(log)

    def close(self) -> None:
        """Write what still waits, and end every run."""
        for key, read in self._held.items():
            self._copies[key].update(read, is_live=True)
        self._held.clear()
        for copy in self._copies.values():
            copy.close()

    def _read(self, log: FoundLog, *, is_live: bool) -> Iterator[Brought]:
        try:
            runs = log.runs(self._choice)
        except (LrwatchError, OSError) as error:
            yield Brought(log.path, problem=str(error))
            return
        for run in runs:
            try:
                read = ordered(self._named(run), self._choice)
                copy = self._copy(log, run.key)
                n_new = copy.update(self._ripe(log, read, is_live=is_live), is_live=is_live)
            except (LrwatchError, OSError) as error:
                yield Brought(log.path, problem=f"{run.name}: {error}")
                continue
            if run.is_over:
                copy.close()
            troubles = tuple(map(str, run.troubles))
            yield Brought(log.path, copy.folder, n_new, read.recognised, troubles)

    def _ripe(self, log: FoundLog, read: OrderedRun, *, is_live: bool) -> OrderedRun:
        """Return a run without its last row, which is held until the log rests."""
        key = log.path, read.run.key
        self._held.pop(key, None)
        if not is_live or read.run.is_over or not len(read.rows):
            return read
        self._held[key] = read
        return replace(read, rows=read.rows[:-1])

    def _settled(self, log: FoundLog) -> Iterator[Brought]:
        for key in [key for key in self._held if key[0] == log.path]:
            read, copy = self._held.pop(key), self._copies[key]
            n_new = copy.update(read, is_live=True)
            yield Brought(log.path, copy.folder, n_new, read.recognised)

    def _named(self, run: ForeignRun) -> ForeignRun:
        loss = self._choice.loss
        return run if loss is None else replace(run, name=f"{run.name} {loss}")

    def _copy(self, log: FoundLog, key: str) -> RunCopy:
        place = log.path, key
        if place not in self._copies:
            # A log of two optimizers is two runs, each by its loss.
            identity = "\0".join(filter(None, (key, self._choice.loss)))
            copy = RunCopy(self._store, log.path, log.importer.name, identity, self._known)
            self._copies[place] = copy
        return self._copies[place]


def _state(path: Path) -> object:
    """Return what changes when a file, or a file in a folder, is written."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path, Path(f"{path}-wal")]
    found = []
    for file in files:
        try:
            about = file.stat()
        except OSError:
            continue
        found.append((file, about.st_size, about.st_mtime_ns))
    return found
