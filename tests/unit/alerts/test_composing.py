from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from alert_samples import START, an_alert

from lrwatch.alerts.composing import message_for
from lrwatch.alerts.grouping import Notification
from lrwatch.alerts.watcher_state import JudgedRun, KnownAlert
from lrwatch.delivery.message import Message


def known(run: str, *, is_told: bool = False, **fields: Any) -> KnownAlert:
    one = KnownAlert(an_alert(run=run, **fields), f"sweep/{run}", "running")
    return replace(one, told_episode=1, times_told=1) if is_told else one


def followed(n: int, **rates: float) -> dict[str, JudgedRun]:
    """`n` runs with a low rate, and those in `rates`."""
    low = {f"sweep/low{i}": JudgedRun(0.0, None, 0.01) for i in range(n)}
    return low | {f"sweep/{run}": JudgedRun(0.0, None, rate) for run, rate in rates.items()}


def message(
    *alerts: KnownAlert,
    status: Any = "firing",
    others: tuple[KnownAlert, ...] = (),
    runs: dict[str, JudgedRun] | None = None,
    dashboard: str = "",
    is_repeat: bool = False,
) -> Message:
    notice = Notification("firing diverging", status, alerts, is_repeat)
    return message_for(
        notice, [*alerts, *others], runs or followed(0), dashboard=dashboard, now=START
    )


def test_one_run_is_told_by_its_name_number_and_advice() -> None:
    said = message(known("sgd-3.0"))
    assert said.title == "sgd-3.0 is diverging"
    assert said.lines == (
        "Loss rose from 2.3 to 40 over steps 40 to 60. Try a learning rate of 0.3.",
    )
    assert (said.severity, said.status, said.created_at) == ("page", "firing", START)


def test_a_sweep_is_one_message_that_says_which_rates() -> None:
    said = message(known("a"), known("b"), runs=followed(62, a=0.3, b=1.0))
    assert said.title == "2 of 64 runs are diverging, all with lr >= 0.3"
    assert [line.partition(":")[0] for line in said.lines] == ["sweep/a", "sweep/b"]
    assert len(said.alerts) == 2


@pytest.mark.parametrize(
    "runs",
    [
        followed(1, a=0.3, b=0.01),
        followed(0, a=0.3, b=1.0),
        followed(1, a=0.3, b=math.nan),
    ],
)
def test_rates_are_left_out_where_they_tell_nothing(runs: dict[str, JudgedRun]) -> None:
    assert "lr" not in message(known("a"), known("b"), runs=runs).title


def test_rates_that_are_too_low_are_on_the_other_side() -> None:
    alerts = [known(run, rule="too_low", verdict="too_low") for run in "ab"]
    said = message(*alerts, runs=followed(3, a=0.001, b=0.003))
    assert said.title.endswith("learning rate too low, all with lr <= 0.003")


def test_a_run_without_a_rate_says_nothing_of_the_others() -> None:
    runs = followed(1, a=0.3, b=1.0) | {"odd": JudgedRun(0.0, None, math.nan)}
    assert message(known("a"), known("b"), runs=runs).title.endswith("all with lr >= 0.3")


def test_runs_are_counted_within_their_job() -> None:
    runs = followed(60) | {f"sweep/{run}": JudgedRun(0.0, "job", 1.0) for run in "abc"}
    said = message(known("a", group="job"), known("b", group="job"), runs=runs)
    assert said.title == "2 of 3 runs are diverging"


def test_further_runs_are_told_from_those_that_were_told() -> None:
    runs = followed(5, a=1.0, b=1.0, c=1.0)
    said = message(known("b"), known("c"), others=(known("a", is_told=True),), runs=runs)
    assert said.title == "2 more runs are diverging, now 3 of 8"


def test_what_is_said_again_says_so() -> None:
    assert message(known("a", is_told=True), is_repeat=True).title == "Still: a is diverging"


def test_that_it_is_over_is_said_of_one_and_of_many() -> None:
    over = [known(run, is_told=True, state="resolved") for run in "ab"]
    assert message(over[0], status="resolved").title == "a has recovered; it was diverging"
    assert message(*over, status="resolved").title == "2 runs have recovered (diverging)"


def test_of_very_many_runs_ten_are_spoken_of() -> None:
    names = [f"r{i:02}" for i in range(64)]
    said = message(*map(known, names), runs=followed(6, **dict.fromkeys(names, 1.0)))
    assert said.title.startswith("64 of 70 runs")
    assert len(said.lines) == 11
    assert said.lines[-1] == "and 54 more"
    assert len(said.alerts) == 64


def test_the_id_is_the_same_whenever_the_same_is_said() -> None:
    a, b = known("a"), known("b")
    assert message(a, b).id == message(b, a).id
    again = replace(a, alert=replace(a.alert, reason="longer by now", step=99))
    assert message(a).id == message(again).id
    assert message(a).id.startswith("msg_")


def test_the_id_is_another_one_for_something_else() -> None:
    ids = {
        message(known("a")).id,
        message(known("b")).id,
        message(known("a", episode=2)).id,
        message(known("a", is_told=True), is_repeat=True).id,
        message(known("a", is_told=True, state="resolved"), status="resolved").id,
    }
    assert len(ids) == 5


def test_the_id_is_another_one_for_an_episode_whose_predecessor_is_forgotten() -> None:
    once = known("a", rule="no_data", since_step=40)
    again = replace(once, alert=replace(once.alert, time=START + 86400))
    assert message(once).id != message(again).id
    assert message(known("a")).id != message(known("a", since_step=50)).id


def test_a_job_may_have_a_name_that_is_not_utf8() -> None:
    one = known("a", group="job-\udcfc")
    notice = Notification("firing diverging job-\udcfc", "firing", (one,))
    assert message_for(notice, [one], {}, dashboard="", now=START).id.startswith("msg_")


@pytest.mark.parametrize(
    ("alerts", "link"),
    [
        ((known("a b"),), "http://host/run/sweep/a%20b?from=40&to=60"),
        ((known("a", interval=None),), "http://host/run/sweep/a"),
        ((known("\udcfc"),), "http://host/run/sweep/%FC?from=40&to=60"),
        ((known("a"), known("b")), "http://host/alerts"),
    ],
)
def test_links_lead_to_the_run_or_to_the_alerts(alerts: tuple[KnownAlert, ...], link: str) -> None:
    assert message(*alerts, dashboard="http://host/").link == link
    assert message(*alerts).link == ""


def test_a_hostile_name_cannot_break_a_line() -> None:
    said = message(known("a\x1b[2J\n", reason="x\ny"), known("b"))
    assert all(line.isprintable() for line in [said.title, *said.lines])
