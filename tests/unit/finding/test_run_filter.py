"""One filter language: what each term means, and that a half-typed one never fails."""

from __future__ import annotations

import pytest

from lrwatch.errors import InvalidArgument
from lrwatch.finding import MetricSummary, RunFacts, RunFilter, completions

ADAM = RunFacts(
    "adam-16",
    folder="sweep/adam-16",
    verdict="too_low",
    learning_rate="too_low",
    reason="It fell 3 % in 400 steps",
    state="finished",
    optimizer="AdamW",
    group="x",
    config={"width": 16, "model.depth": 4, "data": "My Pictures", "amp": True, "lr": 0.001},
    tags=("keep",),
    lr=0.001,
    loss=0.5,
    steps=400,
    metrics={
        "val_accuracy": MetricSummary(n=4, last=0.8, low=0.1, high=0.95),
        "val/loss": MetricSummary(n=4, last=0.7, low=0.4, high=9.0),
    },
)
SGD = RunFacts(
    "sgd-64",
    verdict="diverging",
    learning_rate="too_high",
    reason="Loss is NaN",
    state="failed",
    optimizer="SGD",
    config={"width": 64, "model.depth": 4, "bs": "64", "betas": [0.9, 0.95], "lr": 1.0},
    tags=("old", "keep-not"),
    note="look **again**",
    is_pinned=True,
    lr=1.0,
    steps=12,
)
RUNS = (ADAM, SGD)


def _found(text: str) -> str:
    return " ".join(run.name for run in RUNS if RunFilter(text).matches(run))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "adam-16 sgd-64"),
        ("width:16", "adam-16"),
        ("width=16.0", "adam-16"),
        ("WIDTH:64", "sgd-64"),
        ("bs=64", "sgd-64"),
        ("lr>0.01", "sgd-64"),
        ("lr<=1e-3", "adam-16"),
        ("lr!=1", "adam-16"),
        ("-lr:1", "adam-16"),
        ("model.depth:4 width:16", "adam-16"),
        ("depth>=4", "adam-16 sgd-64"),
        ("config.lr:1", "sgd-64"),
        ("optimizer:adam", "adam-16"),
        ("optimizer=adam", ""),
        ("group:x", "adam-16"),
        ("status:failed", "sgd-64"),
        ("status:fail", ""),
        ("tag:keep", "adam-16"),
        ("-tag:old", "adam-16"),
        ("verdict:too_low", "adam-16"),
        ("verdict:too-high", "sgd-64"),
        ('verdict:"too low"', "adam-16"),
        ("verdict:too_low,diverging", "adam-16 sgd-64"),
        ("rate:too_high", "sgd-64"),
        ('"in 400 steps"', "adam-16"),
        ('-"in 400 steps"', "sgd-64"),
        ("pictures", "adam-16"),
        ('data:"my pic"', "adam-16"),
        ("amp:true", "adam-16"),
        ("betas:0.95", "sgd-64"),
        ("too low", "adam-16"),
        ("is:pinned", "sgd-64"),
        ("is:flagged steps<100", "sgd-64"),
        ("again", "sgd-64"),
        ("sweep/", "adam-16"),
        ("loss<1", "adam-16"),
        ("nothing:1", ""),
        ("sgd nan", "sgd-64"),
        ("val_accuracy>0.7", "adam-16"),
        ("val_accuracy>0.9", ""),
        ("best:val_accuracy>0.9", "adam-16"),
        ("Best:val/loss<=0.4", "adam-16"),
        ("val/loss=0.7", "adam-16"),
        ("-best:val/loss<1", "sgd-64"),
        ("best:val_accuracy:0.95", "adam-16"),
        ("lr>0.1 or status:finished", "adam-16 sgd-64"),
        ("width:16 lr>0.1 OR optimizer:sgd", "sgd-64"),
        ("width:16 (lr>0.1 or status:finished)", "adam-16"),
        ("(width:64 or width:16) steps>100", "adam-16"),
        ("-(width:64 or tag:none)", "adam-16"),
        ("((lr>0.1) or (steps>300)) -tag:keep", "sgd-64"),
        ('note:"look **again**" or nothing', "sgd-64"),
        ("adamw or", "adam-16"),
        ("or adamw", "adam-16"),
        ("(adamw", "adam-16"),
        ("adamw)", ""),
        ("() width:16 ( or )", "adam-16"),
        ("order or nothing", ""),
    ],
)
def test_a_term_means_these_runs(text: str, found: str) -> None:
    assert _found(text) == found


