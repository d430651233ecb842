from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import lrwatch_dashboard
from dashboard_views import text_of
from lrwatch_dashboard.components.page_shell import KEYS
from lrwatch_dashboard.components.verdicts import SAMPLES
from lrwatch_dashboard.pages import help as help_page
from lrwatch_dashboard.theme import MARK_LABELS, STATES, VERDICTS
from sources import ROOT

from lrwatch.records import RunState


def test_every_verdict_is_explained_in_two_sentences() -> None:
    said = text_of(help_page.layout())
    for shown in VERDICTS.values():
        assert f"{shown.word} {shown.meaning}. {shown.sign}." in said
        assert shown.sign
        assert not (shown.meaning + shown.sign).endswith(".")


def test_every_state_of_a_run_is_explained() -> None:
    said = text_of(help_page.layout())
    assert all(f"{state} {STATES[state]}" in said for state in {*get_args(RunState)} - {"gone"})


def test_every_mark_is_named_and_every_key_listed() -> None:
    said = text_of(help_page.layout())
    assert all(label.capitalize() in said for label in MARK_LABELS.values())
    assert all(meaning in said for _, meaning in KEYS)


def test_verdicts_that_a_sample_run_shows_have_its_picture_and_the_files_are_there() -> None:
    pictures = {
        part.style["maskImage"]
        for part in help_page.layout()._traverse()
        if "sample" in (getattr(part, "className", None) or "").split()
    }
    assert pictures == {f"url(/assets/samples/{verdict}.svg)" for verdict in SAMPLES}
    folder = Path(lrwatch_dashboard.__file__).parent / "assets" / "samples"
    assert {file.stem for file in folder.iterdir()} == set(SAMPLES)


def test_the_sample_runs_have_the_verdicts_that_they_are_shown_for() -> None:
    labels = json.loads((ROOT / "sample_runs" / "manifest.json").read_text("utf-8"))
    assert {verdict: labels[run]["verdict"] for verdict, run in SAMPLES.items()} == {
        verdict: verdict for verdict in SAMPLES
    }
