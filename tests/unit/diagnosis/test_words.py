"""What people read: short, true, and without numbers that nobody can read."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
import pytest
from synthetic_runs import EDGE, descent

import lrwatch
from lrwatch.verdicts import Diagnosis

N = 400


@functools.cache
def runs() -> dict[str, dict[str, np.ndarray]]:
    """A run of every kind, some without norms."""
    calm = descent(5e-3, n_steps=2_000)
    cut = descent(np.where(np.arange(600) < 60, 3e-4, 3e-7), n_steps=600, noise=0.02)
    spike = descent(2e-3)
    spike["loss"][300] += 20
    lost = descent(2e-3)
    lost["loss"][200:] = 0.7 * lost["loss"][0]
    lost["update_norm"][200:] = 0.5 * lost["param_norm"][0]
    named = {
        "diverging": descent(1.05 * EDGE),
        "far beyond": descent(3 * EDGE),
        "not finite": descent(50.0),
        "slow": descent(1e-5),
        "flat": calm,
        "cut": cut,
        "spike": spike,
        "lost": lost,
        "lost calmly": lost | {"update_norm": descent(2e-3)["update_norm"]},
        "frozen": descent(0.0, noise=0.0),
        "noise": descent(1e-9),
        "short": descent(1e-3, n_steps=1),
    }
    bare = {f"{name}, no norms": {key: run[key] for key in ("step", "loss", "lr")}
            for name, run in named.items()}  # fmt: skip
    return named | bare


def texts(diagnosis: Diagnosis) -> list[str]:
    return [diagnosis.reason, diagnosis.advice, *(test.note for test in diagnosis.evidence)]


@pytest.mark.slow
@pytest.mark.parametrize("name", runs())
def test_every_text_can_be_read(name: str) -> None:
    diagnosis = lrwatch.diagnose(runs()[name])
    assert len(diagnosis.reason) <= 170
    for text in texts(diagnosis):
        assert not re.search(r"\d{8,}", text), text
        assert not re.search(r"-\d[\d.]*%|by -", text), text
        assert not re.search(r"\b1 (steps|losses)\b|\b0\.0+%", text), text
        assert "nan" not in text.lower().split(), text
        assert not text.endswith("."), text


def test_a_crawl_is_told_by_how_far_the_weights_moved() -> None:
    said = lrwatch.diagnose(runs()["slow"]).reason
    assert re.match(r"The weights moved 0\.\d+ times their own length in 400 steps", said)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lost", "is back at"),
        ("lost calmly", "though the steps are calm"),
        ("cut", "Learning rate fell 1000-fold at step 6"),
        ("frozen", "at every step"),
        ("spike", "Loss rose to 2"),
        ("flat", "Loss is flat at"),
        ("short", "1 step with a loss so far"),
    ],
)
def test_a_reason_says_what_was_seen(name: str, said: str) -> None:
    assert said in lrwatch.diagnose(runs()[name]).reason


@pytest.mark.slow
def test_a_loss_that_was_not_finite_once_is_told_of_a_good_run() -> None:
    run: dict[str, Any] = {key: runs()["flat"][key] for key in ("step", "loss", "lr")}
    run["loss"] = np.exp(-np.arange(2_000) / 100) + 0.5
    run["loss"][900] = np.nan
    diagnosis = lrwatch.diagnose(run)
    assert diagnosis.learning_rate == "ok"
    assert "1 loss was not finite, the last at step 900" in diagnosis.evidence[0].note


def test_no_rate_is_suggested_where_none_would_help() -> None:
    for name in ("cut", "frozen"):
        diagnosis = lrwatch.diagnose(runs()[name])
        assert (diagnosis.verdict, diagnosis.suggested_lr) == ("stalled", None)


@pytest.mark.slow
def test_tests_that_do_not_speak_against_a_run_say_so() -> None:
    speaks = {test.name: test.speaks for test in lrwatch.diagnose(runs()["flat"]).evidence}
    assert speaks["settled"] == speaks["solved"] == "for"
    assert speaks["flat"] == speaks["spike"] == speaks["range_test"] == "neither"
    assert speaks["drawdown"] == speaks["bounce"] == "against"