def test_what_is_half_typed_means_nothing_yet_and_never_fails() -> None:
    whole = '(width:16 or best:val_accuracy>0.9) -tag:old lr>1e-4 "in 400 st" '
    whole += 'optimizer:"adamw" model.depth<=4 loss!=1'
    for end in range(len(whole) + 1):
        RunFilter(whole[:end]).matches(ADAM)
    for text in ("lr>", "lr>1e-", "-", "width:", '"', "tag:", "-tag:", ">", ":", '-"', "=="):
        assert ADAM.name in _found(text) or text in (">", ":", "=="), text


def test_an_archived_run_is_found_only_where_the_text_speaks_of_it() -> None:
    away = RunFacts("away", is_archived=True)
    seen = [RunFilter(t).matches(away) for t in ("", "away", "is:archived", "is:all", "is:pinned")]
    assert seen == [False, False, True, True, False]
    assert not RunFilter("is:archived").matches(ADAM)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr>", "'lr>' is not complete; give a value after lr>"),
        ("lr>fast", "'lr>fast' compares numbers; got 'fast' after >"),
        ("widht:16", "no run has 'widht'; the names are name, verdict"),
        ("best:val_acc>1", "no run has 'best:val_acc'; the names are name, verdict"),
        ("lr:1 or", "there is nothing on one side of 'or'"),
        ("(lr:1", "a bracket is not closed; add )"),
        ("() lr:1", "there is nothing in the brackets"),
        ("(lr:1 or lr>)", "'lr>' is not complete"),
    ],
)
def test_an_error_says_what_was_given_and_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match="cannot be used") as caught:
        RunFilter(text).checked(RUNS)
    assert said in str(caught.value)
    assert "widht" not in text or "val/loss, val_accuracy, width" in str(caught.value)


def test_a_setting_that_is_called_as_a_field_is_named_once() -> None:
    with pytest.raises(InvalidArgument, match="no run has") as caught:
        RunFilter("widht:16").checked([RunFacts("a", config={"lr": 0.1, "name": "a"})])
    names = str(caught.value).partition("the names are ")[2].split(", ")
    assert len(names) == len(set(names))


def test_brackets_may_be_deep_and_never_too_deep() -> None:
    assert RunFilter("(" * 40 + "width:16" + ")" * 40).matches(ADAM)
    assert not RunFilter("-(" * 3 + "width:16" + ")" * 3).matches(ADAM)
    RunFilter("(" * 100_000 + "width:16").matches(ADAM)


def test_completions_tell_runs_apart() -> None:
    found = completions(RUNS)
    assert {"width:16", "width:64", "optimizer:AdamW", "tag:old", "verdict:too_low"} <= set(found)
    assert "model.depth:4" not in found  # all of them have it
    many = completions([RunFacts(str(n), config={"seed": n}) for n in range(40)])
    assert "seed:" in many
    assert not any(term.startswith("seed:1") for term in many)
    assert {"val_accuracy>", "best:val/loss>"} <= set(found)


def test_hostile_texts_are_texts() -> None:
    for text in ("((((", "\\", "a" * 10_000, "\x00", "[", "lr>nan", "name:[a", "é:ü", '""""'):
        RunFilter(text).matches(SGD)
        RunFilter(text).problems(RUNS)
