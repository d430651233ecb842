"""Which runs make a sweep, and what they are compared by."""

from __future__ import annotations

import math

import numpy as np
import pytest
from trials import a_trial

from lrwatch.comparing import Sweep, Trial, find_sweeps


def keys(sweeps: list[Sweep]) -> list[list[str]]:
    return [sorted(sweep.runs) for sweep in sweeps]


def sweep_of(*trials: Trial) -> Sweep:
    (sweep,) = find_sweeps(trials)
    return sweep


def test_a_sweep_is_what_differs_in_rate_and_seed_only() -> None:
    runs = [
        a_trial(f"{depth}-{lr}", lr, settings={"lr": lr, "seed": i, "depth": depth})
        for depth in (2, 3)
        for i, lr in enumerate((0.1, 0.2))
    ]
    runs.append(a_trial("2-0.3", 0.3, settings={"lr": 0.3, "seed": 9, "depth": 2}))
    assert keys(find_sweeps(runs)) == [["2-0.1", "2-0.2", "2-0.3"], ["3-0.1", "3-0.2"]]


def test_a_text_of_which_every_run_has_its_own_names_a_run() -> None:
    runs = [a_trial(f"{i}", 0.1 * 2**i, settings={"out_dir": f"/tmp/{i}"}) for i in range(5)]
    assert len(find_sweeps(runs)) == 1
    assert len(find_sweeps(runs[:3])) == 3


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("train.py --lr 0.1 --depth 2", "train.py --lr 0.2 --depth 2"),
        ("train.py --optim.lr=0.1 --seed 1", "train.py --optim.lr=0.2 --seed -2"),
        ("train.py optim.lr=0.1 seed=1", "train.py optim.lr=0.2 seed=2"),
        ("-m train -lr 0.1", "-m train -lr 0.2"),
        ("'my train.py' 1e-1 2", "'my train.py' 0.2 2"),
        ("ppo.py --pi-lr 0.1 --vf-lr 1", "ppo.py --pi-lr 0.2 --vf-lr 1"),
        ("ppo.py pi.pi_lr=0.1", "ppo.py pi.pi_lr=0.2"),
        ("train.py --lr 0.1 --min-lr 0.1 0.2", "train.py --lr 0.2 --min-lr 0.1 0.2"),
    ],
)
def test_a_command_line_may_differ_in_rate_and_seed(first: str, second: str) -> None:
    job = [a_trial("a", 0.1, settings={"command": first})]
    job.append(a_trial("b", 0.2, settings={"command": second}))
    other = a_trial("c", 0.3, settings={"command": f"{second} --depth 3"})
    assert keys(find_sweeps([*job, other])) == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("train.py --width 0.1", "train.py --width 0.2"),
        ("train.py 0.1 2", "train.py 2 0.2"),
        ("ppo.py --pi-lr 1 --vf-lr 0.5", "ppo.py --pi-lr 2 --vf-lr 0.5"),
        ("train.py --lr --depth 1", "train.py --lr --depth 2"),
        ("train.py 'it", "train.py 'is"),
    ],
)
def test_command_lines_that_differ_in_more_are_other_jobs(first: str, second: str) -> None:
    runs = [a_trial("a", 0.1, settings={"command": first})]
    runs.append(a_trial("b", 0.2, settings={"command": second}))
    assert keys(find_sweeps(runs)) == [["a"], ["b"]]


def test_a_setting_that_repeats_a_runs_own_name_tells_no_job_from_another() -> None:
    runs = [
        a_trial("runs/gpt", 0.1, settings={"name": "gpt"}),
        a_trial("runs/gpt-2", 0.2, settings={"name": "gpt"}),
        a_trial("runs/b (1)", 0.3, settings={"name": "b (1)"}),
    ]
    assert keys(find_sweeps(runs)) == [["runs/b (1)", "runs/gpt", "runs/gpt-2"]]
    others = [a_trial("a", 0.1, settings={"name": "mlp"})]
    others.append(a_trial("b", 0.2, settings={"name": "cnn"}))
    assert len(find_sweeps(others)) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [({"optimizer": "SGD"}, {"optimizer": "Adam"}), ({"parameters": 10}, {"parameters": 11})],
)
def test_other_optimizers_and_sizes_are_other_jobs(
    one: dict[str, object], other: dict[str, object]
) -> None:
    runs = [a_trial("a", 0.1, settings=one), a_trial("b", 0.2, settings=other)]
    assert keys(find_sweeps(runs)) == [["a"], ["b"]]


