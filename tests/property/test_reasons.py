"""A loss that a reason quotes is one that occurred, or lies between such."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lrwatch
from lrwatch.detect.opening import Opening
from lrwatch.verdicts import Alarm, Diagnosis

pytestmark = pytest.mark.slow  # `make test` runs it, `make check` does not

NO_LOSS = re.compile(r"[\d.,]+ steps?|step [\d,]+|[\d.]+%|[\d.]+(-fold| times)")
SHARE_LOST = re.compile(r"fell to (\S+) and is back at (\S+): (all|[\d.]+%) of")
NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e[+-]?\d+)?")


def noisy_run(seed: int) -> dict[str, np.ndarray]:
    """A loss that falls, strays by noise of some kind, and may be lost for a while or for good."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(60, 6_000))
    step = np.arange(n)
    loss = 1 + rng.uniform(0.05, 2) * np.exp(-step / rng.uniform(5, n))
    share = 10 ** rng.uniform(-2, -0.3)
    noise = rng.standard_normal(n)
    if seed % 3 == 0:
        noise = np.convolve(rng.standard_normal(n + 39), np.ones(40) / 40**0.5, "valid")
    loss = np.maximum(loss * (1 + share * noise), 0.01)
    if seed % 2:
        start = int(rng.integers(20, n))
        end = n if seed % 4 == 1 else start + int(rng.integers(4, 200))
        loss[start:end] += 10 ** rng.uniform(-1, 1)
    return {"step": step, "loss": loss, "lr": np.full(n, 0.1)}


def quoted(found: Alarm | Diagnosis) -> list[float]:
    rest = NO_LOSS.sub("", found.reason)
    return [float(number.replace(",", "")) for number in NUMBER.findall(rest)]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_every_loss_in_a_reason_lies_between_the_least_and_the_largest(seed: int) -> None:
    run = noisy_run(seed)
    monitor = lrwatch.Monitor()
    found: list[lrwatch.Alarm | lrwatch.Diagnosis] = [*monitor.update(run), monitor.diagnosis()]
    least, largest = run["loss"].min(), run["loss"].max()
    for one in found:
        if one.verdict in ("diverging", "oscillating"):
            assert quoted(one), one.reason
            for loss in quoted(one):
                assert least * 0.995 <= loss <= largest * 1.005, one.reason


@pytest.mark.parametrize("seed", [132, 153, 217, 385])
def test_the_share_that_is_lost_follows_from_the_losses_beside_it(seed: int) -> None:
    """In noise that is half as large as the decrease, too."""
    run = noisy_run(seed)
    monitor = lrwatch.Monitor()
    start = Opening(losses=run["loss"][:5].tolist()).quoted
    told_live: list[lrwatch.Alarm | lrwatch.Diagnosis] = [*monitor.update(run)]
    said = [SHARE_LOST.search(one.reason) for one in [*told_live, monitor.diagnosis()]]
    shares = [found.groups() for found in said if found]
    assert shares
    for best, now, share in shares:
        lost = (float(now) - float(best)) / (start - float(best))
        told = 100.0 if share == "all" else float(share.removesuffix("%"))
        assert told == pytest.approx(100 * min(lost, 1), abs=3)
