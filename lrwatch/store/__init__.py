"""The disk side: run folders that survive a kill, read while they are written."""

from lrwatch.store.catalog import Catalog, RunEntry, list_runs, run_at
from lrwatch.store.ownership import writer_is_gone
from lrwatch.store.reader import RunReader, read, read_table
from lrwatch.store.run_info import read_run_info
from lrwatch.store.writer import RunWriter

__all__ = [
    "Catalog",
    "RunEntry",
    "RunReader",
    "RunWriter",
    "list_runs",
    "read",
    "read_run_info",
    "read_table",
    "run_at",
    "writer_is_gone",
]
