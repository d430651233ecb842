"""``lrwatch alert why``: rule by rule, what was sent, and which stage held back the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from alert_samples import diverge

from lrwatch.alerts.silences import Matcher, add_silence
from lrwatch.cli import main

Captured = pytest.CaptureFixture[str]

UNSEEN = "no alert: its condition has not been seen"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    diverge(tmp_path / "runs", status="finished")
    return tmp_path / "runs" / "bad"


def why(run: Path, capsys: Captured, *options: str) -> tuple[dict[str, str], str]:
    capsys.readouterr()
    assert main(["alert", "why", str(run), *options]) == 0
    out, err = capsys.readouterr()
    return dict(line.split(maxsplit=1) for line in out.splitlines()), err


def watch(run: Path, *options: str) -> None:
    assert main(["alert", str(run.parent), "--to", "log:", "--once", *options]) == 0


def test_without_a_watcher_it_says_what_one_would_do(run: Path, capsys: Captured) -> None:
    said, err = why(run, capsys)
    rest = dict.fromkeys(("too_high", "too_low", "no_data", "unreadable"), UNSEEN)
    assert said == {"diverging": "closed: would have been sent", **rest}
    assert "this is what one would do" in err


def test_what_was_sent_is_said_with_its_time(run: Path, capsys: Captured) -> None:
    watch(run)
    said, err = why(run, capsys)
    assert said["diverging"].startswith("closed: sent 2")
    assert said["diverging"].endswith("; nothing to send: this episode was already sent")
    assert err == ""


def test_a_silence_is_named(run: Path, capsys: Captured) -> None:
    silence = add_silence(run.parent, Matcher(rule="diverging"), seconds=60, reason="trying")
    watch(run)
    said, _ = why(run, capsys)
    expected = f"closed: held back by silence: silence {silence.id} covers it"
    assert said["diverging"] == expected


def test_the_rules_are_those_of_a_configuration(
    run: Path, tmp_path: Path, capsys: Captured
) -> None:
    config = tmp_path / "lrwatch.toml"
    config.write_text('[rules.diverging]\nseverity = "info"\n[rules.too_low]\nenabled = false\n')
    said, _ = why(run, capsys, "--config", str(config))
    assert said["diverging"].startswith("closed: held back by severity")
    assert "too_low" not in said


def test_the_state_may_be_kept_elsewhere(run: Path, tmp_path: Path, capsys: Captured) -> None:
    home = tmp_path / "state"
    home.mkdir()
    watch(run, "--state", str(home))
    assert "would have been sent" in why(run, capsys)[0]["diverging"]
    assert "already sent" in why(run, capsys, "--state", str(home))[0]["diverging"]


def test_a_folder_of_runs_is_not_a_run(run: Path, capsys: Captured) -> None:
    assert main(["alert", "why", str(run.parent)]) == 2
    assert "is not a run; `lrwatch ls" in capsys.readouterr().err
