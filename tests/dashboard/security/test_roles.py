"""A reader sees everything and changes nothing, whatever is sent; an editor does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from alert_boards import NOW, known, watched
from callback_calls import callback_call
from lrwatch_dashboard import ids
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.data import RunStore
from lrwatch_dashboard.security.access import Access
from lrwatch_dashboard.security.calls import CALLBACKS
from lrwatch_dashboard.security.people import People, new_token
from sources import module_name, modules
from stores import write_run

from lrwatch.alerts.silences import Matcher, add_silence, silences
from lrwatch.store.activity_log import read_activity

RUNS = {"runs": ["a", "sweep/b"], "at": 1}
ALERT = known("a").alert.id
FORM = {"run": "*", "rule": "", "length": "1 hour", "reason": "known", "by": "eve"}

WRITES: dict[str, list[dict[str, Any]]] = {
    ids.OVERVIEW_ASKED: [
        *({"do": do, **RUNS} for do in ("pin", "unpin", "archive", "unarchive")),
        {"do": "label", **RUNS, "add": "new", "name": "x", "note": "n", "drop": "old"},
        {"do": "delete", **RUNS},
        {"do": "restore", "receipt": "RECEIPT"},
    ],
    ids.ALERTS_SAYING: [
        {"alert": ALERT, "episode": "1", "by": "eve"},
        {"end": "SILENCE"},
    ],
    ids.SILENCE_FORM: [FORM],
}
"""What pages send in order to change something, by the component that sends it."""

READS: dict[str, list[Any]] = {
    ids.URL: ["/", "/run/a", "/compare", "/sweep", "/alerts", "/help", "?runs=a", ""],
    ids.BEAT: [{"now": 1.0}],
    ids.ALERT_COUNT: ["", "1"],
    ids.VIEW: [{}],
    ids.THEME: ["light"],
    ids.RUN_KEY: ["a"],
    ids.COMPARE_RUNS: [["a"]],
    ids.ALERTS_WORDS: [{}],
    ids.OVERVIEW_WORDS: [{}],
    **{f"{page}-tick": [1] for page in ("overview", "alerts", "run", "compare", "sweep")},
    **{f"{page}-chart-tick": [1] for page in ("run", "compare", "sweep")},
    **{
        token: [""]
        for token in (
            *("overview-token", "overview-verdicts", "overview-drawn", "compare-token"),
            *("sweep-token", "alerts-token", "run-token", "run-curves-token"),
        )
    },
}
"""What they send in order to look."""

PATHS = {
    "path": "run/a",
    "page": "sweep",
    "name": "a.csv",
    "filename": "lrwatch.css",
    "package_name": "dash",
    "fingerprinted_path": "x.js",
}


class Team:
    """A store with something of everything in it, and a server for an editor and a reader."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "runs"
        write_run(self.store, "a")
        write_run(self.store / "sweep", "b")
        watched(self.store, known("a"), looked_at=NOW)
        self.silence = add_silence(self.store, Matcher(), seconds=600.0, reason="known").id
        self.file = folder / "people"
        self.tokens = {
            "ann": new_token("ann", "editor", self.file)[0],
            "bob": new_token("bob", "reader", self.file)[0],
        }
        self.runs = RunStore(self.store, threaded=False)
        self.runs.refresh()
        self.app = create_app(self.runs, Access(people=People(self.file)))
        self.client = self.app.server.test_client(use_cookies=False)
        self.receipt = "RECEIPT"

    def headers(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[who]}"}

    def post(self, who: str, call: dict[str, Any]) -> Any:
        return self.client.post(CALLBACKS, json=call, headers=self.headers(who))

    def calls(self, values: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
        """Yield calls of every callback of the server, with every one of the values."""
        dependencies = self.client.get("/_dash-dependencies", headers=self.headers("bob"))
        for found in dependencies.get_json():
            if found["clientside_function"]:
                continue
            components = dict.fromkeys(p["id"] for p in (*found["inputs"], *found["state"]))
            for chosen in product(*(values[component] for component in components)):
                held = dict(zip(components, chosen, strict=True))
                yield callback_call(found, held)

    def writing(self, component: str, asked: dict[str, Any]) -> dict[str, Any]:
        known_ids = {"RECEIPT": self.receipt, "SILENCE": self.silence}
        asked = {k: known_ids.get(v, v) if isinstance(v, str) else v for k, v in asked.items()}
        values = {**READS, **WRITES, component: [asked]}
        found = [c for c in self.calls(values) if c["inputs"][0]["id"] == component]
        return found[0]

    def contents(self) -> dict[str, bytes | None]:
        paths = sorted(self.store.rglob("*"))
        return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)


