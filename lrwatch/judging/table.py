"""The table of verdicts beside a store: one Parquet file, replaced whole.

A run is taken from it as long as neither the run nor the judging has changed. What is damaged,
foreign or of another version is no table at all: its runs are judged anew. Of two processes that
write it, the last one wins, and the runs of the other are judged once more.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from lrwatch.cache_folder import CACHE_VARIABLE, cache_folder, store_mark
from lrwatch.errors import StorageError, StoreNotWritable
from lrwatch.judging.judges import judges
from lrwatch.judging.kept import EvidencePool, KeptVerdict, unpacked
from lrwatch.judging.rows import ROW_SCHEMA, VERDICT_COLUMNS, text
from lrwatch.plain_files import made_folder, open_plain, replacing
from lrwatch.records import RunState
from lrwatch.store.mirroring.places import mirror_of
from lrwatch.verdicts import Diagnosis

if TYPE_CHECKING:
    from lrwatch.store.mirroring.mirror import StoreMirror

__all__ = ["TABLE_FILE", "TABLE_SCHEMA", "KnownRun", "VerdictTable"]

logger = logging.getLogger("lrwatch")

TABLE_FILE: Final = ".lrwatch-verdicts/verdicts.parquet"
"""Where the table of a store is; the dot keeps it out of the list of runs."""

TABLE_SCHEMA: Final = pa.schema(
    [
        *ROW_SCHEMA,
        ("job", pa.string()),
        ("job_runs", pa.int64()),
        *(ROW_SCHEMA.field(name).with_name(f"{name}_alone") for name in VERDICT_COLUMNS),
        ("pinned", pa.bool_()),
        ("archived", pa.bool_()),
        ("curve", pa.list_(pa.int8())),
        ("kept", pa.binary()),
        ("kept_beside", pa.binary()),
    ]
)
"""Columns of the table: those of `judge`, whose verdict is the one beside siblings here; the job
that the run belongs to, and how many runs that has; the verdict by itself; what
people said of it; the heights of its loss, 0 to 99 and null for a gap, from the first step to the
last; and what lrwatch keeps for itself."""

_LABELS: Final = ("pinned", "archived")
_PACKED: Final = ("kept", "kept_beside")
_ASKED: Final = (
    "key",
    "source",
    "judges",
    "problem",
    "state",
    "job",
    "job_runs",
    *_LABELS,
    *_PACKED,
)
_ROWS_A_GROUP: Final = 2_000
"""Rows that are in memory at once while the table is written: some 20 MB."""

_ROWS_A_BATCH: Final = 200
"""... and while it is read, by those who then have all runs in memory."""


@dataclass(frozen=True, slots=True)
class KnownRun:
    """What the table says of a run that has not changed since.

    Attributes
    ----------
    kept
        What its rows came to; ``None`` where they are to be read again.
    problem
        What of it could not be read.
    state
        What it did then.
    job
        The job that it was judged in; empty if it was judged by itself.
    n_job
        How many runs that had then.
    labels
        Whether it was pinned, and archived.
    beside
        What was said of it beside its siblings; ``None`` where there were none.
    """

    kept: KeptVerdict | None
    problem: str
    state: RunState
    job: str
    n_job: int
    labels: tuple[bool, bool]
    beside: Diagnosis | None


class VerdictTable:
    """What is known of the runs of one store.

    Parameters
    ----------
    store
        Folder of runs.
    environment
        Says where the table of a store is that cannot be written: `lrwatch.cache_folder`.
    """

    def __init__(
        self, store: str | os.PathLike[str], environment: Mapping[str, str] = os.environ
    ) -> None:
        cache = cache_folder(environment)
        self.path = Path(store, TABLE_FILE)
        self._aside = None if cache is None else cache / f"{store_mark(store)}.parquet"
        self._is_brought = False

    def found(self) -> Path | None:
        """Return where it is; ``None`` if there is none."""
        return next(iter(self._paths()), None)

    def known(self, sources: Mapping[str, str]) -> dict[str, KnownRun]:
        """Return what is known of runs, by key.

        Parameters
        ----------
        sources
            What each run is now, by key, as `source_of` has it.
        """
        keys = {text(key): key for key, source in sources.items() if source}
        found, pool = {}, EvidencePool()
        for row in self.rows(_ASKED):
            key = keys.get(row["key"])
            if key is not None and row["source"] == sources[key] and row["judges"] == judges():
                found[key] = _known(row, pool)
        return found

    def n_rows(self) -> int:
        """Return how many runs it holds, those included that have changed or are gone."""
        return sum(1 for _ in self.rows(["key"]))

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield the table's rows as plain values; none if there is no table that can be read."""
        for path in self._paths():
            try:
                yield from _read(path, columns)
            except FileNotFoundError:
                continue
            except (OSError, ValueError, pa.ArrowException) as error:
                logger.info("%s is made anew, since it cannot be read: %s", path, error)
                continue
            return

    def write(self, rows: Callable[[], Iterable[Mapping[str, Any]]]) -> Path | None:
        """Replace the table.

        Parameters
        ----------
        rows
            Returns one a run, with the columns of `TABLE_SCHEMA`; called again where the table
            must go elsewhere.

        Returns
        -------
        pathlib.Path or None
            Where it is now: in the cache where the store cannot be written, and nowhere where
            neither can. That is said once, in the log.
        """
        for path in filter(None, (self.path, self._aside)):
            try:
                if path == self.path and (mirror := mirror_of(path)):
                    self._send(mirror, rows())
                else:
                    _write(path, rows())
            except OSError as error:
                logger.info("%s cannot be written: %s", path, error.strerror or error)
            else:
                return path
        logger.warning(
            "what was found is not kept: %s cannot be written; %s names another folder",
            self.path.parent,
            CACHE_VARIABLE,
        )
        return None

    def _send(self, mirror: StoreMirror, rows: Iterable[Mapping[str, Any]]) -> None:
        """Replace the table at an address, and beside it what a first look needs of each run."""
        content = io.BytesIO()
        _write_rows(content, rows)
        mirror.write_bundle()
        mirror.send(self.path, content.getvalue())

    def _bring(self) -> None:
        """Have the table of a store at an address here, as it is now."""
        mirror = mirror_of(self.path)
        if mirror and not self._is_brought:
            try:
                mirror.bring(self.path)
            except (StorageError, StoreNotWritable) as error:
                logger.info("the table is taken as it was last seen: %s", error)
        self._is_brought = True

    def _paths(self) -> list[Path]:
        """Return where the table may be, the newest first."""
        self._bring()
        there = []
        for path in filter(None, (self.path, self._aside)):
            try:
                there.append((path.stat().st_mtime_ns, path))
            except OSError:
                continue
        return [path for _, path in sorted(there, reverse=True)]


