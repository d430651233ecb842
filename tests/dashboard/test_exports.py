from __future__ import annotations

import csv
import html
import io
import re
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest
from attacks import ATTACKS
from dashboard_views import FakeSource, curves, run_view
from lrwatch_dashboard.address import export_href, report_href, run_href
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.security.access import Access
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


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_spreadsheet_runs_what_a_file_of_rows_holds(sign: str) -> None:
    source = FakeSource()
    names = [f"{sign}HYPERLINK(1)", f'{sign}a,"b"', "loss", "-5"]
    source.tables = {"sgd": pa.table([[-1.5]] * 4, names=names)}
    client = create_app(source).server.test_client()
    text = client.get("/export/sgd.csv", buffered=True).get_data(as_text=True)
    head, numbers = list(csv.reader(io.StringIO(text, newline="")))
    assert head == ["'" + names[0], "'" + names[1], "loss", "-5"]
    assert numbers == ["-1.5"] * 4


def test_no_spreadsheet_runs_what_a_table_of_a_page_holds() -> None:
    name = "=cmd|' /C calc'!A0"
    view = run_view(name, config={name: "@SUM(1)"}, optimizer="+1+1")
    client = create_app(FakeSource(views={name: view}, lines=curves())).server.test_client()
    for path in (f"/table/compare?runs={quote(name, safe='')}", "/table/sweep"):
        rows = csv.reader(io.StringIO(client.get(path).get_data(as_text=True)))
        cells = [cell for row in rows for cell in row]
        assert f"'{name}" in cells
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "name", "said"),
    [
        ("/report/run/sgd-0.1", "lrwatch-sgd-0.1.html", "Loss swings 3.1 times its trend"),
        ("/report/compare?runs=sgd-0.1,gone", "lrwatch-compare.html", "no such run: gone"),
        ("/report/sweep", "lrwatch-sweep.html", "By learning rate"),
    ],
)
def test_a_page_comes_as_one_file(path: str, name: str, said: str) -> None:
    client = create_app(FakeSource(lines=curves())).server.test_client()
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert answer.headers["Cache-Control"] == "no-store"
    text = answer.get_data(as_text=True)
    assert said in text
    assert "<svg" in text
    assert "http://" not in text


@pytest.mark.slow
def test_a_store_that_is_itself_a_run_has_a_report() -> None:
    app = create_app(FakeSource(views={".": run_view(".", name="alone")}, lines=curves()))
    answer = app.server.test_client().get(report_href(run_href(".")))
    assert answer.headers["Content-Disposition"] == "attachment; filename=lrwatch-alone.html"


@pytest.mark.parametrize("path", ["/report/run/sgd-0.1", "/report/compare?runs=a", "/table/sweep"])
def test_files_are_for_those_who_were_let_in(path: str) -> None:
    access = Access(token="a-token-of-some-length")
    client = create_app(FakeSource(lines=curves()), access).server.test_client()
    assert client.get(path).status_code == 401
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    open_to_all = create_app(FakeSource(lines=curves())).server.test_client()
    assert open_to_all.get(path, headers=foreign).status_code == 403


@pytest.mark.slow
def test_a_report_shows_what_the_address_shows() -> None:
    source = FakeSource(lines=curves())
    client = create_app(source).server.test_client()
    client.get("/report/run/sgd-0.1?from=10&to=20")
    assert source.asked == [(10.0, 20.0)]


def test_a_report_of_a_run_whose_rows_cannot_be_read_says_so() -> None:
    answer = create_app(FakeSource(lines=None)).server.test_client().get("/report/run/sgd-0.1")
    assert "cannot be read" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "path", ["/report/run/gone", "/report/run/../../etc/passwd", "/report/help", "/report/compare"]
)
def test_there_is_no_report_of_what_there_is_not(path: str) -> None:
    answer = create_app(FakeSource()).server.test_client().get(path)
    assert answer.status_code in (404, 308)
    assert "attachment" not in answer.headers.get("Content-Disposition", "")


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_name_stays_a_name_in_a_report_and_in_its_file_name(attack: str) -> None:
    view = run_view(attack, config={attack: attack}, optimizer=attack)
    app = create_app(FakeSource(views={attack: view}, lines=curves()))
    answer = app.server.test_client().get(report_href(run_href(attack)))
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    assert "<script" not in text
    assert "<img" not in text
    assert not re.search(r"<[^>]*\son\w+=", text.replace(html.escape(attack), ""))
    assert re.fullmatch(r"attachment; filename=[\w.\"-]+", answer.headers["Content-Disposition"])


def test_the_tables_of_pages_come_as_csv() -> None:
    client = create_app(FakeSource(lines=curves())).server.test_client()
    for page, search in (("compare", "?runs=sgd-0.1"), ("sweep", "")):
        answer = client.get(f"/table/{page}{search}")
        assert answer.mimetype == "text/csv"
        assert f"filename=lrwatch-{page}.csv" in answer.headers["Content-Disposition"]
        assert b"sgd-0.1" in answer.data


@pytest.mark.parametrize("path", ["/table/compare", "/table/run", "/table/compare?runs=gone"])
def test_there_is_no_table_of_what_there_is_not(path: str) -> None:
    assert create_app(FakeSource()).server.test_client().get(path).status_code == 404
