from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_runs import EDGE, descent

from lrwatch.alerts import Alert, Rule, RunAlerts
from lrwatch.alerts.telling import inhibited
from lrwatch.alerts.wording import headline, sentences
from lrwatch.records import RunInfo

pytestmark = pytest.mark.slow

INFO = RunInfo(id="20a1", name="sgd-3", group="sweep")


def states(alerts: list[Alert]) -> list[tuple[str, str]]:
    return [(alert.rule, alert.state) for alert in alerts]


def recovering_run() -> dict[str, np.ndarray]:
    """A run whose rate is far too high from step 300 on, for a while."""
    lr = np.full(6000, EDGE / 4)
    lr[300:380] = 1.1 * EDGE
    return descent(lr, n_steps=6000)


def test_a_run_that_diverges_fires_once_and_is_closed_with_its_end() -> None:
    alerts = RunAlerts(INFO)
    told = alerts.update(descent(1.5 * EDGE, n_steps=400)) + alerts.end()
    assert states(told)[0] == ("diverging", "pending")
    assert [alert.state for alert in told].count("firing") == 1
    assert told[-1].state == "closed"
    fired = next(alert for alert in told if alert.state == "firing")
    assert (fired.run, fired.run_id, fired.group, fired.episode) == ("sgd-3", "20a1", "sweep", 1)
    assert fired.severity == "page"
    assert fired.lr == pytest.approx(1.5 * EDGE)
    assert fired.suggested_lr is not None
    assert fired.suggested_lr < fired.lr
    assert any(sign.isdigit() for sign in fired.reason)


def test_a_run_that_is_well_says_nothing() -> None:
    alerts = RunAlerts(INFO)
    told = alerts.update(descent(EDGE / 3, n_steps=2000)) + alerts.end()
    assert "firing" not in [alert.state for alert in told]


def test_a_run_that_recovers_is_resolved() -> None:
    told = RunAlerts(INFO).update(recovering_run())
    seen = [alert.state for alert in told if alert.rule == "diverging"]
    assert seen[:4] == ["pending", "firing", "recovering", "resolved"]


def test_rules_decide_what_is_alerted() -> None:
    rule = Rule("mine", "info", frozenset({"diverging"}), for_steps=100)
    told = RunAlerts(INFO, [rule]).update(descent(1.5 * EDGE, n_steps=400))
    pending, fired = told
    assert (pending.rule, fired.severity) == ("mine", "info")
    assert fired.step >= pending.step + 100


@pytest.mark.parametrize("size", [1, 7, 64])
def test_blocks_of_any_size_give_the_same_alerts(size: int) -> None:
    run = recovering_run() if size > 1 else descent(1.5 * EDGE, n_steps=300)
    whole, parts = RunAlerts(INFO), RunAlerts(INFO)
    expected = whole.update(run) + whole.end()
    told: list[Alert] = []
    for at in range(0, len(run["step"]), size):
        told += parts.update({name: column[at : at + size] for name, column in run.items()})
    assert told + parts.end() == expected
    assert expected


def test_a_run_followed_anew_gives_the_same_identities() -> None:
    run = descent(1.5 * EDGE, n_steps=300)
    before, after = RunAlerts(INFO), RunAlerts(RunInfo(id="20a1", name="renamed"))
    told = [[(a.id, a.episode) for a in alerts.update(run)] for alerts in (before, after)]
    assert told[0] == told[1]


def test_steps_that_a_resumed_run_makes_again_do_not_confuse_it() -> None:
    run = descent(1.5 * EDGE, n_steps=300)
    twice = {name: np.concatenate([column, column[100:]]) for name, column in run.items()}
    whole = RunAlerts(INFO)
    assert [alert.state for alert in whole.update(twice)].count("firing") == 1


def resumed_run() -> dict[str, np.ndarray]:
    """Steps 0 to 59, not finite from 40 on; then 30 to 89, not finite from 60 on."""
    step = np.concatenate([np.arange(60), np.arange(30, 90)])
    loss = 2.0 / (1 + step)
    loss[40:60] = loss[90:] = np.nan
    return {"step": step, "loss": loss, "lr": np.full(len(step), 0.1)}


@pytest.mark.parametrize("size", [1, 7, 120])
def test_a_divergence_after_a_resume_from_before_the_first_one_is_another_episode(
    size: int,
) -> None:
    run, alerts = resumed_run(), RunAlerts(INFO)
    told: list[Alert] = []
    for at in range(0, len(run["step"]), size):
        told += alerts.update({name: column[at : at + size] for name, column in run.items()})
    fired = [(a.episode, a.since_step) for a in told if a.state == "firing"]
    assert fired == [(1, 40), (2, 60)]


def test_a_run_that_diverges_is_not_also_called_too_high() -> None:
    fired = [alert for alert in RunAlerts(INFO).update(descent(1.5 * EDGE)) if alert.episode]
    diverging = next(alert for alert in fired if alert.rule == "diverging")
    other = _as_rule(diverging, "too_high")
    elsewhere = _as_rule(diverging, "too_high", run_id="another")
    assert inhibited([diverging, other, elsewhere]) == {other.id: "diverging"}
    assert inhibited([_as_rule(diverging, "diverging", state="resolved"), other]) == {}


def test_words_name_the_run_and_have_numbers() -> None:
    fired = RunAlerts(RunInfo(id="1", name="bad\x1b[31mname")).update(descent(1.5 * EDGE))[-1]
    assert headline(fired) == "bad\\x1b[31mname is diverging"
    assert sentences(fired).startswith("Loss ")
    assert sentences(fired).endswith(".")


def _as_rule(alert: Alert, rule: str, **changes: object) -> Alert:
    return replace(alert, rule=rule, id=f"{rule}-{changes.get('run_id', '')}", **changes)  # type: ignore[arg-type]
