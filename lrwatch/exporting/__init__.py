"""Runs as files that other tools read: each kind is one class, open to other packages."""

from lrwatch.exporting.exporter import ExportedRun, Exporter
from lrwatch.exporting.registry import EXPORTER_GROUP, exporter_for, exporters

__all__ = ["EXPORTER_GROUP", "ExportedRun", "Exporter", "exporter_for", "exporters"]
