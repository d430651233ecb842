"""The rule file and the Grafana dashboard of the documentation speak of metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from alert_boards import NOW, a_board, a_line
from dashboard_views import FakeAlerts, FakeSource, an_overview, run_row
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.metrics import StoreCollector
from sources import ROOT

FOLDER = ROOT / "docs" / "prometheus"
RULES = FOLDER / "lrwatch-rules.yml"
GRAFANA = FOLDER / "lrwatch-grafana.json"
NAME = re.compile(r"\blrwatch_[a-z_]+")
LABELS = re.compile(r"(lrwatch_[a-z_]+)\{([^}]*)\}")


@pytest.fixture(scope="module")
def source() -> FakeSource:
    source = FakeSource(an_overview(run_row("a", updated_at=NOW)))
    source.alerts = FakeAlerts(a_board(a_line()))
    return source


@pytest.fixture(scope="module")
def metrics(source: FakeSource) -> dict[str, set[str]]:
    """Return the labels of each metric that is exposed."""
    found: dict[str, set[str]] = {}
    for family in StoreCollector(source, clock=lambda: NOW).collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: pip install pyyaml")
    content = yaml.safe_load(RULES.read_text("utf-8"))
    return [rule for group in content["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def panels() -> list[dict[str, Any]]:
    content: dict[str, Any] = json.loads(GRAFANA.read_text("utf-8"))
    return list(content["panels"])


def _expressions(panels: list[dict[str, Any]]) -> Iterator[str]:
    return (target["expr"] for panel in panels for target in panel["targets"])


def _promtool() -> str:
    path = shutil.which("promtool")
    if path is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    return path


def test_every_rule_waits_says_how_much_it_matters_and_what_to_do(
    rules: list[dict[str, Any]],
) -> None:
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert rule["annotations"].keys() == {"summary", "description"}, rule["alert"]
        assert "for" in rule or "[1h]" in rule["expr"], rule["alert"]
    assert len({rule["alert"] for rule in rules}) == len(rules)


def test_rules_and_panels_name_metrics_and_labels_that_there_are(
    rules: list[dict[str, Any]], panels: list[dict[str, Any]], metrics: dict[str, set[str]]
) -> None:
    expressions = [*(rule["expr"] for rule in rules), *_expressions(panels)]
    named = {name for expression in expressions for name in NAME.findall(expression)}
    assert named
    assert named <= metrics.keys()
    for expression in expressions:
        for name, matchers in LABELS.findall(expression):
            labels = set(re.findall(r"(\w+)=", matchers)) - {"job", "instance"}
            assert labels <= metrics[name], expression


def test_every_metric_but_the_version_is_on_the_dashboard(
    panels: list[dict[str, Any]], metrics: dict[str, set[str]]
) -> None:
    drawn = set(NAME.findall(" ".join(_expressions(panels))))
    assert metrics.keys() - drawn <= {"lrwatch_build_info", "lrwatch_watcher_runs"}


def test_panels_do_not_overlap_and_can_be_told_apart(panels: list[dict[str, Any]]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert (
        len({panel["id"] for panel in panels}) == len({p["title"] for p in panels}) == len(panels)
    )


def test_the_dashboard_names_no_server_of_ours(panels: list[dict[str, Any]]) -> None:
    assert "http" not in GRAFANA.read_text("utf-8")
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}


def test_promtool_takes_the_rules() -> None:
    checked = subprocess.run(
        [_promtool(), "check", "rules", str(RULES)], check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_promtool_finds_nothing_to_better_in_the_metrics(source: FakeSource) -> None:
    text = create_app(source).server.test_client().get("/metrics").text
    checked = subprocess.run(
        [_promtool(), "check", "metrics"], check=False, capture_output=True, text=True, input=text
    )
    assert (checked.returncode, checked.stderr) == (0, "")
