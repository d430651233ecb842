from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from alert_boards import NOW, a_board, a_line, an_unsent_line, known, watched
from dashboard_views import FakeAlerts, FakeSource, text_of
from lrwatch_dashboard.alert_views import AlertBoard, Matcher
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.data import RunStore
from lrwatch_dashboard.pages import alerts
from lrwatch_dashboard.security.access import Access

from lrwatch.alerts.silences import acknowledgements, silences
from lrwatch.plain_files import alerts_folder

FORM = {
    "run": "sgd-*",
    "rule": "diverging",
    "length": "8 hours",
    "reason": "known",
    "by": "Anna",
    "until_worse": True,
}
UPDATE = "/_dash-update-component"


def _page(board: AlertBoard, search: str = "") -> str:
    source = FakeSource()
    source.alerts = FakeAlerts(board)
    return text_of(alerts.layout(source, search))


def test_a_store_where_all_is_well_says_so_in_one_sentence() -> None:
    text = _page(a_board())
    assert "Nothing is firing." in text
    assert "Watched by lrwatch alert" in text


def test_an_empty_store_that_nobody_follows_is_calm_too() -> None:
    text = _page(AlertBoard(folder="runs"))
    assert "Nothing to alert on." in text
    assert "lrwatch alert runs --to URL" in text
    assert "Receivers" not in text
    assert "History" not in text


def test_what_fires_stands_above_what_ended() -> None:
    text = _page(a_board(a_line("bad"), ended=(a_line("better", state="resolved"),)))
    assert text.index("Firing") < text.index("bad") < text.index("Ended") < text.index("better")
    assert "Nothing is firing" not in text


def test_what_nobody_is_told_of_is_headed_so() -> None:
    text = _page(AlertBoard(unsent=(an_unsent_line("bad"),), folder="runs"))
    assert "Would alert now, but no watcher is running" in text


def test_what_a_gone_watcher_knew_is_headed_by_its_age() -> None:
    assert "Firing at the last check" in _page(a_board(a_line(), is_followed=False))


def test_problems_of_the_watcher_and_of_its_files_are_said() -> None:
    watcher = a_board().watcher
    assert watcher is not None
    ill = dataclasses.replace(watcher, problem="lrwatch.toml line 3: no such rule")
    text = _page(a_board(watcher=ill, problem="state.json is damaged"))
    assert "lrwatch.toml line 3" in text
    assert "state.json is damaged" in text


def test_the_address_limits_the_page_to_a_rule() -> None:
    board = a_board(a_line("a"), a_line("b", rule="too_high"))
    text = _page(board, "?rule=too_high")
    assert "Showing only too high" in text
    assert "Acknowledge b" not in text
    assert " b " in text
    assert " a Loss" not in text


def test_a_poll_with_nothing_new_changes_the_line_of_the_watcher_only() -> None:
    answer = alerts.poll(FakeAlerts(a_board()), "b:1", {}, NOW)
    assert set(answer) == {"health"}
    assert "last check 2 s ago" in text_of(answer["health"])


def test_a_poll_brings_what_changed() -> None:
    answer = alerts.poll(FakeAlerts(a_board(a_line("bad"))), "old", {}, NOW)
    assert "bad" in text_of(answer["board"])
    assert answer["token"] == "b:1"


def test_the_bar_counts_what_asks_for_somebody() -> None:
    firing = (a_line("a"), a_line("b", quiet="silenced"), a_line("c", state="recovering"))
    assert alerts.nav_count(FakeAlerts(a_board(*firing))) == "1"
    assert alerts.nav_count(FakeAlerts(a_board())) == ""
    unsent = AlertBoard(unsent=(an_unsent_line(), an_unsent_line()))
    assert alerts.nav_count(FakeAlerts(unsent)) == "2"
    long_ago = a_board(a_line(), is_followed=False)
    assert alerts.nav_count(FakeAlerts(long_ago)) == ""


def test_an_acknowledgement_is_handed_on() -> None:
    source = FakeAlerts()
    said = alerts.answered(source, {"alert": "a" * 16, "episode": "2", "by": "Anna"})
    assert source.said == [("a" * 16, 2, "Anna")]
    assert said == "Acknowledged; it will not be sent again"
    assert alerts.answered(FakeAlerts(problem="no"), {"alert": "a", "episode": "1"}) == "no"


@pytest.mark.parametrize("episode", [None, "", "-1", "1e9", "x", [], {}, "1\n", "²", "9" * 5000])
def test_an_acknowledgement_of_nothing_is_refused(episode: Any) -> None:
    source = FakeAlerts()
    assert "Unknown alert" in alerts.answered(source, {"alert": "a", "episode": episode})
    assert not source.said


def test_the_end_of_a_silence_is_handed_on() -> None:
    source = FakeAlerts()
    assert alerts.answered(source, {"end": "f" * 16}) == "Silence ended"
    assert source.said == ["f" * 16]


