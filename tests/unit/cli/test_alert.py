"""``lrwatch alert``: its commands, what they print, and their exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alert_samples import diverge
from receivers import HttpReceiver, answer, free_port
from stores import write_run

from lrwatch.alerts.silences import silences
from lrwatch.alerts.watcher_state import read_state
from lrwatch.cli import main
from lrwatch.plain_files import alerts_folder

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    diverge(folder, status="finished")
    write_run(folder, "fine", steps=range(30), values={"loss": [1 / (1 + i) for i in range(30)]})
    return folder


def test_one_post_with_what_matters_and_no_second_one(runs: Path, capsys: Captured) -> None:
    with HttpReceiver() as receiver:
        for _ in range(2):
            assert main(["alert", str(runs), "--to", receiver.url, "--once"]) == 0
        (post,) = receiver.posts
    said = post.json["data"]
    assert said["title"] == "bad has ended; it was diverging"
    assert "step 40" in said["lines"][0]
    assert "Try" in said["lines"][0]
    assert said["alerts"][0]["verdict"] == "diverging"
    assert capsys.readouterr().out == "firing: bad has ended; it was diverging\n"


def test_good_runs_are_not_spoken_of(tmp_path: Path, capsys: Captured) -> None:
    write_run(tmp_path, "fine")
    with HttpReceiver() as receiver:
        assert main(["alert", str(tmp_path), "--to", receiver.url, "--once"]) == 0
        assert receiver.posts == []
    assert capsys.readouterr().out == ""


def test_somebody_who_cannot_be_told_is_1(runs: Path, capsys: Captured) -> None:
    """With a receiver that refuses for good, that is said once."""
    with HttpReceiver(answer(410)) as receiver:
        assert main(["alert", str(runs), "--to", receiver.url, "--once"]) == 1
        assert "lrwatch: not delivered: http://127.0.0.1" in capsys.readouterr().err
        assert main(["alert", str(runs), "--to", receiver.url, "--once"]) == 0


def test_a_dry_run_prints_and_writes_nothing(runs: Path, capsys: Captured) -> None:
    assert main(["alert", str(runs), "--once", "--dry-run"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "bad has ended; it was diverging"
    assert second.startswith("    Loss is not finite from step 40 on")
    assert not alerts_folder(runs).exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--once"], "there are no receivers: give --to URL"),
        (["--to", "nonsense"], "an address must begin with its scheme"),
        (["--to", "log:", "--config", "none.toml"], "none.toml: cannot be read"),
        (["--to", "log:", "--nonsense"], "no such option"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_2(
    runs: Path, capsys: Captured, arguments: list[str], said: str
) -> None:
    assert main(["alert", str(runs), *arguments]) == 2
    assert said.lower() in capsys.readouterr().err.lower()


def test_a_folder_that_is_not_there_is_2(tmp_path: Path, capsys: Captured) -> None:
    assert main(["alert", str(tmp_path / "none"), "--to", "log:", "--once"]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_a_mistake_in_the_configuration_is_named_by_its_key(
    runs: Path, tmp_path: Path, capsys: Captured
) -> None:
    config = tmp_path / "lrwatch.toml"
    config.write_text("[rules.diverging]\nfor_stepz = 3\n")
    assert main(["alert", str(runs), "--config", str(config), "--once"]) == 2
    assert "rules.diverging: it has unknown field for_stepz" in capsys.readouterr().err


def test_a_test_reaches_its_receivers(capsys: Captured) -> None:
    with HttpReceiver() as receiver:
        assert main(["alert", "test", "--to", receiver.url]) == 0
        (post,) = receiver.posts
    assert post.json["type"] == "lrwatch.alert.test"
    assert "received it" in capsys.readouterr().out


def test_a_test_says_who_cannot_be_told(capsys: Captured) -> None:
    url = f"http://127.0.0.1:{free_port()}/s3cr3t"
    assert main(["alert", "test", "--to", url]) == 1
    said = capsys.readouterr()
    assert "127.0.0.1" in said.out
    assert "s3cr3t" not in said.out + said.err


def test_a_test_needs_somebody(capsys: Captured) -> None:
    assert main(["alert", "test"]) == 2


def test_replay_shows_what_would_have_been_told(runs: Path, capsys: Captured) -> None:
    assert main(["alert", "replay", str(runs / "bad")]) == 0
    assert capsys.readouterr().out.startswith("step 40: bad is diverging\n    Loss is not finite")


def test_replay_of_a_good_run_says_that_it_is_one(runs: Path, capsys: Captured) -> None:
    assert main(["alert", "replay", str(runs / "fine")]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "no alert would have been sent\n")


def test_replay_tries_the_rules_of_a_configuration(
    runs: Path, tmp_path: Path, capsys: Captured
) -> None:
    config = tmp_path / "lrwatch.toml"
    config.write_text('[rules.diverging]\nseverity = "info"\n')
    assert main(["alert", "replay", str(runs / "bad"), "--config", str(config)]) == 0
    assert capsys.readouterr().out == ""


def test_alerts_are_listed_acknowledged_and_silenced(runs: Path, capsys: Captured) -> None:
    store = str(runs)
    assert main(["alert", "list", store]) == 0
    assert "no watcher has run on" in capsys.readouterr().err
    main(["alert", store, "--to", "log:", "--once"])
    capsys.readouterr()
    assert main(["alert", "list", store]) == 0
    alert_id, state, severity = capsys.readouterr().out.split()[:3]
    assert (state, severity) == ("closed", "page")
    assert main(["alert", "ack", store, alert_id, "--note", "on it"]) == 0
    silenced = ["--run", "b*", "--for", "2h", "--reason", "trying"]
    assert main(["alert", "silence", store, *silenced]) == 0
    (added,) = silences(runs)
    assert added.matcher.run == "b*"
    said = capsys.readouterr().out
    assert said.startswith(f"{added.id}  silence  run b* until ")
    assert said.endswith(": trying\n")
    assert main(["alert", "list", store]) == 0
    assert said in capsys.readouterr().out
    main(["alert", store, "--to", "log:", "--once"])
    state_now = read_state(runs)
    assert state_now is not None
    assert state_now.alerts[0].acknowledged_by is not None


def test_the_list_can_be_had_as_json(runs: Path, capsys: Captured) -> None:
    main(["alert", str(runs), "--to", "log:", "--once"])
    capsys.readouterr()
    assert main(["alert", "list", str(runs), "--json"]) == 0
    (alert,) = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (alert["rule"], alert["run_key"]) == ("diverging", "bad")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ack", "RUNS", "0123456789abcdef"], "there is no alert"),
        (["silence", "RUNS", "--for", "soon", "--reason", "x"], "expected 30m, 2h or 1d"),
        (["silence", "RUNS", "--for", "90d", "--reason", "x"], "30 days from now"),
        (["silence", "RUNS", "--for", "1h", "--reason", " "], "needs a reason"),
    ],
)
def test_what_people_say_is_checked(
    runs: Path, capsys: Captured, arguments: list[str], said: str
) -> None:
    given = [str(runs) if word == "RUNS" else word for word in arguments]
    assert main(["alert", *given]) == 2
    assert said in capsys.readouterr().err
