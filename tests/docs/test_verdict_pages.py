"""docs/verdicts.md and docs/detectors.md say what the code says, of each verdict and test."""

from __future__ import annotations

import re
from functools import cache

import pandas as pd
import pytest
from lrwatch_dashboard.components.verdicts import SAMPLES
from lrwatch_dashboard.theme import VERDICTS
from sources import ROOT

import lrwatch
from lrwatch.verdicts import CLASSES, Verdict

VERDICT_PAGE = (ROOT / "docs/verdicts.md").read_text(encoding="utf-8")
TEST_PAGE = (ROOT / "docs/detectors.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", VERDICT_PAGE, re.MULTILINE | re.DOTALL))

# What stands for all tests while there are too few rows for any.
NO_TEST = {"learning_rate"}


@cache
def codes() -> frozenset[str]:
    """Return the codes of all tests, as diagnoses of long, short and compared runs have them."""
    run = ROOT / "sample_runs" / "digits-sgd-constant-0.1"
    short = pd.DataFrame({"loss": [1.0 / (i + 1) for i in range(12)]})
    told = [lrwatch.diagnose(run), lrwatch.diagnose(short)]
    told += lrwatch.diagnose_sweep(ROOT / "sample_runs").values()
    return frozenset(test.name for said in told for test in said.evidence) - NO_TEST


def first_cells(text: str) -> set[str]:
    """Return the codes in the first column of a table."""
    cells = re.findall(r"^\| (`[^|]*?) \|", text, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", " ".join(cells)))


@pytest.mark.slow
def test_each_test_has_its_row_and_each_row_its_test() -> None:
    table = TEST_PAGE.split("\n## Tests\n")[1].split("\n## ")[0]
    assert first_cells(table) == codes()


def test_each_verdict_has_its_section() -> None:
    assert {name for name in SECTIONS if name in CLASSES} == set(CLASSES)


@pytest.mark.parametrize("verdict", CLASSES)
def test_a_verdict_is_described_as_the_dashboard_does(verdict: Verdict) -> None:
    section, look = SECTIONS[verdict], VERDICTS[verdict]
    assert look.meaning in section
    assert look.sign in section
    rate = CLASSES[verdict].replace("_", " ")
    assert f"| [`{verdict}`](#{verdict}) | {rate} | {look.meaning} |" in VERDICT_PAGE
    assert (f"samples/{verdict}.svg" in section) == (verdict in SAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("verdict", CLASSES)
def test_what_finds_a_verdict_is_a_test(verdict: str) -> None:
    found_by = SECTIONS[verdict].split("**Found by.**")[1].split("* **Mistaken.**")[0]
    named = set(re.findall(r"`(\w+)`", found_by))
    assert named
    assert not named - codes()


@pytest.mark.slow
def test_how_often_they_are_right_has_its_place() -> None:
    """`make accuracy` fills it: a table of all verdicts, and one of tests."""
    from benchmarks.accuracy import by_verdict

    tables = VERDICT_PAGE.split(by_verdict.BEGIN)[1].split(by_verdict.END)[0]
    verdicts, _, tests = tables.partition("| test |")
    assert first_cells(verdicts) in (set(), set(CLASSES))
    assert first_cells(tests) <= codes() | NO_TEST