def test_a_silence_is_handed_on_with_its_end() -> None:
    source = FakeAlerts()
    assert alerts.silenced(source, FORM) == ""
    matcher = Matcher("sgd-*", "*", "diverging")
    assert source.said == [(matcher, 8 * 3600.0, "known", "Anna", True)]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"length": None}, "for how long"),
        ({"length": "forever"}, "for how long"),
        ({"length": ["8 hours"]}, "for how long"),
        ({"length": 1e99}, "for how long"),
        ({"reason": ""}, "reason"),
        ({"reason": None}, "reason"),
        ({"reason": "  "}, "reason"),
    ],
)
def test_a_silence_without_an_end_or_a_reason_is_refused(
    changes: dict[str, Any], problem: str
) -> None:
    source = FakeAlerts()
    assert problem in alerts.silenced(source, {**FORM, **changes})
    assert not source.said


def _posted(callback: str, app: Any, inputs: list[Any], state: list[Any]) -> dict[str, Any]:
    """Return the request by which the page calls one of its callbacks."""
    dependencies = app.server.test_client().get("/_dash-dependencies").get_json()
    (known_as,) = [d for d in dependencies if d["inputs"][0]["id"] == callback]
    parts = zip(known_as["inputs"], inputs, strict=True), zip(known_as["state"], state, strict=True)
    values = [[{**part, "value": value} for part, value in group] for group in parts]
    outputs = [
        {"id": one.rpartition(".")[0], "property": one.rpartition(".")[2]}
        for one in known_as["output"].strip(".").split("...")
    ]
    changed = [f"{part['id']}.{part['property']}" for part in known_as["inputs"]]
    return {
        "output": known_as["output"],
        "outputs": outputs,
        "inputs": values[0],
        "state": values[1],
        "changedPropIds": changed,
    }


def _saying(app: Any, alert: str) -> dict[str, Any]:
    return _posted("alerts-saying", app, [{"alert": alert, "episode": "1", "by": ""}], [{}])


def _silencing(app: Any) -> dict[str, Any]:
    return _posted("silence-form", app, [FORM], [{}])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    watched(tmp_path, known("a"), looked_at=NOW)
    return tmp_path


def _app(store: Path, token: str = "") -> Any:
    runs = RunStore(store, threaded=False)
    runs.refresh()
    return create_app(runs, Access(token=token))


def test_the_page_writes_what_was_said_and_nothing_else(store: Path) -> None:
    app, alert = _app(store), known("a").alert.id
    before = {path for path in store.rglob("*") if path.is_file()}
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    for request in (_saying(app, alert), _silencing(app)):
        answer = app.server.test_client().post(UPDATE, json=request, headers=headers)
        assert answer.status_code == 200
    assert acknowledgements(store)[alert, 1].by == "somebody"
    (silence,) = silences(store)
    assert (silence.matcher.run, silence.reason, silence.until_worse) == ("sgd-*", "known", True)
    folder = alerts_folder(store)
    written = {path for path in store.rglob("*") if path.is_file()} - before
    assert written == {
        folder / "acks" / f"{alert}-1.json",
        folder / "silences" / f"{silence.id}.json",
        store / ".lrwatch-activity.jsonl",
    }


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
    ],
)
def test_another_site_can_neither_acknowledge_nor_silence(
    store: Path, headers: dict[str, str]
) -> None:
    app = _app(store)
    for request in (_saying(app, known("a").alert.id), _silencing(app)):
        answer = app.server.test_client().post(UPDATE, json=request, headers=headers)
        assert answer.status_code == 403
    assert not acknowledgements(store)
    assert not silences(store)


def test_a_form_of_another_site_is_no_json(store: Path) -> None:
    app = _app(store)
    answer = app.server.test_client().post(UPDATE, data={"x": "y"})
    assert answer.status_code == 415


def test_without_the_token_nobody_acknowledges_or_silences(store: Path) -> None:
    requests = [_saying(_app(store), known("a").alert.id), _silencing(_app(store))]
    client = _app(store, token="a-token-of-some-length").server.test_client()
    for request in requests:
        assert client.post(UPDATE, json=request).status_code == 401
    assert not acknowledgements(store)
    assert not silences(store)


@pytest.mark.parametrize("said", [None, [], "x", 5, {"alert": {"a": 1}, "episode": [1]}])
def test_nonsense_of_a_client_writes_nothing_and_tells_nothing(store: Path, said: Any) -> None:
    app = _app(store)
    request = _posted("alerts-saying", app, [said], [{}])
    answer = app.server.test_client().post(UPDATE, json=request)
    assert b"Traceback" not in answer.data
    assert not acknowledgements(store)


def test_no_part_of_the_page_takes_the_address_of_a_receiver(store: Path) -> None:
    app = _app(store)
    dependencies = app.server.test_client().get("/_dash-dependencies").get_json()
    inputs = {part["id"] for d in dependencies for part in (*d["inputs"], *d["state"])}
    assert not [id_ for id_ in inputs if "receiver" in id_ or "webhook" in id_]
    form = {**FORM, "url": "http://evil", "receiver": "http://evil", "receivers": ["http://evil"]}
    request = _posted("silence-form", app, [form], [{}])
    assert app.server.test_client().post(UPDATE, json=request).status_code == 200
    state = (alerts_folder(store) / "state.json").read_text("utf-8")
    assert "evil" not in state
    assert not any("evil" in p.read_text("utf-8") for p in alerts_folder(store).rglob("*.json"))