def _read(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    with os.fdopen(open_plain(path), "rb") as file:
        table = pq.ParquetFile(file, page_checksum_verification=True)
        if not table.schema_arrow.equals(TABLE_SCHEMA):
            raise ValueError("it has other columns than a table of this version")
        for batch in table.iter_batches(_ROWS_A_BATCH, columns=list(columns)):
            yield from batch.to_pylist()


def _known(row: Mapping[str, Any], pool: EvidencePool) -> KnownRun:
    kept: KeptVerdict | None = None
    beside: Diagnosis | None = None
    with contextlib.suppress(ValueError):
        kept = unpacked(row["kept"] or b"", KeptVerdict)
        beside = unpacked(row["kept_beside"] or b"", Diagnosis)
    if kept is not None and kept.diagnosis is not None:
        own = pool.shared(kept.diagnosis.evidence)
        kept = replace(kept, diagnosis=replace(kept.diagnosis, evidence=own))
        if beside is not None:
            # In memory, too, the evidence of the run by itself is there once.
            beside = replace(beside, evidence=[*own, *pool.shared(beside.evidence)])
    labels = bool(row["pinned"]), bool(row["archived"])
    job, n_job = row["job"] or "", row["job_runs"] or 0
    return KnownRun(kept, row["problem"], row["state"], job, n_job, labels, beside)


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    made_folder(path.parent)
    with replacing(path) as aside, aside.open("xb") as file:
        _write_rows(file, rows)
        file.flush()
        os.fsync(file.fileno())


def _write_rows(file: IO[bytes], rows: Iterable[Mapping[str, Any]]) -> None:
    waiting = iter(rows)
    # Packed columns differ in every row; a dictionary of them would be as large as they are.
    repeated = [name for name in TABLE_SCHEMA.names if name not in _PACKED]
    with pq.ParquetWriter(
        file,
        TABLE_SCHEMA,
        compression="zstd",
        use_dictionary=repeated,
        write_page_checksum=True,
    ) as table:
        while some := list(islice(waiting, _ROWS_A_GROUP)):
            table.write_table(pa.Table.from_pylist(some, TABLE_SCHEMA))
