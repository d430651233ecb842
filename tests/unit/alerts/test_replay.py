from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sources import ROOT

from lrwatch.alerts.explaining import replay
from lrwatch.alerts.rules import RULES
from lrwatch.store import RunReader

SAMPLES = ROOT / "sample_runs"
VERDICTS = {
    name: sample["verdict"]
    for name, sample in json.loads((SAMPLES / "manifest.json").read_text()).items()
}
GOOD = sorted(n for n, v in VERDICTS.items() if v in ("ok", "converged", "spike"))


def told(name: str, **changes: object) -> list[tuple[str, str]]:
    reader = RunReader(SAMPLES / name)
    rules = [replace(rule, **changes) for rule in RULES]  # type: ignore[arg-type]
    return [(one.rule, one.state) for one in replay(reader.info, reader.read_new(), rules)]


@pytest.mark.parametrize("name", GOOD)
def test_nobody_is_told_anything_of_a_good_sample_run(name: str) -> None:
    assert told(name) == []


def test_a_run_that_diverges_is_told_once() -> None:
    assert told("chars-momentum-cosine-1") == [("diverging", "firing")]


def test_what_is_only_shown_is_not_told() -> None:
    assert told("chars-momentum-cosine-1", severity="info") == []
