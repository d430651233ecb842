"""What is small of all runs, in one object: a first look need not fetch ten thousand of them.

It is made beside the store by whoever judges it, and is never the truth: what it holds counts only
for the very objects that a listing shows.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from lrwatch.errors import ObjectMissing, StorageError
from lrwatch.storage.door import Storage, StoredObject

__all__ = ["BUNDLE", "bundled", "write_bundle"]

logger = logging.getLogger("lrwatch")

BUNDLE: Final = ".lrwatch-verdicts/run-files.parquet"
"""Where it is; the dot keeps it out of the list of runs."""

_SCHEMA: Final = pa.schema(
    [
        ("key", pa.string()),
        ("size", pa.int64()),
        ("modified", pa.float64()),
        ("version", pa.string()),
        ("content", pa.binary()),
    ]
)
_ROWS_A_GROUP: Final = 2_000


def bundled(
    storage: Storage, wanted: Mapping[str, StoredObject]
) -> Iterator[tuple[StoredObject, bytes]]:
    """Yield those of the objects that the bundle holds as they are now.

    None where there is no bundle, or none that can be read.

    Parameters
    ----------
    storage
        Where.
    wanted
        The objects as the listing shows them, by key.
    """
    try:
        file = pq.ParquetFile(
            pa.BufferReader(storage.read(BUNDLE)), page_checksum_verification=True
        )
        if not file.schema_arrow.equals(_SCHEMA):
            return
        for batch in file.iter_batches(_ROWS_A_GROUP):
            for row in batch.to_pylist():
                content, item = row.pop("content") or b"", StoredObject(**row)
                if wanted.get(item.key) == item and len(content) == item.size:
                    yield item, content
    except ObjectMissing:
        return
    except (StorageError, ValueError, OSError, pa.ArrowException) as error:
        logger.info("%s/%s is left aside: %s", storage.address, BUNDLE, error)


def write_bundle(storage: Storage, files: Iterable[tuple[StoredObject, bytes]]) -> None:
    """Replace the bundle.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    waiting, content = iter(files), io.BytesIO()
    with pq.ParquetWriter(
        content, _SCHEMA, compression="zstd", use_dictionary=False, write_page_checksum=True
    ) as bundle:
        while some := list(islice(waiting, _ROWS_A_GROUP)):
            rows = [{**asdict(item), "content": body} for item, body in some]
            bundle.write_table(pa.Table.from_pylist(rows, _SCHEMA))
    storage.write(BUNDLE, content.getvalue())
