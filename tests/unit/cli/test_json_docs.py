"""docs/json.md and docs/command-line.md say what ``--json`` prints: each key, of its type."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from alert_samples import diverge
from sources import ROOT

from lrwatch.cli import main
from lrwatch.cli.agent_tools import AgentTools

pytestmark = pytest.mark.slow

Captured = pytest.CaptureFixture[str]
Keys = dict[str, str]

TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "null": (type(None),),
    "list": (list,),
    "object": (dict,),
}


def table_after(words: str, page: str) -> Keys:
    """Return the keys of the first table after some words, with the type of each."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").split(words, 1)[1]
    rows = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)[0].splitlines()[2:]
    found: Keys = {}
    for row in rows:
        names, kind, *_ = (cell.strip() for cell in row.strip("|").split("|"))
        keys, kinds = re.findall(r"`(\w+)`", names), kind.split(", ")
        found |= dict(zip(keys, kinds * len(keys) if len(kinds) == 1 else kinds, strict=False))
    return found


def documented_types(found: dict[str, Any], keys: Keys) -> None:
    assert found.keys() == keys.keys()
    for name, value in found.items():
        allowed = tuple(t for word in keys[name].split(" or ") for t in TYPES[word])
        assert isinstance(value, allowed), (name, value)
        assert not isinstance(value, bool)


def printed(capsys: Captured, *arguments: str) -> list[dict[str, Any]]:
    assert main(list(arguments)) in (0, 1, 2)
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert found
    return found


def test_suggest(store: Path, capsys: Captured) -> None:
    keys = table_after("## lrwatch suggest", "json.md")
    for folder in (store, ROOT / "sample_runs"):
        for found in printed(capsys, "suggest", str(folder), "--json"):
            documented_types(found, keys)


def test_alert_list(tmp_path: Path, capsys: Captured) -> None:
    diverge(tmp_path / "runs", status="finished")
    assert main(["alert", str(tmp_path / "runs"), "--to", "log:", "--once"]) == 0
    capsys.readouterr()
    keys = table_after("## lrwatch alert list", "json.md")
    for found in printed(capsys, "alert", "list", str(tmp_path / "runs"), "--json"):
        documented_types(found, keys)


def test_what_compare_answers_to_an_agent(store: Path) -> None:
    found = AgentTools(store).compare()
    documented_types(found, table_after("What `compare` answers", "json.md"))
    (damaged,) = found["unreadable"]
    assert damaged == "damaged"
    compared = AgentTools(ROOT / "sample_runs").compare()
    text = (ROOT / "docs/json.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for sweep in compared["sweeps"] for name in sweep)


@pytest.mark.parametrize("command", ["check", "ls"])
def test_check_and_ls(command: str, store: Path, capsys: Captured) -> None:
    keys = set(table_after("`check --json` prints", "command-line.md"))
    if command == "ls":
        listed = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
        both = re.findall(r"`(\w+)`", listed.split("`ls --json` prints")[1].split("|", 1)[0])
        keys = set(both) | set(table_after("`ls --json` prints", "command-line.md"))
    for found in printed(capsys, command, str(store), "--json"):
        assert set(found) == keys


def test_an_agent_gets_what_the_commands_print(store: Path, capsys: Captured) -> None:
    tools = AgentTools(store)
    assert tools.list_runs() == printed(capsys, "ls", str(store), "--json")
    judged = {each["run"]: each for each in printed(capsys, "check", str(store), "--json")}
    assert tools.diagnose("blown up") == judged["blown up"]
    assert tools.suggest() == printed(capsys, "suggest", str(store), "--json")
