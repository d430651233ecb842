from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from alert_boards import NOW, a_board, a_line, a_silence, an_unsent_line
from attacks import ATTACKS
from dash import html
from dashboard_views import text_of
from lrwatch_dashboard.alert_views import (
    AlertBoard,
    HistoryLine,
    Matcher,
    ReceiverHealth,
    RuleTally,
)
from lrwatch_dashboard.components.alert_list import alert_list
from lrwatch_dashboard.components.alert_parts import (
    health_line,
    history_card,
    receiver_card,
    silence_card,
    tally_card,
)
from lrwatch_dashboard.components.common_parts import moment
from lrwatch_dashboard.components.silence_dialog import LENGTHS, silence_dialog
from plotly.utils import PlotlyJSONEncoder


def _json(part: Any) -> str:
    return json.dumps(part, cls=PlotlyJSONEncoder)


def _found(part: Any, kind: type[Any]) -> list[Any]:
    if isinstance(part, kind):
        return [part]
    children = getattr(part, "children", part)
    if not isinstance(children, (list, tuple)):
        children = [] if children is part or children is None else [children]
    return [found for child in children for found in _found(child, kind)]


def _attributes(part: Any, name: str) -> list[str]:
    buttons = _found(part, html.Button)
    return [getattr(button, name) for button in buttons if hasattr(button, name)]


def test_an_alert_says_what_where_how_bad_since_when_and_who_was_told() -> None:
    text = text_of(alert_list([a_line(time=NOW, told_at=NOW + 10)]))
    for part in (
        "diverging",
        "sgd-3.0",
        "Loss rose from 2.3 to 40",
        "Try a learning rate of 0.3",
        "urgent",
        "since step 40",
        "sent",
    ):
        assert part in text


def test_an_alert_on_files_that_cannot_be_read_names_no_step() -> None:
    text = text_of(alert_list([a_line(time=NOW, since_step=-1)]))
    assert "noticed" in text
    assert "since step" not in text


def test_its_run_opens_zoomed_to_the_steps_and_some_around_them() -> None:
    (link,) = _found(alert_list([a_line(interval=(100, 200))]), html.A)
    assert link.href == "/run/sgd-3.0?from=50&to=250"
    (link,) = _found(alert_list([a_line(interval=(0, 0))]), html.A)
    assert link.href == "/run/sgd-3.0?from=0&to=20"
    (link,) = _found(alert_list([a_line(interval=None)]), html.A)
    assert link.href == "/run/sgd-3.0"


def test_a_run_that_is_gone_has_no_link() -> None:
    assert not _found(alert_list([a_line(run_key="")]), html.A)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"told_at": None}, "not sent yet"),
        ({"told_at": None, "state": "resolved"}, "never sent"),
        ({"quiet": "silenced", "quiet_note": "rebooted"}, ", silenced: rebooted"),
        ({"quiet": "acknowledged", "quiet_note": "Anna"}, ", Anna is on it"),
        ({"quiet": "inhibited", "told_at": None}, "covered by another alert on this run"),
        ({"quiet": "info", "severity": "info", "told_at": None}, "shown here only"),
    ],
)
def test_why_nobody_is_told_is_said(changes: dict[str, Any], said: str) -> None:
    assert said in text_of(alert_list([a_line(**changes)]))


def test_what_nobody_can_be_told_of_is_not_called_untold() -> None:
    text = text_of(alert_list([an_unsent_line()]))
    assert "sent" not in text


def test_an_alert_that_is_over_can_be_left_alone() -> None:
    for state, word in (("resolved", "recovered"), ("closed", "run ended")):
        part = alert_list([a_line(state=state)])
        assert word in text_of(part)
        assert not _found(part, html.Button)


def test_buttons_say_which_alert_they_mean() -> None:
    part = alert_list([a_line("sweep/[a]")])
    assert _attributes(part, "data-ack") == ["0123456789abcdef"]
    assert _attributes(part, "data-episode") == ["1"]
    assert _attributes(part, "data-silence") == ["sweep/[[]a]"]  # a pattern that means it alone
    assert _attributes(part, "aria-label") == ["Acknowledge sweep/[a]", "Silence sweep/[a]"]


def test_what_was_said_already_is_not_offered_again() -> None:
    taken_on = alert_list([a_line(quiet="acknowledged", quiet_note="Anna")])
    silenced = alert_list([a_line(quiet="silenced", quiet_note="r")])
    unsent = alert_list([an_unsent_line()])
    texts = [
        [text_of(b) for b in _found(part, html.Button)] for part in (taken_on, silenced, unsent)
    ]
    assert texts == [["Silence"], ["Acknowledge"], ["Silence"]]


