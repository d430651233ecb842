"""Runs of one job judged together: `diagnose_sweep`."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stores import write_run
from trials import a_trial

import lrwatch
from lrwatch.comparing import find_sweeps, sibling_verdicts, with_siblings
from lrwatch.comparing.sibling_verdicts import judged_run, judged_together
from lrwatch.comparing.standing import Siblings
from lrwatch.following import RunSummary
from lrwatch.verdicts import CLASSES, Diagnosis, Evidence

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[3] / "sample_runs"


def table(lr: float | None, end: float, *, n: int = 400, seed: int = 0) -> dict[str, Any]:
    """A loss that falls from ln 10 to a floor, with the noise of batches."""
    noise = np.random.default_rng(seed).standard_normal(n)
    start = math.log(10)
    loss = end + (start - end) * np.exp(-np.arange(n) * 12 / n) + 0.02 * noise
    rate = np.full(n, math.nan if lr is None else lr)
    return {"step": np.arange(n), "loss": loss, "lr": rate}


def siblings(found: Diagnosis) -> Evidence:
    (test,) = [test for test in found.evidence if test.name == "siblings"]
    return test


def test_a_plateau_above_what_a_lower_rate_reached_is_too_high() -> None:
    runs = {"high": table(0.1, 1.6), "good": table(0.01, 0.4), "low": table(1e-4, 2.0)}
    alone = lrwatch.diagnose(runs["high"])
    assert alone.learning_rate != "too_high"
    found = lrwatch.diagnose_sweep(runs)
    assert {name: one.learning_rate for name, one in found.items()} == {
        "high": "too_high", "good": "ok", "low": "too_low"
    }  # fmt: skip
    high = found["high"]
    assert high.verdict == "oscillating"
    assert high.reason == (
        "Loss ends at 1.6 where good is at 0.397 after as many steps, with a rate of 0.01"
    )
    test = siblings(high)
    assert test.fired
    assert test.speaks == "against"
    assert test.value == pytest.approx((1.6 - 0.4) / (math.log(10) - 0.4), abs=0.02)
    assert (test.threshold, test.interval) == (0.15, (0, 399))
    assert "good is 1.2 lower, 63 % of its progress, at a lower rate of 0.01" in test.note
    assert high.suggested_lr is not None
    assert 1e-3 < high.suggested_lr < 0.1


def test_losses_that_lie_apart_by_little_are_written_apart() -> None:
    """As of a job whose loss is mostly noise of its data."""
    step, fall = np.arange(400), np.exp(-np.arange(400) / 30)
    runs = {
        name: {"step": step, "loss": 577 + 0.4 * fall + end, "lr": np.full(400, lr)}
        for name, end, lr in (("high", 0.3, 0.1), ("good", 0.0, 0.01))
    }
    said = lrwatch.diagnose_sweep(runs)["high"].reason
    assert "Loss ends at 577.3 where good is at 577 after as many steps" in said


def test_the_best_rate_that_was_tried_is_named_as_it_was_tried() -> None:
    lr = 0.009762168992846614
    runs = {"low": table(1e-4, 2.2), "near": table(3e-3, 0.42), "good": table(lr, 0.4)}
    assert lrwatch.diagnose_sweep(runs)["low"].advice == (
        "Take a peak learning rate of 0.00976, the best that was tried, instead of 0.0001"
    )


def test_a_sibling_is_called_what_people_call_it() -> None:
    runs = {"a": table(0.1, 1.6), "b": table(0.01, 0.4), "c": table(1e-4, 2.0)}
    found = [judged_run(key, run) for key, run in runs.items()]
    own = {trial.key: verdict for trial, verdict in found}
    for names, called in ((["x", "The good one", ""], "The good one"), (["x", "x", ""], "b")):
        named = [replace(trial, name=n) for (trial, _), n in zip(found, names, strict=True)]
        high = judged_together(named, own)["a"]
        assert f"where {called} is at 0.397" in high.reason
        assert siblings(high).note.startswith(f"{called} is 1.2 lower")
        early = replace(named[0], state="failed", summary=RunSummary(), total_steps=400)
        (sweep,) = find_sweeps([early, *named[1:]])
        assert f"(not compared: {'x' if called != 'b' else 'a'} failed" in sweep.reason


def test_a_log_in_another_order_is_read_as_by_diagnose() -> None:
    runs = {"high": table(0.1, 1.6), "good": table(0.01, 0.4)}
    newest_first = {
        name: {column: values[::-1] for column, values in run.items()} for name, run in runs.items()
    }
    assert lrwatch.diagnose_sweep(newest_first) == lrwatch.diagnose_sweep(runs)


def test_a_net_that_died_is_diverging() -> None:
    found = lrwatch.diagnose_sweep({"dead": table(10.0, 2.29), "good": table(0.1, 0.4)})
    assert (found["dead"].verdict, found["good"].learning_rate) == ("diverging", "ok")


def test_a_running_run_is_compared_with_what_the_others_were_at_then(tmp_path: Path) -> None:
    good = table(0.01, 0.4)
    young = {name: column[:40] for name, column in table(0.003, 0.4).items()}
    found = lrwatch.diagnose_sweep({"young": young, "good": good})["young"]
    assert found.learning_rate in ("ok", "unknown")
    assert siblings(found).interval == (0, 39)


def test_seeds_may_repeat_and_two_runs_suffice() -> None:
    runs = {f"{lr}-{seed}": table(lr, end, seed=seed) for lr, end in ((0.1, 0.4), (10.0, 2.2))
            for seed in range(3)}  # fmt: skip
    found = lrwatch.diagnose_sweep(runs)
    assert {name: one.learning_rate for name, one in found.items()} == {
        **{f"0.1-{seed}": "ok" for seed in range(3)},
        **{f"10.0-{seed}": "too_high" for seed in range(3)},
    }


def test_a_run_alone_is_judged_alone() -> None:
    run = table(0.1, 0.4)
    found = lrwatch.diagnose_sweep({"only": run})["only"]
    alone = lrwatch.diagnose(run)
    assert (found.verdict, found.reason, found.confidence) == (
        alone.verdict, alone.reason, alone.confidence
    )  # fmt: skip
    assert siblings(found).outcome == "not run"


def test_runs_without_a_rate_are_judged_alone() -> None:
    runs = {"a": table(None, 1.8), "b": table(0.1, 0.4), "c": table(1.0, 1.5)}
    found = lrwatch.diagnose_sweep(runs)
    assert found["a"].verdict == lrwatch.diagnose(runs["a"]).verdict
    assert siblings(found["a"]).outcome == "not run"
    assert found["c"].learning_rate == "too_high"


def test_what_was_seen_stands_and_the_next_rate_is_one_that_held() -> None:
    broken = table(10.0, 2.2)
    broken["loss"][50:] = math.nan
    found = lrwatch.diagnose_sweep({"broken": broken, "good": table(0.1, 0.4)})["broken"]
    alone = lrwatch.diagnose(broken)
    assert (found.verdict, found.reason) == (alone.verdict, alone.reason)
    assert found.suggested_lr is not None
    assert found.suggested_lr < 0.2


def test_runs_whose_loss_is_no_objective_by_one_of_them_are_not_compared() -> None:
    ends = {0.01: 1.0, 0.1: 0.1}
    found = [judged_run(f"{lr}", table(lr, end)) for lr, end in ends.items()]
    trials = [trial for trial, _ in found]
    own = {trial.key: diagnosis for trial, diagnosis in found}
    assert judged_together(trials, own)["0.01"].learning_rate == "too_low"
    game = Evidence("no_objective", 2.0, 1.0, fired=True)
    own["0.1"] = replace(own["0.1"], learning_rate="unknown", evidence=[game])
    together = judged_together(trials, own)
    for key, said in together.items():
        *before, last = said.evidence
        assert replace(said, evidence=before) == own[key]
        assert (last.name, last.fired) == ("siblings", False)
        assert "no objective" in last.note
    own["0.1"] = replace(own["0.1"], learning_rate="ok")
    assert judged_together(trials, own)["0.01"].learning_rate == "too_low"


def test_no_rate_that_was_found_worse_is_suggested_again() -> None:
    runs = {"a": table(0.1, 1.6), "b": table(0.03, 1.9), "c": table(0.3, 1.0), "d": table(1.0, 0.9)}
    for found in lrwatch.diagnose_sweep(runs).values():
        if found.suggested_lr is not None:
            assert found.suggested_lr > 0.3


def test_verdict_and_class_agree() -> None:
    ends = (2.3, 2.0, 1.2, 0.5, 0.4, 0.6, 1.1, 2.2, 2.4)
    runs = {f"{i}": table(10.0 ** (i / 2 - 5), end) for i, end in enumerate(ends)}
    for found in lrwatch.diagnose_sweep(runs).values():
        assert found.learning_rate == CLASSES[found.verdict]
        assert 0 <= found.confidence <= 1


def test_a_folder_and_paths_are_read(tmp_path: Path) -> None:
    for name, lr, end in (("high", 0.1, 1.6), ("good", 0.01, 0.4)):
        values = {key: column.tolist() for key, column in table(lr, end).items() if key != "step"}
        write_run(tmp_path, name, steps=range(400), values=values)
    by_folder = lrwatch.diagnose_sweep(tmp_path)
    by_paths = lrwatch.diagnose_sweep({name: tmp_path / name for name in ("high", "good")})
    assert by_folder == by_paths
    assert by_folder["high"].learning_rate == "too_high"


def test_a_path_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(lrwatch.LrwatchError, match="nothing"):
        lrwatch.diagnose_sweep({"a": tmp_path / "nothing"})


def test_in_a_store_only_runs_of_one_job_are_siblings() -> None:
    """What sets two jobs apart for `find_sweeps` sets them apart here."""
    job = {"optimizer": "SGD", "parameters": 100, "batch_size": 8}
    base = a_trial("a", 0.1, 2.0, settings=job)
    own = {key: lrwatch.diagnose(table(0.1, 0.4)) for key in ("a", "b")}
    others = {
        "same job": a_trial("b", 0.01, 0.4, settings=job),
        "optimizer": a_trial("b", 0.01, 0.4, settings={**job, "optimizer": "Adam"}),
        "parameters": a_trial("b", 0.01, 0.4, settings={**job, "parameters": 101}),
        "batch size": a_trial("b", 0.01, 0.4, settings={**job, "batch_size": 16}),
        "level": a_trial("b", 0.01, 0.4, first_loss=9.0, settings=job),
        "length": a_trial("b", 0.01, 0.4, n_steps=3000, settings=job),
        "range test": a_trial("b", 0.01, 0.4, settings=job, is_range_test=True),
    }
    said = {
        what: with_siblings([base, other], own)["a"].learning_rate for what, other in others.items()
    }
    assert said == {what: "too_high" if what == "same job" else "ok" for what in others}


@pytest.mark.parametrize("state", ["running", "silent", "failed", "interrupted"])
def test_one_that_ended_early_is_compared_as_far_as_it_went(state: Any) -> None:
    long = np.concatenate([np.linspace(4, 1, 300), np.full(700, 1.0)]).tolist()
    young = a_trial("young", 0.1, np.linspace(4, 3.6, 200).tolist(), state=state)
    old = a_trial("old", 0.3, long)
    own = {key: lrwatch.diagnose(table(0.1, 0.4)) for key in ("young", "old")}
    found = with_siblings([young, old], own)
    assert siblings(found["young"]).interval == (0, 199)
    assert "step 199" in siblings(found["young"]).note
    # And the one that went on is not praised for steps that the other never made.
    assert siblings(found["old"]).interval == (0, 199)
    assert "comes nearest, 3.61 beside" in siblings(found["old"]).note


@pytest.mark.parametrize(
    ("done", "odds", "said"),
    [(1.0, 0.51, "too_high"), (0.1, 0.75, "unknown"),
     (0.1, 0.78, "too_high"), (0.5, 0.64, "unknown"), (0.5, 0.66, "too_high")],
)  # fmt: skip
def test_at_the_beginning_more_is_needed(
    done: float, odds: float, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"too_high": odds, "ok": 1 - odds, "too_low": 0.0}
    monkeypatch.setattr(sibling_verdicts, "probability", lambda *_: given)
    standing = Siblings([a_trial("a", 0.1, 2.0), a_trial("b", 0.01, 1.0)]).standing(
        a_trial("a", 0.1, 2.0)
    )
    own = lrwatch.diagnose(table(0.1, 0.4))
    found = sibling_verdicts._class(replace(standing, done=done), own)
    assert found[0] == said


def test_the_demos_higher_rate_is_named_by_the_one_below(tmp_path: Path) -> None:
    """What `lrwatch demo` trains: 2.18 at a rate of 0.1 beside 1.61 at 0.03, both ok alone."""
    ends = {1e-4: 2.95, 1e-3: 2.2, 1e-2: 1.66, 3e-2: 1.61, 1e-1: 2.18}
    runs = {f"adamw-{lr:g}": table(lr, end, n=1500) for lr, end in ends.items()}
    for run in runs.values():
        run["loss"] += 2.0  # a vocabulary of eighty begins at 4.4
        run["loss"] -= 2.0 * (1 - np.exp(-np.arange(1500) / 40))
    found = lrwatch.diagnose_sweep(runs)["adamw-0.1"]
    assert found.learning_rate == "too_high"
    assert "where adamw-0.03 is at 1.6" in found.reason
    assert found.suggested_lr is not None
    assert 0.01 < found.suggested_lr < 0.1
