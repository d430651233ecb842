"""Files to take away: the rows of runs, and reports of pages that open without a server.

``/export/KEY.csv`` and ``/export/KEY.parquet`` are the rows of a run; ``/report`` before the
address of a page is that page in one HTML file, and ``/table`` before it is its table as CSV.
Keys are looked up in the list of runs and never joined to a path.
"""

from __future__ import annotations

import io
import re
import tempfile
import time
from typing import Any, Final
from urllib.parse import quote

from dash import Dash, html
from flask import Response, abort, request, send_file
from pyarrow import csv, parquet

from lrwatch_dashboard.data.tables import as_cell, as_csv
from lrwatch_dashboard.pages import find_page
from lrwatch_dashboard.standalone import document
from lrwatch_dashboard.views import RunSource

__all__ = ["add_exports"]


def _write_csv(table: Any, file: Any) -> None:
    """Write rows, which are numbers; a program of tables may take the name of a column for more."""
    csv.write_csv(table.rename_columns([as_cell(name) for name in table.column_names]), file)


_WRITERS: Final = {".csv": _write_csv, ".parquet": parquet.write_table}
_TYPES: Final = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}
_SPOOLED: Final = 8_000_000  # bytes of a file that stay in memory; larger ones lie on the disk


def add_exports(app: Dash, source: RunSource) -> None:
    """Serve rows and reports as files."""

    def export(name: str) -> Response:
        key, dot, word = name.rpartition(".")
        ending = dot + word
        # A store may itself be a run; its key is "." and its address has nothing before the dot.
        table = source.rows(key or ".") if ending in _WRITERS else None
        if table is None:
            abort(404, "no such run, or its rows cannot be read")
        file = tempfile.SpooledTemporaryFile(max_size=_SPOOLED)  # noqa: SIM115  closed once sent
        _WRITERS[ending](table, file)
        file.seek(0)
        return _file(file, _TYPES[ending], (key or "run").rpartition("/")[2] + ending)

    def report(page: str) -> Response:
        now = time.time()
        search = request.query_string.decode("utf-8", "replace")
        found = find_page(quote(f"/{page}"))
        made = found and found[0].report(source, *found[1], search)
        if not made:
            abort(404, "no such page, or nothing is on it")
        title, body = made
        file = io.BytesIO(document(f"{title} · lrwatch", [body, _footer(now)]))
        name = "lrwatch-" + (re.sub(r"[^\w.-]+", "-", title).strip("-.") or "report") + ".html"
        return _file(file, "text/html", name)

    def table(page: str) -> Response:
        search = request.query_string.decode("utf-8", "replace")
        found = find_page(quote(f"/{page}"))
        rows = found and found[0].table(source, *found[1], search)
        if not rows:
            abort(404, "no such page, or nothing is on it")
        return _file(io.BytesIO(as_csv(rows)), "text/csv", f"lrwatch-{page}.csv")

    app.server.add_url_rule("/table/<page>", "table", table)
    app.server.add_url_rule("/export/<path:name>", "export", export)
    app.server.add_url_rule("/report/<path:page>", "report", report)


def _footer(now: float) -> html.Footer:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    return html.Footer(f"lrwatch report, as of {when}", className="run quiet")


def _file(file: Any, type_: str, name: str) -> Response:
    return send_file(file, mimetype=type_, as_attachment=True, download_name=name, max_age=0)
