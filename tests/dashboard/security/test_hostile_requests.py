"""Whatever stands in an address or in a call of a callback, the answer is a page or a refusal."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lrwatch_dashboard import ids
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.data import RunStore
from lrwatch_dashboard.security.calls import is_kind
from lrwatch_dashboard.theme import MARKS
from stores import write_run

pytestmark = pytest.mark.slow  # `make test` runs it, `make check` does not

_LOSS = [2.0 / (1 + step / 50) for step in range(300)]
_CALLS = [
    *("run-status", "run-graph", "compare-status", "compare-graph", "sweep-card"),
    *("overview-change", "alerts-token", "alerts-news", "alert-count", "page."),
]
_RUNS = {"runs": "sgd-0,sgd-1", "group": "sgd-0"}

numbers = st.sampled_from(
    [
        *("0", "-1", "1", "150", "150.0000001", "1.0000000000000002", "299", "1e12", "1e15"),
        *("1e308", "-1e308", "5e-324", "1e-9", "nan", "inf", "-0.0", "1e400", "9" * 5000),
        *("10000000", "²", "0x10", "1_0", "off", "", "time", "log", "band", "best", "\0", "<b>"),
    ]
)
texts = numbers | st.text(max_size=20)
words = st.dictionaries(
    st.sampled_from(["x", "y", "from", "to", "last", "sm", "others", "seeds", "loss", "base"])
    | st.sampled_from(["runs", "group", "verdict", "q", "rule"]),
    texts,
    max_size=6,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
many = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("runs")
    for i in range(3):
        values = {"loss": _LOSS, "lr": [0.01 * 3**i] * 300}
        write_run(folder, f"sgd-{i}", steps=range(300), values=values)
    store = RunStore(folder, threaded=False)
    store.refresh()
    app = create_app(store)
    # A callback that raises answers 500, as it does when the server is started for real.
    app.server.config["PROPAGATE_EXCEPTIONS"] = False
    return app.server.test_client()


@many
@given(
    path=st.sampled_from(
        ["/report/run/sgd-0", "/report/compare", "/report/sweep", "/table/compare", "/table/sweep"]
    )
    | st.sampled_from(["/export/sgd-0.csv", "/", "/metrics", "/health", "/login", "/run/sgd-0"]),
    words=words,
)
def test_every_address_is_answered(client: Any, path: str, words: dict[str, str]) -> None:
    answer = client.get(f"{path}?{urlencode(_RUNS | words)}", buffered=True)
    assert answer.status_code < 500, answer.text


@many
@given(
    path=st.sampled_from(["/run/sgd-0", "/compare", "/sweep", "/", "/alerts", "/help"]) | texts,
    words=words,
)
def test_every_page_is_made(client: Any, path: str, words: dict[str, str]) -> None:
    call = _call(client, "page.", {"pathname": path, "search": "?" + urlencode(_RUNS | words)})
    assert client.post("/_dash-update-component", json=call).status_code == 200


@many
@given(output=st.sampled_from(["run-graph", "compare-graph", "sweep-card"]), words=words)
def test_every_view_is_drawn(client: Any, output: str, words: dict[str, str]) -> None:
    call = _call(client, output, {ids.VIEW: words})
    assert client.post("/_dash-update-component", json=call).status_code == 200


@many
@given(output=st.sampled_from(_CALLS), data=st.data())
def test_values_that_no_page_sends_are_refused(client: Any, output: str, data: Any) -> None:
    call = _call(client, output, {})
    part = data.draw(st.sampled_from([*call["inputs"], *call["state"]]))
    part["value"] = data.draw(json_values)
    answer = client.post("/_dash-update-component", json=call)
    assert answer.status_code in (200, 204, 400)
    if answer.status_code != 400:
        assert is_kind(part["id"], part["value"])


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"null", b"[]", b"{}", b'{"output": 5}', b"[" * 100_000),
        *(b'{"output": "page.children"}', b'{"output": "page.children", "inputs": 5}'),
        b'{"output": "page.children", "inputs": [], "outputs": {}}',
    ],
)
def test_what_is_no_call_is_refused(client: Any, body: bytes) -> None:
    answer = client.post("/_dash-update-component", data=body, content_type="application/json")
    assert answer.status_code == 400


def _call(client: Any, output: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return a call of the callback whose outputs begin so, as a page would make it."""
    usual = {ids.RUN_KEY: "sgd-0", ids.COMPARE_RUNS: ["sgd-0", "sgd-1"], ids.THEME: "light"}
    usual |= {ids.VIEW: {}, ids.ALERTS_WORDS: {}, ids.ALERTS_SAYING: {}} | values
    found = next(c for c in _callbacks(client) if c["output"].lstrip(".").startswith(output))
    parts = {
        kind: [
            part | {"value": usual.get(part["property"], usual.get(part["id"], ""))}
            for part in found[kind]
        ]
        for kind in ("inputs", "state")
    }
    outputs: list[Any] = []
    for id_, _, name in (o.rpartition(".") for o in found["output"].strip(".").split("...")):
        marks = [{"id": {"type": ids.MARK_COUNT, "mark": m}, "property": name} for m in MARKS]
        outputs.append(marks if id_.startswith("{") else {"id": id_, "property": name})
    several = found["output"].startswith("..")
    return {"output": found["output"], "outputs": outputs if several else outputs[0], **parts}


@functools.cache
def _callbacks(client: Any) -> Any:
    return client.get("/_dash-dependencies").get_json()
