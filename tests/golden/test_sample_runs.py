"""The sample runs keep the verdicts that sweeps over the learning rate gave them."""

from __future__ import annotations

import functools
import io
import json
from contextlib import redirect_stdout
from typing import Any

import pytest
from sources import ROOT

from lrwatch.cli import main
from lrwatch.store import read_run_info

FOLDER = ROOT / "sample_runs"
MANIFEST: dict[str, dict[str, Any]] = json.loads((FOLDER / "manifest.json").read_text())
SHOWN = {"diverging", "oscillating", "too_low", "stalled", "converged", "spike", "ok"}


@functools.cache
def checked() -> dict[str, dict[str, Any]]:
    """Return what ``lrwatch check sample_runs --json`` says, by run."""
    out = io.StringIO()
    with redirect_stdout(out):
        main(["check", str(FOLDER), "--json"])
    return {run["run"]: run for run in json.loads(out.getvalue())}


def test_the_manifest_lists_the_runs_that_are_there() -> None:
    assert checked().keys() == MANIFEST.keys()


@pytest.mark.parametrize("name", MANIFEST)
def test_a_run_gets_the_verdict_that_it_should(name: str) -> None:
    found = checked()[name]
    assert found["verdict"] == MANIFEST[name]["verdict"], found["reason"]


def test_every_kind_of_verdict_is_shown() -> None:
    assert len(MANIFEST) >= 12
    assert {run["verdict"] for run in MANIFEST.values()} >= SHOWN


def test_all_runs_together_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 3_000_000


@pytest.mark.parametrize("name", MANIFEST)
def test_a_run_was_made_as_the_manifest_says(name: str) -> None:
    info = read_run_info(FOLDER / name)
    made = MANIFEST[name]["made"]
    assert info.total_steps == made["n_steps"]
    assert {key: info.config[key] for key in made if key != "bad_batch_at"} == {
        key: value for key, value in made.items() if key != "bad_batch_at"
    }


@pytest.mark.parametrize("name", MANIFEST)
def test_a_run_names_no_machine_and_no_answer(name: str) -> None:
    text = (FOLDER / name / "run.json").read_text()
    assert not [word for word in ("/home", "/root", "/tmp", "host") if word in text]
    assert not any(verdict in name for verdict in SHOWN)
    assert sorted(path.name for path in (FOLDER / name).iterdir()) == ["run.json", "steps"]
