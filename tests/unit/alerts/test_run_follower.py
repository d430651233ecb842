"""What is told of a run's rows, and how often."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from alert_samples import an_alert
from scripted_alerts import script_alerts

from lrwatch.alerts import RULES
from lrwatch.alerts.run_follower import RunFollower
from lrwatch.records import FLOAT_COLUMNS, RunInfo
from lrwatch.store.creation import create_run
from lrwatch.store.writer import Row, RunWriter

Script = Callable[..., None]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    return functools.partial(script_alerts, monkeypatch)


@pytest.fixture
def writer(tmp_path: Path) -> RunWriter:
    return create_run(tmp_path, RunInfo(id="20a1", name="sgd-3"), FLOAT_COLUMNS)


def write(writer: RunWriter, n_rows: int) -> None:
    for step in range(writer.n_rows, writer.n_rows + n_rows):
        writer.append(Row(0, step, 1_700_000_000_000_000 + step, [1.0, step / 10, *[1.0] * 4]))


def everything(follower: RunFollower) -> list[tuple[str, str, int]]:
    told = list(follower.look())
    while follower.is_behind:
        told += follower.look()
    return [(alert.rule, alert.state, alert.episode) for alert in told]


def test_an_alert_is_told_when_it_fires_and_when_it_is_resolved(
    script: Script, writer: RunWriter
) -> None:
    script(
        an_alert(state="pending", step=10, episode=0),
        an_alert(state="firing", step=11),
        an_alert(state="recovering", step=20),
        an_alert(state="resolved", step=30),
    )
    write(writer, 100)
    told = everything(RunFollower(writer.folder, rules=RULES))
    assert told == [("diverging", "firing", 1), ("diverging", "resolved", 1)]


def test_each_episode_is_told_once(script: Script, writer: RunWriter) -> None:
    script(
        an_alert(state="firing", step=11),
        an_alert(state="recovering", step=20),
        an_alert(state="firing", step=30),
        an_alert(state="resolved", step=40),
        an_alert(state="firing", step=50, episode=2),
    )
    write(writer, 100)
    told = everything(RunFollower(writer.folder, rules=RULES))
    assert told == [
        ("diverging", "firing", 1),
        ("diverging", "resolved", 1),
        ("diverging", "firing", 2),
    ]


def test_what_is_told_does_not_depend_on_how_often_one_looks(
    script: Script, writer: RunWriter
) -> None:
    script(
        an_alert(state="firing", step=11),
        an_alert(state="resolved", step=5000),
        an_alert(state="firing", step=5001, episode=2),
    )
    often, told = RunFollower(writer.folder, rules=RULES), []
    for _ in range(10):
        write(writer, 700)
        told += everything(often)
    assert told == everything(RunFollower(writer.folder, rules=RULES))
    assert len(told) == 3


def test_one_look_judges_a_bounded_number_of_rows(script: Script, writer: RunWriter) -> None:
    script(an_alert(state="firing", step=9000))
    write(writer, 10_000)
    follower = RunFollower(writer.folder, rules=RULES)
    assert list(follower.look()) == []
    assert follower.is_behind
    assert everything(follower) == [("diverging", "firing", 1)]
    assert follower.peak_lr == 999.9


def test_rows_of_an_earlier_process_are_judged_and_not_told(
    script: Script, writer: RunWriter
) -> None:
    script(
        an_alert(state="firing", step=11),
        an_alert(state="resolved", step=120),
        an_alert(state="firing", step=150, episode=2),
    )
    write(writer, 100)
    follower = RunFollower(writer.folder, rules=RULES, first_row=writer.n_rows)
    write(writer, 100)
    assert everything(follower) == [("diverging", "resolved", 1), ("diverging", "firing", 2)]


def test_an_alert_that_says_less_is_told_once_the_other_one_is_over(
    script: Script, writer: RunWriter
) -> None:
    script(
        an_alert(state="firing", step=11),
        an_alert(state="firing", step=12, rule="too_high"),
        an_alert(state="resolved", step=50),
    )
    write(writer, 40)
    follower = RunFollower(writer.folder, rules=RULES)
    assert everything(follower) == [("diverging", "firing", 1)]
    write(writer, 40)
    assert everything(follower) == [("diverging", "resolved", 1), ("too_high", "firing", 1)]
