from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pytest
from dashboard_views import FakeSource
from lrwatch_dashboard.address import export_href
from lrwatch_dashboard.app import create_app
from pyarrow import parquet

TABLE = pa.table({"step": [0, 1], "loss": [2.5, float("nan")]})


def _get(path: str) -> Any:
    source = FakeSource()
    source.tables = {"sgd": TABLE, "sweep/a b": TABLE, ".": TABLE, "v1.5": TABLE}
    return create_app(source).server.test_client().get(path, buffered=True)


@pytest.mark.parametrize("key", ["sgd", "sweep/a b", ".", "v1.5"])
def test_the_rows_of_a_run_come_as_csv(key: str) -> None:
    answer = _get(export_href(key, ".csv"))
    assert answer.status_code == 200
    assert answer.get_data(as_text=True).splitlines() == ['"step","loss"', "0,2.5", "1,nan"]
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_rows_of_a_run_come_as_parquet() -> None:
    answer = _get(export_href("sgd", ".parquet"))
    assert parquet.read_table(io.BytesIO(answer.data)).column_names == ["step", "loss"]
    assert "sgd.parquet" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(
    "path",
    [
        "/export/gone.csv",
        "/export/sgd",
        "/export/sgd.json",
        "/export/../../etc/passwd.csv",
        "/export/%2e%2e/sgd.csv",
        "/export//etc/passwd.csv",
        "/export/sgd.csv/..",
    ],
)
def test_only_listed_runs_in_known_formats_are_served(path: str) -> None:
    answer = _get(path)
    assert b"root:" not in answer.data
    assert "attachment" not in answer.headers.get("Content-Disposition", "")
