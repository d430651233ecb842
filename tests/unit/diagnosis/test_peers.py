"""What other detectors say of runs is put beside ours: `benchmarks/accuracy` asks them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.accuracy import by_verdict, log_linters, peers
from lrwatch.verdicts import CLASSES


def judged(*rows: tuple[str, str, str, list[str]]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["label_class", "verdict", "said", "fired"])
    return found.assign(kind="grid")


def test_how_often_a_verdict_is_right() -> None:
    whole = judged(
        ("too_high", "diverging", "too_high", ["drawdown"]),
        ("ok", "diverging", "too_high", ["drawdown", "spike"]),
        ("ok", "ok", "ok", []),
        ("borderline", "ok", "ok", []),
    )
    bare = judged(("too_low", "insufficient_data", "unknown", []))
    lines = by_verdict.lines([(whole, bare), (bare, None)])
    assert "| `diverging` | 2 | 50% | 0 | - |" in lines
    assert "| `ok` | 1 | 100% | 0 | - |" in lines
    assert "| `insufficient_data` | 0 | - | 2 | - |" in lines
    assert "| `drawdown` | 2 | 50% | 50% | 0% |" in lines
    assert sum(line.startswith("| `") for line in lines) == len(CLASSES) + 2


def test_a_log_is_read_again_as_it_grows() -> None:
    read: list[int] = []

    def ask(loss: np.ndarray) -> str:
        read.append(len(loss))
        return "diverging" if loss.max() > 1 else "ok"

    loss = np.zeros(200)
    loss[95] = 2.0
    assert log_linters._again(ask, loss) == ("diverging", 99)
    assert read == [*range(10, 101, 10), 200]


def test_linters_that_are_not_installed_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pd.DataFrame({"run_id": ["a"], "step": [0], "loss": [1.0]}).to_parquet(
        tmp_path / "steps.parquet"
    )
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert list(log_linters.figures(tmp_path)) == []


def test_what_a_detector_said_becomes_figures(tmp_path: Path) -> None:
    runs = {
        "run_id": ["a", "b", "c"],
        "kind": ["grid"] * 3,
        "label_class": ["too_high", "ok", "too_low"],
        "label": ["diverging", "ok", "too_low"],
        "scenario": ["", "", ""],
        "onset_step": [-1, -1, -1],
    }
    pd.DataFrame(runs).to_parquet(tmp_path / "runs.parquet")
    said = pd.DataFrame(
        {
            "run_id": ["a", "b", "c"],
            "verdict": ["diverging", "ok", "ok"],
            "first_alarm_step": [5, None, None],
        }
    )
    found = peers._judged(tmp_path, "a rule", said)
    assert found["detector"] == "a rule"
    assert found["macro-F1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert found["alarmed"] == 0
