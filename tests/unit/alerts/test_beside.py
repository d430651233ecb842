"""What siblings say of a run becomes an alert at the second look that agrees."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from lrwatch.alerts.rules import RULES
from lrwatch.alerts.run_alerts import Beside
from lrwatch.verdicts import Diagnosis

HIGH: Final = next(rule for rule in RULES if rule.name == "too_high")
LOW: Final = next(rule for rule in RULES if rule.name == "too_low")

SAID: Final = Diagnosis(
    "oscillating", "too_high", 0.95, None, None, "behind", [], "", 0.01, n_steps=100
)
FINE: Final = replace(SAID, verdict="ok", learning_rate="ok")


def after(*looks: Diagnosis, is_final: bool = False) -> Beside:
    beside = Beside()
    for found in looks:
        beside.see(found, is_final=is_final)
    return beside


def test_nothing_before_the_first_look() -> None:
    assert Beside().flags(HIGH) is None


def test_it_takes_two_looks_that_agree_on_new_rows() -> None:
    assert after(SAID).flags(HIGH) is None
    assert after(SAID, SAID, SAID).flags(HIGH) is None
    assert after(SAID, replace(SAID, n_steps=109)).flags(HIGH) is None
    assert after(SAID, replace(SAID, n_steps=111)).flags(HIGH) is True


def test_a_look_that_disagrees_begins_anew() -> None:
    looks = SAID, replace(FINE, n_steps=120), replace(SAID, n_steps=140)
    assert after(*looks).flags(HIGH) is None


def test_the_last_word_on_a_run_that_has_ended_is_enough() -> None:
    assert after(SAID, is_final=True).flags(HIGH) is True


def test_taking_back_needs_one_look() -> None:
    assert after(FINE).flags(HIGH) is after(FINE).flags(LOW) is False
    assert after(SAID).flags(LOW) is False


@pytest.mark.parametrize(
    "found",
    [
        replace(SAID, confidence=0.92),
        replace(SAID, n_steps=59),
        replace(SAID, verdict="insufficient_data", learning_rate="unknown", confidence=0.0),
    ],
)
def test_what_is_not_sure_says_nothing(found: Diagnosis) -> None:
    assert after(found, is_final=True).flags(HIGH) is None
