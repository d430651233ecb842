from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from alert_samples import an_alert

from lrwatch.alerts.silences import (
    LONGEST_SILENCE,
    Matcher,
    acknowledge,
    acknowledgements,
    add_silence,
    end_silence,
    expired_silences,
    silences,
)
from lrwatch.errors import InvalidArgument
from lrwatch.plain_files import alerts_folder

ID = "0123456789abcdef"


def test_a_silence_is_read_as_it_was_made(tmp_path: Path) -> None:
    matcher = Matcher(run="sgd-*", rule="too_low")
    made = add_silence(
        tmp_path, matcher, seconds=60, reason=" debugging ", by="ann", until_worse=True
    )
    assert silences(tmp_path) == [made]
    assert (made.reason, made.by, made.until_worse) == ("debugging", "ann", True)


def test_the_silence_that_ends_first_comes_first(tmp_path: Path) -> None:
    late = add_silence(tmp_path, Matcher(), seconds=600, reason="b")
    soon = add_silence(tmp_path, Matcher(), seconds=60, reason="a")
    assert silences(tmp_path) == [soon, late]


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        (60, "  "),
        (0, "why"),
        (-1, "why"),
        (float("nan"), "why"),
        (float("inf"), "why"),
        (LONGEST_SILENCE + 1, "why"),
    ],
)
def test_a_silence_needs_a_reason_and_an_end(tmp_path: Path, seconds: float, reason: str) -> None:
    with pytest.raises(InvalidArgument):
        add_silence(tmp_path, Matcher(), seconds=seconds, reason=reason)


@pytest.mark.parametrize(
    ("matcher", "is_meant"),
    [
        (Matcher(), True),
        (Matcher(run="sgd-*"), True),
        (Matcher(run="sweep/*"), True),
        (Matcher(run="adam-*"), False),
        (Matcher(group="job-?"), True),
        (Matcher(group="other"), False),
        (Matcher(rule="diverging"), True),
        (Matcher(rule="too_*"), False),
        (Matcher(run="sgd-*", rule="too_low"), False),
    ],
)
def test_a_matcher_looks_at_run_group_and_rule(matcher: Matcher, *, is_meant: bool) -> None:
    alert = an_alert(run="sgd-3.0", group="job-1", rule="diverging")
    assert matcher.matches(alert, "sweep/sgd-3.0") is is_meant


def test_a_run_without_a_group_is_in_all_groups_alone() -> None:
    alone = an_alert(group=None)
    assert Matcher().matches(alone, "run")
    assert not Matcher(group="job-1").matches(alone, "run")


def test_a_silence_ends_by_itself_and_can_be_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = add_silence(tmp_path, Matcher(), seconds=60, reason="a")
    long = add_silence(tmp_path, Matcher(), seconds=6000, reason="b")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 100)
    assert silences(tmp_path) == [long]
    assert expired_silences(tmp_path) == [short]
    end_silence(tmp_path, long.id)
    end_silence(tmp_path, long.id)
    assert silences(tmp_path) == []


@pytest.mark.parametrize("given", ["../../etc/passwd", "", "0123456789ABCDEF", ID + "\n", ID + "0"])
def test_only_ids_become_file_names(tmp_path: Path, given: str) -> None:
    with pytest.raises(InvalidArgument, match="16 hexadecimal digits"):
        end_silence(tmp_path, given)
    with pytest.raises(InvalidArgument, match="16 hexadecimal digits"):
        acknowledge(tmp_path, given, 1, by="ann")


def test_an_acknowledgement_is_of_one_episode(tmp_path: Path) -> None:
    said = acknowledge(tmp_path, ID, 2, by="ann", note="restarting it")
    assert acknowledgements(tmp_path) == {(ID, 2): said}


def test_files_that_are_damaged_or_half_written_are_left_out(tmp_path: Path) -> None:
    made = add_silence(tmp_path, Matcher(), seconds=60, reason="a")
    said = acknowledge(tmp_path, ID, 1, by="ann")
    whole = json.loads((alerts_folder(tmp_path) / "silences" / f"{made.id}.json").read_text())
    for folder in ("silences", "acks"):
        path = alerts_folder(tmp_path) / folder
        (path / "cut.json").write_text('{"id": "01')
        (path / "list.json").write_text("[]")
        (path / "else.json").write_text('{"alert": {}, "episode": "x", "matcher": 3}')
        (path / ".x.json.1.tmp").write_text(json.dumps(whole))
        stranger = {**whole, "id": "../x", "alert": "../x", "episode": 1, "by": "", "at": 0}
        (path / "stranger.json").write_text(json.dumps(stranger))
        (path / "binary.json").write_bytes(b"\xff\xfe\x00")
    assert silences(tmp_path) == [made]
    assert acknowledgements(tmp_path) == {(ID, 1): said}


def test_a_store_without_any_says_nothing(tmp_path: Path) -> None:
    assert silences(tmp_path) == []
    assert acknowledgements(tmp_path) == {}


def silenced(store: Path, name: str, **fields: object) -> None:
    """Write a silence by hand; text is written as it is."""
    content = {"id": ID, "matcher": {}, "reason": "x", "created_at": 1.0, "ends_at": 5.0}
    path = alerts_folder(store) / "silences" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**content, **fields}))


@pytest.mark.parametrize(
    ("created_at", "ends_at"),
    [
        (1.0, float("inf")),
        (float("inf"), float("inf")),
        (float("nan"), 5.0),
        (1.0, 10**400),
        (1e300, 1e300),
        (1.0, LONGEST_SILENCE + 10),
    ],
)
def test_a_silence_without_an_end_silences_nothing(
    tmp_path: Path, created_at: float, ends_at: float
) -> None:
    silenced(tmp_path, f"{ID}.json", created_at=created_at, ends_at=ends_at)
    assert silences(tmp_path) == expired_silences(tmp_path) == []


def test_a_silence_may_last_as_long_as_is_allowed(tmp_path: Path) -> None:
    made = add_silence(tmp_path, Matcher(), seconds=LONGEST_SILENCE, reason="holiday")
    assert silences(tmp_path) == [made]


def test_a_silence_is_found_under_its_own_name_alone(tmp_path: Path) -> None:
    silenced(tmp_path, f"{ID} copy.json")
    assert expired_silences(tmp_path) == []
    silenced(tmp_path, f"{ID}.json")
    assert [silence.id for silence in expired_silences(tmp_path)] == [ID]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", '{"alert": "0123456789abcdef", "episode": 1, "by": "x", "at": 1}'),
        (f"{ID}-1.json", f'{{"alert": "{ID}", "episode": 1e999, "by": "x", "at": 1}}'),
        (f"{ID}-1.json", f'{{"alert": "{ID}", "episode": 1, "by": "x", "at": 1e999}}'),
        (f"{ID}-1.json", "[" * 200_000),
    ],
)
def test_an_acknowledgement_that_nobody_wrote_so_is_left_out(
    tmp_path: Path, name: str, content: str
) -> None:
    folder = alerts_folder(tmp_path) / "acks"
    folder.mkdir(parents=True)
    (folder / name).write_text(content)
    assert acknowledgements(tmp_path) == {}


def test_a_pipe_among_the_silences_makes_nobody_wait(tmp_path: Path) -> None:
    made = add_silence(tmp_path, Matcher(), seconds=60, reason="a")
    os.mkfifo(alerts_folder(tmp_path) / "silences" / "x.json")
    assert silences(tmp_path) == [made]