def test_two_jobs_without_settings_differ_in_the_loss_of_their_first_step() -> None:
    tens = [a_trial(f"ten-{lr}", lr, first_loss=math.log(10)) for lr in (0.1, 0.2)]
    hundreds = [a_trial(f"hundred-{lr}", lr, first_loss=math.log(1000)) for lr in (0.1, 0.2)]
    assert keys(find_sweeps(tens + hundreds)) == [
        ["ten-0.1", "ten-0.2"],
        ["hundred-0.1", "hundred-0.2"],
    ]


def test_a_run_without_a_first_loss_belongs_to_the_most() -> None:
    silent = a_trial("silent", 0.3, [math.nan, *[1.0] * 31])
    assert keys(find_sweeps([a_trial("a", 0.1), a_trial("b", 0.2), silent])) == [
        ["a", "b", "silent"]
    ]


def test_runs_of_other_lengths_are_no_sweep() -> None:
    long = [a_trial(f"long-{lr}", lr, 1.0, n_steps=3000) for lr in (0.1, 0.2)]
    short = [a_trial(f"short-{lr}", lr, 2.0, n_steps=150) for lr in (0.1, 0.2)]
    assert [sweep.n_steps for sweep in find_sweeps(long + short)] == [150, 3000]


def test_runs_are_compared_after_as_many_steps() -> None:
    falling = [float(x) for x in np.linspace(4, 1, 110)]
    longer = a_trial("longer", 0.1, falling)
    other = a_trial("other", 0.2, falling[:100])
    sweep = sweep_of(longer, other)
    assert sweep.n_steps == 100
    assert sweep.losses["longer"] == sweep.losses["other"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("running", "is still running after 30 of 100 steps"),
        ("failed", "failed after 30 of 100 steps"),
        ("interrupted", "was interrupted after 30 of 100 steps"),
    ],
)
def test_a_run_that_has_not_come_so_far_is_left_out_and_named(state: str, said: str) -> None:
    whole = [a_trial(f"{lr}", lr, 1.0, n_steps=100) for lr in (0.1, 0.2, 0.3)]
    early = a_trial("early", 0.4, 0.1, n_steps=30, state=state)
    sweep = sweep_of(*whole, early)
    assert sweep.left_out == {"early": said}
    assert "early" not in sweep.losses
    assert sweep.reason.endswith(f"(not compared: early {said})")


def test_a_run_that_broke_early_counts_as_broken() -> None:
    whole = [a_trial(f"{lr}", lr, 1.0, n_steps=100) for lr in (0.1, 0.2)]
    broke = a_trial("broke", 0.4, [4.0, *[math.nan] * 29], state="failed")
    sweep = sweep_of(*whole, broke)
    assert math.isnan(sweep.losses["broke"])
    assert sweep.choice.rates[-1].n_broken == 1


def test_while_all_runs_go_on_they_are_compared_as_far_as_most_are() -> None:
    runs = [
        a_trial(f"{n}", n / 100, 1.0, n_steps=n, state="running", total_steps=1000)
        for n in (90, 100, 110)
    ]
    begun = a_trial("begun", 1.0, 3.0, n_steps=3, state="running", total_steps=1000)
    sweep = sweep_of(*runs, begun)
    assert (sweep.n_steps, list(sweep.left_out)) == (90, ["begun"])


def test_range_tests_and_runs_without_a_rate_are_in_no_sweep() -> None:
    runs = [a_trial("test", 1.0, is_range_test=True), a_trial("none", math.nan), a_trial("a", 0.1)]
    assert keys(find_sweeps(runs)) == [["a"]]


def test_a_run_is_where_the_mean_of_its_last_sixteenth_is() -> None:
    losses = [4.0] * 150 + [1.0, 3.0] * 5
    assert sweep_of(a_trial("a", 0.1, losses)).losses["a"] == 2.0


def test_the_least_is_a_mean_as_well() -> None:
    losses = [4.0, 1.0, 1.0, 1.0] * 256
    losses[500] = 1e-9
    (best,) = find_sweeps([a_trial("a", 0.1, losses)], "best")
    (final,) = find_sweeps([a_trial("a", 0.1, losses)])
    assert 0.5 < best.losses["a"] < final.losses["a"]
