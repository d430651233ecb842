"""Files to take away: the rows of a run at ``/export/KEY.csv`` and ``/export/KEY.parquet``.

The key is looked up in the list of runs and never joined to a path.
"""

from __future__ import annotations

import tempfile
from typing import Any, Final

from dash import Dash
from flask import Response, abort, send_file
from pyarrow import csv, parquet

from lrwatch_dashboard.views import RunSource

__all__ = ["add_exports"]

_WRITERS: Final = {".csv": csv.write_csv, ".parquet": parquet.write_table}
_TYPES: Final = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}
_SPOOLED: Final = 8_000_000  # bytes of a file that stay in memory; larger ones lie on the disk


def add_exports(app: Dash, source: RunSource) -> None:
    """Serve the rows of runs as files."""

    def export(name: str) -> Response:
        key, dot, word = name.rpartition(".")
        ending = dot + word
        # A store may itself be a run; its key is "." and its address has nothing before the dot.
        table = source.rows(key or ".") if ending in _WRITERS else None
        if table is None:
            abort(404, "no such run, or its rows cannot be read")
        return _file(table, _last(key or "run"), ending)

    app.server.add_url_rule("/export/<path:name>", "export", export)


def _file(table: Any, name: str, ending: str) -> Response:
    file = tempfile.SpooledTemporaryFile(max_size=_SPOOLED)  # noqa: SIM115  closed once it is sent
    _WRITERS[ending](table, file)
    file.seek(0)
    return send_file(
        file, mimetype=_TYPES[ending], as_attachment=True, download_name=name + ending, max_age=0
    )


def _last(key: str) -> str:
    return key.rpartition("/")[2]
