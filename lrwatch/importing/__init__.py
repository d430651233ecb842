"""Logs of other tools: recognised by what is in them, read without the tools' packages.

A new kind is one class in one module, listed in `registry`, that passes
`lrwatch.testing.importers`; where it is a table of rows, it is one entry of `layouts`.
"""

from lrwatch.importing.foreign_run import Choice, ForeignRun, Importer, Trouble
from lrwatch.importing.mirror import Brought, Mirror
from lrwatch.importing.ordering import OrderedRun, ordered
from lrwatch.importing.registry import IMPORTER_GROUP, importer_named, importers, recognised
from lrwatch.importing.search import FoundLog, foreign_run, found_logs, logs_at

__all__ = [
    "IMPORTER_GROUP",
    "Brought",
    "Choice",
    "ForeignRun",
    "FoundLog",
    "Importer",
    "Mirror",
    "OrderedRun",
    "Trouble",
    "foreign_run",
    "found_logs",
    "importer_named",
    "importers",
    "logs_at",
    "ordered",
    "recognised",
]
