"""Layers that stand out by their gradient, named in the reason and changing no verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import lrwatch
from lrwatch.detect.layer_gradients import LayerGradients
from lrwatch.tables import step_block

N = 120
STEP = np.arange(N)
SAMPLED = (STEP < 20) | (STEP % 5 == 0)


def table(layers: dict[str, Any], grad_norm: Any = 1.0, loss: Any = None) -> dict[str, Any]:
    """Make a run whose layers are measured on some steps, as the recorder does it."""
    sampled = {
        f"layer_grad_norm/{name}": np.where(SAMPLED, values, np.nan)
        for name, values in layers.items()
    }
    losses = 1 + np.exp(-STEP / 30) + 0.01 * np.sin(STEP) if loss is None else loss
    common = {"step": STEP, "loss": losses, "lr": np.full(N, 0.1)}
    return {**common, "grad_norm": np.broadcast_to(grad_norm, N), **sampled}


def note(run: dict[str, Any], *, block: int = N) -> str | None:
    """Return what is said of the layers, by rows that come so many at a time; ``None``: nothing."""
    test = LayerGradients()
    for first in range(0, N, block):
        test.add(step_block({name: values[first : first + block] for name, values in run.items()}))
    found = test.evidence(N - 1)
    return found.note if found.fired else None


def after(step: int, before: float, then: float) -> npt.NDArray[np.float64]:
    return np.where(step > STEP, before, then)


CASES = {
    "nothing": (table({"a": 1.0, "b": 2.0}), None),
    "the whole net": (table({k: after(60, 1, 500) for k in "abc"}), None),
    "one": (
        table({"a": 1.0, "b": after(60, 1, 300), "c": 2.0}),
        "the gradient of layer b rose to 300 times that of its first steps",
    ),
    "one alone": (table({"a": after(60, 1, 300)}), None),
    "one wild sample": (table({"a": 1.0, "b": np.where(STEP == N - 5, 1e6, 1.0)}), None),
    "dead": (
        table({"a": 1.0, "b": after(40, 1, 0), "c": after(50, 1, 0)}),
        "the gradient of layers b, c is exactly 0 since step 50",
    ),
    "dead from the start": (
        table({"a": 1.0, "b": 0.0}),
        "the gradient of layer b is exactly 0 since step 0",
    ),
    "all of them dead": (table({"a": after(40, 1, 0), "b": after(40, 1, 0)}), None),
    "0 for a while": (table({"a": 1.0, "b": np.where((STEP > 20) & (STEP < 100), 0, 1)}), None),
    "infinite": (
        table({"a": 1.0, "b": after(80, 1, np.inf)}, after(80, 1, np.inf)),
        "the gradient of layer b is not finite since step 80",
    ),
    "NaN": (
        table({k: after(80, 1, np.nan if k > "a" else 1) for k in "abcde"}, after(80, 1, np.nan)),
        "the gradient of layers b, c, d and 1 more is not finite since step 80",
    ),
    "all of them at once": (
        table({k: after(80, 1, np.nan) for k in "ab"}, after(80, 1, np.nan)),
        None,
    ),
    "frozen in between": (table({"a": 1.0, "b": after(80, 1, np.nan)}), None),
    "unfrozen later": (table({"a": 1.0, "b": after(40, np.nan, 1)}), None),
}


@pytest.mark.parametrize("block", [1, 7, N])
@pytest.mark.parametrize("name", CASES)
def test_a_layer_is_named_if_it_and_not_the_net_is_at_fault(name: str, block: int) -> None:
    run, expected = CASES[name]
    assert note(run, block=block) == expected


def test_without_norms_by_layer_it_cannot_run() -> None:
    found = LayerGradients().evidence(None)
    assert (found.outcome, found.note) == ("not run", "needs gradient norms by layer")


@pytest.mark.parametrize("name", ["one", "dead", "infinite"])
def test_it_is_told_beside_the_verdict_and_changes_nothing_else(name: str) -> None:
    run, expected = CASES[name]
    without = {key: values for key, values in run.items() if "layer" not in key}
    found, plain = lrwatch.diagnose(run), lrwatch.diagnose(without)
    assert found.reason == f"{plain.reason}; {expected}"
    assert (found.verdict, found.confidence, found.suggested_lr, found.advice) == (
        plain.verdict,
        plain.confidence,
        plain.suggested_lr,
        plain.advice,
    )


def test_it_is_told_of_a_run_that_ends_early() -> None:
    run = table({"a": 1.0, "b": after(10, 1, np.inf)}, after(10, 1, np.inf), after(11, 1, np.nan))
    found = lrwatch.diagnose({name: values[:15] for name, values in run.items()})
    assert found.verdict == "diverging"
    assert found.reason.endswith("; the gradient of layer b is not finite since step 10")
