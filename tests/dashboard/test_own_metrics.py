"""Which of a user's metrics belong together, which is better, and how an address names them."""

from __future__ import annotations

import pytest
from lrwatch_dashboard.own_metrics import (
    Family,
    MetricSummary,
    chosen_families,
    families,
    is_event,
    is_layer,
    is_own,
    is_result,
    parse_names,
    rising_names,
    wants_least,
    write_names,
)


def test_what_every_run_has_is_nobodys_own() -> None:
    ours = ("step", "loss", "lr", "lr/body", "grad_norm/head", "update_norm/a", "lr_effective")
    assert not any(is_own(name) or is_layer(name) for name in ours)
    assert not any(map(is_own, ("lrwatch/lr_cut", "event/checkpoint")))
    assert is_event("event/checkpoint")
    assert not is_event("event/")
    assert is_layer("layer_grad_norm/blocks.0")
    assert not is_own("layer_grad_norm/blocks.0")
    assert all(map(is_own, ("accuracy", "val_loss", "system/cpu", "loss/val", "layers")))


def test_one_quantity_on_several_kinds_of_data_is_one_family() -> None:
    names = ["eval/loss", "train/f1", "system/cpu", "gpu/a", "val_f1", "f1", "gpu/b", "Loss/test"]
    assert families(names) == (
        Family("loss", ("eval/loss", "Loss/test")),
        Family("f1", ("train/f1", "val_f1", "f1")),
        Family("gpu", ("gpu/a", "gpu/b")),
        Family("system", ("system/cpu",)),
    )


def test_an_address_names_the_families_that_are_shown() -> None:
    found = families(["a,b", "~", "c", "epoch", "system/cpu", *(f"m{i}" for i in range(9))])
    assert [f.name for f in chosen_families(found, counters=["epoch"])] == [
        *("a,b", "~", "c", "m0", "m1", "m2")
    ]
    word = write_names(["~", "a,b", "system"])
    assert parse_names(word) == ["~", "a,b", "system"]
    assert [f.name for f in chosen_families(found, word)] == ["a,b", "~", "system"]
    assert chosen_families(found, "-") == ()


def test_runs_are_not_measured_by_what_machines_and_processes_did() -> None:
    names = ["system/cpu_percent", "rank_seconds/max", "slowest_rank", "accuracy", "gpu/power"]
    assert [name for name in names if is_result(name)] == ["accuracy", "gpu/power"]


@pytest.mark.parametrize("name", ["val_loss", "eval/perplexity", "val/wer", "mae"])
def test_of_some_metrics_less_is_better(name: str) -> None:
    assert wants_least(name)


@pytest.mark.parametrize("name", ["accuracy", "eval/bleu", "reward", "terminal_f1"])
def test_of_others_more_is(name: str) -> None:
    assert not wants_least(name)


def test_only_what_counts_how_far_a_run_is_can_be_an_axis() -> None:
    counts = MetricSummary(n=100, low=0, high=9, rises=True)
    by_chance = MetricSummary(n=100, low=0.1, high=0.9, rises=True)
    one = {"epoch": counts, "accuracy": by_chance, "system/x": counts, "val/n": counts}
    assert rising_names([one]) == ["epoch"]
    assert rising_names([one, {"epoch": MetricSummary(n=100, low=0, high=9)}]) == []
    assert rising_names([one, {}]) == ["epoch"]


def test_an_epoch_counts_before_the_first_one_is_over() -> None:
    part = MetricSummary(n=100, low=0.01, high=0.98, rises=True)
    assert rising_names([{"epoch": part, "train/epoch": part, "accuracy": part}]) == ["epoch"]