def test_many_alerts_of_one_kind_are_folded_and_none_is_lost() -> None:
    lines = [a_line(f"run-{i}") for i in range(12)] + [a_line("other", rule="too_low")]
    part = alert_list(lines)
    (folded,) = _found(part, html.Details)
    assert text_of(folded).startswith("9 more of this kind diverging run-3")
    assert "run-2" not in text_of(folded)
    assert all(f"run-{i}" in text_of(part) for i in range(12))
    assert "other" not in text_of(folded)


@pytest.mark.slow
def test_more_alerts_than_anybody_reads_are_counted() -> None:
    assert "and 300 more" in text_of(alert_list([a_line(f"run-{i}") for i in range(500)]))


def test_a_moment_is_said_from_now_and_exactly() -> None:
    past, ahead = moment(NOW - 250, NOW), moment(NOW + 7200, NOW)
    assert (text_of(past), text_of(ahead)) == ("4 min ago", "in 2 h")
    assert past.dateTime == "2023-11-14T22:19:10+00:00"
    assert getattr(past, "data-at") == str(NOW - 250)


@pytest.mark.parametrize("at", [-5.0, 1e300, float("inf"), float("nan")])
def test_a_moment_of_no_calendar_is_shown_all_the_same(at: float) -> None:
    assert text_of(moment(at, NOW))


def test_the_health_line_says_who_follows() -> None:
    line = text_of(health_line(a_board(), NOW))
    assert line == "Watched by lrwatch alert on gpu-7, pid 4711: 14 runs, last check 2 s ago"


def test_a_clock_that_is_ahead_does_not_put_a_look_into_the_future() -> None:
    watcher = a_board().watcher
    assert watcher is not None
    ahead = a_board(watcher=dataclasses.replace(watcher, looked_at=NOW + 30))
    assert text_of(health_line(ahead, NOW)).endswith("last check 1 s ago")


def test_the_health_line_says_how_to_start_who_is_missing() -> None:
    nobody = text_of(health_line(AlertBoard(folder="my runs"), NOW))
    assert nobody.startswith("No watcher is running, so no alerts are sent")
    assert "lrwatch alert 'my runs' --to URL" in nobody
    watcher = a_board().watcher
    assert watcher is not None
    watcher = dataclasses.replace(watcher, looked_at=NOW - 9000)
    gone = text_of(health_line(a_board(watcher=watcher, is_followed=False), NOW))
    assert "The watcher has stopped" in gone
    assert "last check 2.5 h ago" in gone


def test_receivers_silences_rules_and_history_are_tables_of_what_is_known() -> None:
    board = a_board()
    receivers = text_of(receiver_card(board.receivers))
    assert "pager webhook 429 4 3 0 2 none yet" in receivers
    silences = text_of(silence_card(board.silences))
    assert "every alert on sgd-*" in silences
    assert "rebooted, by Ben" in silences
    assert "too high 3 1 2" in text_of(tally_card(board.tallies))
    assert _found(tally_card(board.tallies), html.A)[0].href == "/alerts?rule=too_high"
    assert "sent pager · sgd-3.0 is diverging" in text_of(history_card(board.history))


def test_a_silence_says_group_and_that_it_ends_when_it_gets_worse() -> None:
    matcher = Matcher("*", "job", "too_high")
    silence = a_silence(matcher=matcher, reason="r", by="", until_worse=True)
    text = text_of(silence_card([silence]))
    assert "too high on every run of job" in text
    assert "r; until it gets worse" in text


def test_the_form_offers_every_rule_and_ends_only() -> None:
    text = _json(silence_dialog(("diverging", "too_high")))
    assert all(length in text for length in LENGTHS)
    assert "too high" in text
    assert max(LENGTHS.values()) == 7 * 24 * 3600


def test_hostile_text_stays_text() -> None:
    for attack in ATTACKS:
        line = a_line(attack, reason=attack, advice=attack, quiet="silenced", quiet_note=attack)
        parts = [
            alert_list([line]),
            receiver_card([ReceiverHealth(attack, attack, problem=attack)]),
            silence_card([a_silence(attack, attack, reason=attack, by=attack)]),
            history_card([HistoryLine(NOW, attack, attack)]),
            tally_card({attack: RuleTally(1, 1, 1)}),
        ]
        links = [link.href for part in parts for link in _found(part, html.A)]
        assert all(link.startswith(("/run/", "/alerts?rule=")) for link in links)
        assert "dangerously_allow_html" not in _json(parts)