@pytest.mark.slow
def test_no_callback_that_a_reader_calls_changes_anything(team: Team) -> None:
    """Every callback there is: one that is new here says what its components hold."""
    before, n_calls = team.contents(), 0
    for call in team.calls({**READS, **WRITES}):
        assert team.post("bob", call).status_code in (200, 204)
        n_calls += 1
    assert n_calls > 25
    assert team.contents() == before


@pytest.mark.slow
def test_no_address_that_a_reader_asks_for_changes_anything(team: Team) -> None:
    before = team.contents()
    rules = list(team.app.server.url_map.iter_rules())
    assert {name for rule in rules for name in rule.arguments} <= PATHS.keys()
    for rule in rules:
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda m: PATHS[m[1]], rule.rule)
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            body: Any = {"json": {}} if method != "GET" else {}
            headers = team.headers("bob")
            team.client.open(path, method=method, headers=headers, buffered=True, **body)
    assert team.contents() == before


WRITING = [(component, asked) for component, all_ in WRITES.items() for asked in all_]


@pytest.mark.parametrize(("component", "asked"), WRITING, ids=str)
def test_what_an_editor_asks_for_is_done_and_written_down(
    team: Team, component: str, asked: dict[str, Any]
) -> None:
    opposite = {"unpin": "pin", "unarchive": "archive", "restore": "delete"}
    if (first := opposite.get(str(asked.get("do")))) is not None:
        team.post("ann", team.writing(ids.OVERVIEW_ASKED, {"do": first, **RUNS}))
        team.receipt = next(iter(team.runs.labels._thrown), "")
    before, n_before = team.contents(), len(read_activity(team.store, [team.store / "sweep"]))
    refused = team.post("bob", team.writing(component, asked))
    assert "bob is a reader" in refused.get_data(as_text=True)
    assert team.contents() == before
    assert team.post("ann", team.writing(component, asked)).status_code == 200
    assert team.contents() != before
    activity = read_activity(team.store, [team.store / "sweep"])
    assert len(activity) > n_before
    assert (activity[-1].user, activity[-1].role) == ("ann", "editor")


def test_a_name_from_the_page_does_not_replace_who_is_signed_in(team: Team) -> None:
    team.post("ann", team.writing(ids.SILENCE_FORM, FORM))
    assert sorted(held.by for held in silences(team.store)) == ["", "ann"]


def test_pages_show_a_reader_no_way_to_change_anything(team: Team) -> None:
    def page(who: str, path: str) -> str:
        values = {**READS, ids.URL: [path]}
        call = next(c for c in team.calls(values | WRITES) if c["output"] == "page.children")
        call["inputs"][1]["value"] = ""
        text: str = team.post(who, call).get_data(as_text=True)
        return text

    assert "delete-button" in page("ann", "/")
    assert "delete-button" not in page("bob", "/")
    assert "is-read-only" in page("bob", "/alerts")
    assert "is-read-only" not in page("ann", "/alerts")
    shell = team.client.get("/_dash-layout", headers=team.headers("bob")).get_data(as_text=True)
    assert "Signed in as bob: may only look" in shell
    assert "bob" not in team.client.get("/_dash-layout", headers=team.headers("ann")).text


def test_a_role_that_changes_holds_at_once(team: Team) -> None:
    pin = team.writing(ids.OVERVIEW_ASKED, {"do": "pin", **RUNS})
    text = team.file.read_text()
    team.file.write_text(text.replace("bob:reader:", "bob:editor:"))
    assert "Pinned 2 runs" in team.post("bob", pin).text
    team.file.write_text("\n".join(line for line in text.splitlines() if "bob" not in line))
    assert team.post("bob", pin).status_code == 401


def test_who_asks_is_forgotten_after_the_request(team: Team) -> None:
    team.client.get("/", headers=team.headers("bob"))
    assert team.runs.labels.label(["a"], _pinned()) == ""


def _pinned() -> Any:
    from lrwatch_dashboard.views import LabelChange

    return LabelChange(pinned=True)


@pytest.mark.slow
def test_the_dashboard_writes_files_in_known_places_only() -> None:
    """Into the store through the functions of lrwatch that ask who acts, and nowhere else."""
    writing = {
        "write_text",
        "write_bytes",
        "touch",
        "mkdir",
        "rename",
        "unlink",
        "rmdir",
        "symlink_to",
    }
    writing |= {"replace_file", "write_record", "append_line", "rmtree", "remove", "open_plain"}
    found = set()
    for path in modules():
        if "lrwatch_dashboard" not in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node, "attr", getattr(node, "id", ""))
            if name in writing:
                found.add(module_name(path).removeprefix("lrwatch_dashboard."))
    assert found <= {"data.verdict_memory", "data.watching", "security.people"}
