from __future__ import annotations

from typing import Any

from dash import Dash, Output, State, html
from lrwatch_dashboard.pages.page import follow, redraw


def _asked(app: Dash, clock: str, *values: Any) -> dict[str, Any]:
    """Call the callback of a clock as the page does; return what changes, by component."""
    client = app.server.test_client()
    dependencies = client.get("/_dash-dependencies").get_json()
    (known,) = [d for d in dependencies if d["inputs"][0]["id"] == clock]
    parts = [*known["inputs"], *known["state"]]
    given = [{**part, "value": value} for part, value in zip(parts, values, strict=True)]
    outputs = [
        dict(zip(("id", "property"), one.rsplit(".", 1), strict=True))
        for one in known["output"].strip(".").split("...")
    ]
    answer = client.post(
        "/_dash-update-component",
        json={
            "output": known["output"],
            "outputs": outputs,
            "inputs": given[: len(known["inputs"])],
            "state": given[len(known["inputs"]) :],
            "changedPropIds": [f"{clock}.n_intervals"],
        },
    )
    return {} if answer.status_code == 204 else answer.get_json()["response"]


def test_a_poll_sends_what_changed_and_the_time_and_nothing_else() -> None:
    app = Dash("test", suppress_callback_exceptions=True)
    app.layout = html.Div()
    outputs = {"status": Output("status", "children"), "rest": Output("rest", "children")}
    follow(app, "a", lambda key: {"status": f"{key} runs"}, outputs, [State("key", "data")])
    follow(app, "b", dict, {})
    changed = _asked(app, "a-tick", 1, "sgd")
    assert changed.pop("beat")["data"]["now"] > 0
    assert changed == {"status": {"children": "sgd runs"}}
    assert set(_asked(app, "b-tick", 1)) == {"beat"}


def test_a_chart_is_drawn_anew_only_if_its_token_is_another_one() -> None:
    def draw(key: str, words: dict[str, str], theme: str, drawn: str) -> dict[str, Any] | None:
        token = f"{key} {words} {theme}"
        figure = {"layout": {"height": 700, "title": f"chart of {key}"}}
        return None if token == drawn else {"figure": figure, "token": token}

    app = Dash("test", suppress_callback_exceptions=True)
    app.layout = html.Div()
    outputs = {"figure": "graph", "token": "token"}
    redraw(app, "a", draw, outputs, [State("key", "data")])
    first = _asked(app, "a-chart-tick", 1, None, "dark", "", "sgd")
    token = first["token"]["data"]
    graph = first["graph"]
    assert (graph["figure"]["layout"]["title"], token) == ("chart of sgd", "sgd {} dark")
    assert graph["style"] == {"height": 700}  # or it collapses as the window changes
    assert _asked(app, "a-chart-tick", 2, None, "dark", token, "sgd") == {}
    assert "graph" in _asked(app, "a-chart-tick", 2, {"y": "log"}, "dark", token, "sgd")
