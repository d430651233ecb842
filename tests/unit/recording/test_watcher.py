"""What is recorded, held against the truth computed beside it in a real loop."""

from __future__ import annotations

import argparse
import copy
import dataclasses
import gc
import logging
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch_models import batch, global_norm, small_net, train

import lrwatch
from lrwatch.errors import InvalidArgument, NotAnOptimizer, RunNotFound, StoreNotWritable
from lrwatch.store import read_run_info

pytestmark = pytest.mark.slow  # `make test` runs it, `make check` does not

BACKWARD = torch.autograd.backward


@pytest.fixture
def net() -> nn.Sequential:
    return small_net()


@pytest.fixture(autouse=True)
def torch_is_left_as_it_was() -> Any:
    yield
    if torch.autograd.backward is not BACKWARD:
        gc.collect()  # a run that a test left open
    assert torch.autograd.backward is BACKWARD
    assert torch.nn.utils.clip_grad_norm_ is clip_grad_norm_


def watch(optimizer: torch.optim.Optimizer, folder: Path, **options: Any) -> lrwatch.Run:
    return lrwatch.watch(optimizer, dir=folder, **options)


OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, foreach=False),
    "fused": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.05),
    "adadelta": lambda p: torch.optim.Adadelta(p, lr=1.0),
    "nadam": lambda p: torch.optim.NAdam(p, lr=0.01),
    "radam": lambda p: torch.optim.RAdam(p, lr=0.01),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_every_number_is_the_true_one(kind: str, net: nn.Sequential, tmp_path: Path) -> None:
    optimizer = OPTIMIZERS[kind](net.parameters())
    truth: dict[str, list[float]] = {"grad_norm": [], "update_norm": [], "param_norm": []}
    before: list[torch.Tensor] = []

    def note_before(step: int) -> None:
        truth["grad_norm"].append(global_norm(p.grad for p in net.parameters()))
        before[:] = [p.detach().clone() for p in net.parameters()]

    def note_after(step: int) -> None:
        change = [p.detach() - b for p, b in zip(net.parameters(), before, strict=True)]
        truth["update_norm"].append(global_norm(change))
        truth["param_norm"].append(global_norm(net.parameters()))

    run = watch(optimizer, tmp_path, update_norm_every=1)
    losses = train(net, optimizer, 25, before_step=note_before, after_step=note_after)
    run.finish()
    frame = lrwatch.read(run.path)
    assert frame["step"].tolist() == list(range(25))
    assert frame["loss"].tolist() == losses
    assert frame["lr"].tolist() == [optimizer.param_groups[0]["lr"]] * 25
    assert not frame["skipped"].any()
    for name, values in truth.items():
        assert frame[name].tolist() == pytest.approx(values, rel=1e-4), name
    assert frame["grad_norm_clipped"].equals(frame["grad_norm"])


def test_update_and_parameter_norms_are_sampled(net: nn.Sequential, tmp_path: Path) -> None:
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    run = watch(optimizer, tmp_path)
    train(net, optimizer, 320)
    frame = lrwatch.read(run.path)
    assert frame["update_norm"].notna().sum() == 50
    assert frame["update_norm"].notna().equals(frame["param_norm"].notna())
    assert frame["grad_norm"].notna().all()
    run.finish()


def test_plain_sgd_has_its_update_norm_at_every_step(net: nn.Sequential, tmp_path: Path) -> None:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    run = watch(optimizer, tmp_path)
    train(net, optimizer, 60, before_step=lambda _: _quiet_clip(net, 0.3))
    frame = lrwatch.read(run.path)
    assert frame["update_norm"].notna().all()
    assert (frame["update_norm"] / frame["lr"]).tolist() == pytest.approx(
        frame["grad_norm_clipped"].tolist(), rel=1e-4
    )
    run.finish()


def _quiet_clip(net: nn.Sequential, max_norm: float) -> None:
    clip_grad_norm_(net.parameters(), max_norm)


def test_a_scheduler_does_not_shift_the_learning_rate(net: nn.Sequential, tmp_path: Path) -> None:
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    run = watch(optimizer, tmp_path)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    train(net, optimizer, 4, after_step=lambda _: scheduler.step())
    assert lrwatch.read(run.path)["lr"].tolist() == [1.0, 0.5, 0.25, 0.125]
    run.finish()


def test_a_learning_rate_may_be_a_tensor(net: nn.Sequential, tmp_path: Path) -> None:
    optimizer = torch.optim.Adam(net.parameters(), lr=torch.tensor(0.25))
    run = watch(optimizer, tmp_path)
    train(net, optimizer, 2)
    assert lrwatch.read(run.path)["lr"].tolist() == [0.25, 0.25]
    run.finish()


def test_without_a_learning_rate_the_rest_is_recorded(net: nn.Sequential, tmp_path: Path) -> None:
    """As transformers' Adafactor, which finds its own."""

    class Own(torch.optim.Optimizer):
        def __init__(self, parameters: Any) -> None:
            super().__init__(parameters, {"lr": None})

        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            with torch.no_grad():
                for parameter in self.param_groups[0]["params"]:
                    parameter.sub_(0.1 * parameter.grad)

    optimizer = Own(net.parameters())
    with watch(optimizer, tmp_path) as run:
        losses = train(net, optimizer, 4)
    frame = lrwatch.read(run.path)
    assert run.name == "own"
    assert frame["loss"].tolist() == losses
    assert frame["lr"].isna().all()
    assert frame["grad_norm"].notna().all()


def test_a_parameter_replaced_in_its_group_is_the_one_that_is_measured(tmp_path: Path) -> None:
    first, second = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([first], lr=0.1)
    with watch(optimizer, tmp_path) as run:
        losses = []
        for weight, factor in ((first, 1.0), (second, 3.0), (second, 4.0), (first, 2.0)):
            optimizer.param_groups[0]["params"][0] = weight
            optimizer.zero_grad()
            loss = (weight * factor).sum()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    frame = lrwatch.read(run.path)
    norms = [factor * 2**0.5 for factor in (1.0, 3.0, 4.0, 2.0)]
    assert frame["grad_norm"].tolist() == pytest.approx(norms)
    assert frame["loss"].tolist() == losses


def test_the_loss_of_a_net_that_replaces_another_is_found_and_of_a_third_is_not(
    net: nn.Sequential, tmp_path: Path
) -> None:
    optimizer = torch.optim.SGD([{"params": net[0].parameters()}, {"params": net[2].parameters()}])
    new, other = copy.deepcopy(net), copy.deepcopy(net)
    losses = []
    with watch(optimizer, tmp_path) as run:
        for current in (net, new, new):
            groups = (current[0].parameters(), current[2].parameters())
            for group, parameters in zip(optimizer.param_groups, groups, strict=True):
                group["params"] = list(parameters)
            optimizer.zero_grad()
            other(torch.ones(4, 8)).sum().backward()
            loss = current(torch.ones(4, 8)).square().mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert lrwatch.read(run.path)["loss"].tolist() == losses


def test_accumulated_micro_batches_make_one_row(net: nn.Sequential, tmp_path: Path) -> None:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    run = watch(optimizer, tmp_path)
    means, norms = [], []
    for step in range(3):
        optimizer.zero_grad()
        parts = []
        for micro in range(4):
            x, y = batch(10 * step + micro)
            loss = nn.functional.cross_entropy(net(x), y) / 4
            loss.backward()
            parts.append(loss.item())
        norms.append(global_norm(p.grad for p in net.parameters()))
        means.append(sum(parts))
        optimizer.step()
    frame = lrwatch.read(run.path)
    assert frame["loss"].tolist() == pytest.approx(means)
    assert frame["grad_norm"].tolist() == pytest.approx(norms, rel=1e-5)
    run.finish()


class TestClipping:
    """The norm before clipping and the norm after, however it is done."""

    def record(self, net: nn.Sequential, folder: Path, clip: Callable[[], object]) -> pd.DataFrame:
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        self.before: list[float] = []
        self.after: list[float] = []

        def note(step: int) -> None:
            self.before.append(global_norm(p.grad for p in net.parameters()))
            clip()
            self.after.append(global_norm(p.grad for p in net.parameters()))

        run = watch(optimizer, folder)
        train(net, optimizer, 6, before_step=note)
        run.finish()
        return lrwatch.read(run.path)

    def check(self, frame: pd.DataFrame) -> None:
        assert frame["grad_norm"].tolist() == pytest.approx(self.before, rel=1e-4)
        assert frame["grad_norm_clipped"].tolist() == pytest.approx(self.after, rel=1e-4)

    def test_by_norm(self, net: nn.Sequential, tmp_path: Path) -> None:
        self.check(self.record(net, tmp_path, lambda: clip_grad_norm_(net.parameters(), 0.1)))
        assert max(self.after) < 0.11 < min(self.before)

    def test_by_a_norm_that_does_not_engage(self, net: nn.Sequential, tmp_path: Path) -> None:
        self.check(self.record(net, tmp_path, lambda: clip_grad_norm_(net.parameters(), 100)))

    def test_through_the_module(self, net: nn.Sequential, tmp_path: Path) -> None:
        self.check(
            self.record(
                net, tmp_path, lambda: torch.nn.utils.clip_grad_norm_(list(net.parameters()), 0.1)
            )
        )

    def test_by_another_norm(self, net: nn.Sequential, tmp_path: Path) -> None:
        self.check(
            self.record(
                net, tmp_path, lambda: clip_grad_norm_(net.parameters(), 0.05, norm_type=math.inf)
            )
        )

    def test_with_a_norm_computed_before(self, net: nn.Sequential, tmp_path: Path) -> None:
        def clip() -> None:
            norm = torch.nn.utils.get_total_norm(
                [p.grad for p in net.parameters() if p.grad is not None]
            )
            torch.nn.utils.clip_grads_with_norm_(net.parameters(), 0.1, norm)

        self.check(self.record(net, tmp_path, clip))

    def test_part_by_part(self, net: nn.Sequential, tmp_path: Path) -> None:
        def clip() -> None:
            clip_grad_norm_(net[0].parameters(), 0.05)
            clip_grad_norm_(net[2].parameters(), 0.02)

        self.check(self.record(net, tmp_path, clip))

    def test_a_single_part(self, net: nn.Sequential, tmp_path: Path) -> None:
        self.check(self.record(net, tmp_path, lambda: clip_grad_norm_(net[0].parameters(), 0.05)))

    def test_twice(self, net: nn.Sequential, tmp_path: Path) -> None:
        def clip() -> None:
            clip_grad_norm_(net.parameters(), 0.3)
            clip_grad_norm_(net.parameters(), 0.1)

        self.check(self.record(net, tmp_path, clip))

    def test_by_value(self, net: nn.Sequential, tmp_path: Path) -> None:
        self.check(
            self.record(
                net, tmp_path, lambda: torch.nn.utils.clip_grad_value_(net.parameters(), 0.01)
            )
        )

    def test_by_the_scripts_own_code_shows_what_the_step_used(
        self, net: nn.Sequential, tmp_path: Path
    ) -> None:
        """Nothing tells of it before the step, so both columns have the norm after it."""

        def clip() -> None:
            for p in net.parameters():
                if p.grad is not None:
                    p.grad.data.clamp_(-0.01, 0.01)

        frame = self.record(net, tmp_path, clip)
        assert frame["grad_norm"].tolist() == pytest.approx(self.after, rel=1e-4)
        assert frame["grad_norm_clipped"].tolist() == frame["grad_norm"].tolist()

    def test_of_another_net_is_not_ours(self, net: nn.Sequential, tmp_path: Path) -> None:
        other = small_net(1)
        nn.functional.cross_entropy(other(batch()[0]), batch()[1]).backward()
        self.check(self.record(net, tmp_path, lambda: clip_grad_norm_(other.parameters(), 1e-3)))


class TestClosures:
    def test_as_lightning_uses_them(self, net: nn.Sequential, tmp_path: Path) -> None:
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        run = watch(optimizer, tmp_path, update_norm_every=1)
        losses, norms = [], []
        for step in range(4):

            def closure(step: int = step) -> torch.Tensor:
                x, y = batch(step)
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(x), y)
                loss.backward()
                losses.append(loss.item())
                norms.append(global_norm(p.grad for p in net.parameters()))
                return loss

            returned = optimizer.step(closure)
            assert returned.item() == losses[-1]
        frame = lrwatch.read(run.path)
        assert frame["loss"].tolist() == losses
        assert frame["grad_norm"].tolist() == pytest.approx(norms, rel=1e-5)
        assert frame["update_norm"].notna().all()
        run.finish()

    def test_lbfgs_records_the_first_value_of_each_step(
        self, net: nn.Sequential, tmp_path: Path
    ) -> None:
        optimizer = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=5)
        run = watch(optimizer, tmp_path)
        x, y = batch()
        first: list[float] = []
        for _ in range(3):
            losses: list[float] = []

            def closure(losses: list[float] = losses) -> torch.Tensor:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(x), y)
                loss.backward()
                losses.append(loss.item())
                return loss

            optimizer.step(closure=closure)
            assert len(losses) > 1
            first.append(losses[0])
        assert lrwatch.read(run.path)["loss"].tolist() == first
        run.finish()

    @pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.SGD])
    def test_an_update_counts_from_before_the_step(self, tmp_path: Path, kind: Any) -> None:
        """Some optimizers move the parameters before they call the closure, as SAM does."""

        class Ahead(kind):  # type: ignore[misc]
            @torch.no_grad()
            def step(self, closure: Any) -> Any:
                for parameter in self.param_groups[0]["params"]:
                    parameter.add_(1.0)
                with torch.enable_grad():
                    loss = closure()
                super().step()
                for parameter in self.param_groups[0]["params"]:
                    parameter.add_(1.0)
                return loss

        kind([nn.Parameter(torch.ones(1))])  # from then on torch calls hooks in its step as well
        net = small_net()
        optimizer = Ahead(net.parameters(), lr=0.01)
        true = []
        with watch(optimizer, tmp_path) as run:
            for k in range(3):
                before = [p.detach().clone() for p in net.parameters()]

                def closure(k: int = k) -> torch.Tensor:
                    optimizer.zero_grad()
                    loss = nn.functional.cross_entropy(net(batch(k)[0]), batch(k)[1])
                    loss.backward()
                    return loss

                optimizer.step(closure)
                moved = [p.detach() - b for p, b in zip(net.parameters(), before, strict=True)]
                true.append(global_norm(moved))
        assert lrwatch.read(run.path)["update_norm"].tolist() == pytest.approx(true)


def test_a_step_that_fails_leaves_the_next_ones_alone(net: nn.Sequential, tmp_path: Path) -> None:
    class Failing(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            if closure is not None:
                raise MemoryError
            return super().step()

    optimizer = Failing(net.parameters(), lr=0.1)
    with watch(optimizer, tmp_path) as run:
        losses = train(net, optimizer, 2)
        with pytest.raises(MemoryError):
            optimizer.step(lambda: 0.0)
        losses += train(net, optimizer, 2)
    assert lrwatch.read(run.path)["loss"].tolist() == losses


class TestGroups:
    def test_each_group_has_its_columns(self, net: nn.Sequential, tmp_path: Path) -> None:
        groups: list[dict[str, Any]] = [
            {"params": net[0].parameters(), "lr": 0.1, "name": "body"},
            {"params": net[2].parameters(), "lr": 0.01},
        ]
        optimizer = torch.optim.SGD(groups)
        truth = []

        def note(step: int) -> None:
            truth.append([global_norm(p.grad for p in net[i].parameters()) for i in (0, 2)])

        run = watch(optimizer, tmp_path)
        train(net, optimizer, 3, before_step=note)
        frame = lrwatch.read(run.path)
        assert frame["lr"].tolist() == frame["lr/body"].tolist() == [0.1] * 3
        assert frame["lr/1"].tolist() == [0.01] * 3
        assert frame["grad_norm/body"].tolist() == pytest.approx([t[0] for t in truth])
        assert frame["grad_norm/1"].tolist() == pytest.approx([t[1] for t in truth])
        both = (frame["update_norm/body"] ** 2 + frame["update_norm/1"] ** 2) ** 0.5
        assert frame["update_norm"].tolist() == pytest.approx(both.tolist())
        run.finish()

    def test_a_model_gives_names(self, net: nn.Sequential, tmp_path: Path) -> None:
        groups = [{"params": list(net[0].parameters())}, {"params": list(net[2].parameters())}]
        optimizer = torch.optim.SGD(groups, lr=0.1)
        run = watch(optimizer, tmp_path, model=nn.ModuleDict({"body": net}))
        train(net, optimizer, 1)
        assert "lr/body.0" in lrwatch.read(run.path)
        assert "lr/body.2" in lrwatch.read(run.path)
        assert read_run_info(run.path).parameter_groups == ("body.0", "body.2")
        run.finish()

    def test_a_group_added_later_appears_from_then_on(
        self, net: nn.Sequential, tmp_path: Path
    ) -> None:
        optimizer = torch.optim.SGD(net[0].parameters(), lr=0.1)
        run = watch(optimizer, tmp_path)

        def unfreeze(step: int) -> None:
            if step == 1:
                optimizer.add_param_group({"params": list(net[2].parameters()), "lr": 0.02})

        train(net, optimizer, 4, after_step=unfreeze)
        frame = lrwatch.read(run.path)
        assert frame["lr/1"].isna().tolist() == [True, True, False, False]
        assert frame["lr/1"][3] == 0.02
        assert frame["lr"].tolist() == [0.1] * 4
        run.finish()


class Unprintable:
    def __repr__(self) -> str:
        raise ZeroDivisionError


class TestLog:
    @pytest.fixture
    def run(self, net: nn.Sequential, tmp_path: Path) -> lrwatch.Run:
        self.net = net
        self.optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        return watch(self.optimizer, tmp_path)

    def frame(self, run: lrwatch.Run) -> pd.DataFrame:
        run.finish()
        return lrwatch.read(run.path)

    def test_after_the_step_it_belongs_to_that_step(self, run: lrwatch.Run) -> None:
        train(self.net, self.optimizer, 4, after_step=lambda i: run.log(accuracy=i / 10))
        assert self.frame(run)["accuracy"].tolist() == [0.0, 0.1, 0.2, 0.3]

    def test_between_backward_and_step_it_belongs_to_the_coming_one(self, run: lrwatch.Run) -> None:
        train(self.net, self.optimizer, 4, before_step=lambda i: run.log(**{"val/loss": i / 10}))
        assert self.frame(run)["val/loss"].tolist() == [0.0, 0.1, 0.2, 0.3]

    def test_a_name_that_is_refused_moves_no_cursor(
        self, run: lrwatch.Run, caplog: pytest.LogCaptureFixture
    ) -> None:
        run.log(**{"a\x1b[2J\n": 1.0, "b" * 10_000: 1.0})
        run.finish()
        first, second = caplog.messages
        assert first.startswith("log(a\\x1b[2J\\n=...) is left out: a name must be")
        assert len(second) < 400

    def test_a_loss_replaces_the_captured_one(self, run: lrwatch.Run) -> None:
        train(self.net, self.optimizer, 3, after_step=lambda i: run.log(loss=100.0 + i))
        assert self.frame(run)["loss"].tolist() == [100.0, 101.0, 102.0]

    def test_a_loss_logged_before_backward_is_of_the_coming_step(self, run: lrwatch.Run) -> None:
        losses = []
        for step in range(3):
            x, y = batch(step)
            loss = nn.functional.cross_entropy(self.net(x), y)
            run.log(loss=loss * 2)
            losses.append(2 * loss.item())
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        assert self.frame(run)["loss"].tolist() == losses

    def test_now_and_then_leaves_nulls_between(self, run: lrwatch.Run) -> None:
        def log_now_and_then(step: int) -> None:
            if step % 3 == 0:
                run.log(accuracy=1.0)

        train(self.net, self.optimizer, 6, after_step=log_now_and_then)
        assert self.frame(run)["accuracy"].notna().tolist() == [True, False, False] * 2

    def test_what_is_no_number_is_left_out_with_one_warning(
        self, run: lrwatch.Run, caplog: pytest.LogCaptureFixture
    ) -> None:
        text: Any = "fine"
        train(self.net, self.optimizer, 3, after_step=lambda i: run.log(note=text, lr=1.0, a=2.0))
        frame = self.frame(run)
        assert "note" not in frame
        assert frame["lr"].tolist() == [0.1] * 3
        assert frame["a"].tolist() == [2.0] * 3
        assert [r.levelno for r in caplog.records] == [logging.WARNING] * 2

    @pytest.mark.parametrize(
        "value",
        [10**5000, torch.empty(1, device="meta"), torch.ones(2), 1j, None, Unprintable()],
        ids=["long", "meta", "two", "complex", "none", "unprintable"],
    )
    def test_whatever_is_logged_nothing_reaches_the_loop(
        self, run: lrwatch.Run, caplog: pytest.LogCaptureFixture, value: Any
    ) -> None:
        train(self.net, self.optimizer, 3, after_step=lambda i: run.log(x=value, a=2.0))
        frame = self.frame(run)
        assert "x" not in frame
        assert frame["a"].tolist() == [2.0] * 3
        assert [r.levelno for r in caplog.records] == [logging.WARNING]

    def test_after_the_end_it_does_nothing_and_says_so_once(
        self, run: lrwatch.Run, caplog: pytest.LogCaptureFixture
    ) -> None:
        train(self.net, self.optimizer, 1)
        run.finish()
        for _ in range(3):
            run.log(accuracy=1.0)
        assert "accuracy" not in lrwatch.read(run.path)
        assert sum("has ended" in r.getMessage() for r in caplog.records) == 1

    def test_before_the_first_step_it_belongs_to_that_one(self, run: lrwatch.Run) -> None:
        run.log(accuracy=0.5)
        train(self.net, self.optimizer, 1)
        assert self.frame(run)["accuracy"].tolist() == [0.5]


class TestLoss:
    def test_none_records_only_what_is_logged(self, net: nn.Sequential, tmp_path: Path) -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        run = watch(optimizer, tmp_path, loss=None)

        def log_once(step: int) -> None:
            if step == 1:
                run.log(loss=7.0)

        train(net, optimizer, 3, after_step=log_once)
        assert lrwatch.read(run.path)["loss"].tolist() == pytest.approx(
            [math.nan, 7.0, math.nan], nan_ok=True
        )
        run.finish()

    def test_a_vector_root_is_no_loss(self, net: nn.Sequential, tmp_path: Path) -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        run = watch(optimizer, tmp_path)
        out = net(batch()[0])
        out.backward(torch.ones_like(out))
        optimizer.step()
        assert lrwatch.read(run.path)["loss"].isna().all()
        run.finish()

    @pytest.mark.parametrize("n_steps", [3, 25])
    def test_where_none_is_found_it_is_said_once(
        self, net: nn.Sequential, tmp_path: Path, caplog: pytest.LogCaptureFixture, n_steps: int
    ) -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        with watch(optimizer, tmp_path, alerts=None) as run:
            for k in range(n_steps):
                loss = nn.functional.cross_entropy(net(batch(k)[0]), batch(k)[1])
                gradients = torch.autograd.grad(loss, list(net.parameters()))
                for parameter, gradient in zip(net.parameters(), gradients, strict=True):
                    parameter.grad = gradient
                optimizer.step()
        frame = lrwatch.read(run.path)
        assert frame["loss"].isna().all()
        assert frame["grad_norm"].notna().all()
        told = [r.getMessage() for r in caplog.records if "no loss" in r.getMessage()]
        assert len(told) == 1
        assert "run.log(loss=...)" in told[0]

    def test_where_no_parameter_has_a_gradient_that_is_said_instead(
        self, net: nn.Sequential, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        optimizer = torch.optim.SGD(small_net(1).parameters(), lr=0.1)  # of another net
        with watch(optimizer, tmp_path, alerts=None):
            for k in range(12):
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(batch(k)[0]), batch(k)[1]).backward()
                optimizer.step()
        (told,) = [r.getMessage() for r in caplog.records if "no loss" in r.getMessage()]
        assert told == (
            "no loss was found in 10 steps: no parameter of the optimizer had a gradient; check "
            "that the optimizer holds the parameters that the loss depends on, and that they are "
            "neither frozen nor detached"
        )

    @pytest.mark.parametrize("when", ["before_step", "after_step"])
    def test_one_that_is_logged_is_not_missed(
        self, net: nn.Sequential, tmp_path: Path, caplog: pytest.LogCaptureFixture, when: str
    ) -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

        def step(run: lrwatch.Run, k: int) -> None:
            net(batch(k)[0]).backward(torch.ones(12, 3))
            if when == "before_step":
                run.log(loss=1.0)
            optimizer.step()
            if when == "after_step":
                run.log(loss=1.0)

        with watch(optimizer, tmp_path, alerts=None) as run:
            for k in range(12):
                step(run, k)
        assert lrwatch.read(run.path)["loss"].tolist() == [1.0] * 12
        assert "no loss" not in caplog.text

    def test_nan_and_infinity_are_kept(self, net: nn.Sequential, tmp_path: Path) -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        run = watch(optimizer, tmp_path)
        for factor in (1.0, math.inf, math.nan):
            optimizer.zero_grad()
            (net(batch()[0]).square().mean() * factor).backward()
            optimizer.step()
        loss = lrwatch.read(run.path)["loss"]
        assert math.isfinite(loss[0])
        assert loss[1] == math.inf
        assert math.isnan(loss[2])
        run.finish()

    def test_the_loss_of_another_net_is_not_ours(self, net: nn.Sequential, tmp_path: Path) -> None:
        other = small_net(1)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

        def train_another(step: int) -> None:
            nn.functional.cross_entropy(other(batch()[0]), batch()[1]).backward()

        run = watch(optimizer, tmp_path)
        train_another(0)
        losses = train(net, optimizer, 3, before_step=train_another)
        assert lrwatch.read(run.path)["loss"].tolist() == losses
        run.finish()

    def test_a_loss_whose_gradient_was_thrown_away_does_not_count(
        self, net: nn.Sequential, tmp_path: Path
    ) -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        run = watch(optimizer, tmp_path)
        nn.functional.cross_entropy(net(batch()[0]), batch()[1]).backward()
        losses = train(net, optimizer, 1)  # which begins with zero_grad
        assert lrwatch.read(run.path)["loss"].tolist() == losses
        run.finish()

    def test_two_runs_at_once_get_their_own(self, tmp_path: Path) -> None:
        nets = [small_net(0), small_net(1)]
        optimizers = [torch.optim.SGD(n.parameters(), lr=0.1) for n in nets]
        runs = [watch(o, tmp_path, name="both") for o in optimizers]
        expected: list[list[float]] = [[], []]
        for step in range(3):
            for i, (one, optimizer) in enumerate(zip(nets, optimizers, strict=True)):
                expected[i] += train(one, optimizer, 1 + step)
        for run, losses in zip(runs, expected, strict=True):
            run.finish()
            assert lrwatch.read(run.path)["loss"].tolist() == losses


class TestLife:
    def test_training_is_the_same_with_and_without(self, tmp_path: Path) -> None:
        plain, watched = small_net(), small_net()
        one, two = (torch.optim.Adam(n.parameters(), lr=0.01) for n in (plain, watched))
        expected = train(plain, one, 30)
        run = watch(two, tmp_path)
        assert train(watched, two, 30) == expected
        run.finish()

    def test_a_with_block_ends_the_run(self, net: nn.Sequential, tmp_path: Path) -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        with watch(optimizer, tmp_path) as run:
            train(net, optimizer, 2)
        train(net, optimizer, 2)
        assert len(lrwatch.read(run.path)) == 2
        assert read_run_info(run.path).status == "finished"

    @pytest.mark.parametrize(
        ("error", "status"),
        [(ValueError, "failed"), (KeyboardInterrupt, "interrupted"), (SystemExit, "finished")],
    )
    def test_an_exception_is_told(
        self, net: nn.Sequential, tmp_path: Path, error: type[BaseException], status: str
    ) -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        with pytest.raises(error), watch(optimizer, tmp_path) as run:
            raise error
        assert read_run_info(run.path).status == status

    def test_a_dropped_optimizer_ends_its_run(self, tmp_path: Path) -> None:
        paths = []
        for seed in range(3):
            net = small_net(seed)
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
            paths.append(watch(optimizer, tmp_path, name="sweep").path)
            train(net, optimizer, 2)
        del optimizer, net
        gc.collect()
        assert [read_run_info(path).status for path in paths] == ["finished"] * 3
        assert [len(lrwatch.read(path)) for path in paths] == [2] * 3

    def test_watching_an_optimizer_anew_ends_the_earlier_run(
        self, net: nn.Sequential, tmp_path: Path
    ) -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        first = watch(optimizer, tmp_path, name="cell")
        train(net, optimizer, 2)
        second = watch(optimizer, tmp_path, name="cell")
        train(net, optimizer, 3)
        second.finish()
        assert [len(lrwatch.read(run.path)) for run in (first, second)] == [2, 3]

    def test_checkpoints_and_copies_stay_free_of_lrwatch(
        self, net: nn.Sequential, tmp_path: Path
    ) -> None:
        optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
        bare = set(optimizer.state_dict())
        run = watch(optimizer, tmp_path)
        train(net, optimizer, 2)
        assert set(optimizer.state_dict()) == bare
        assert b"lrwatch" not in pickle.dumps(optimizer)
        twin = copy.deepcopy(optimizer)
        twin.step()
        assert len(lrwatch.read(run.path)) == 2
        run.finish()

    def test_an_error_of_ours_never_reaches_the_loop(
        self,
        net: nn.Sequential,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        run = watch(optimizer, tmp_path)
        train(net, optimizer, 2)

        def broken(*_: object) -> None:
            raise RuntimeError("a fault of ours")

        monkeypatch.setattr("lrwatch.capture.gradients.total_norm", broken)
        train(net, optimizer, 3)
        assert len(lrwatch.read(run.path)) == 2
        assert read_run_info(run.path).status == "failed"
        assert caplog.text.count("lrwatch stops recording; training goes on") == 1

    def test_resume_goes_on_and_supersedes(self, net: nn.Sequential, tmp_path: Path) -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        run = watch(optimizer, tmp_path, name="job")
        first = train(net, optimizer, 6)
        run.finish()
        again = watch(optimizer, tmp_path, name="job", resume=4)
        second = train(net, optimizer, 4)
        again.finish()
        frame = lrwatch.read(tmp_path / "job")
        assert frame["step"].tolist() == list(range(8))
        assert frame["loss"].tolist() == first[:4] + second
        assert again.id == run.id


class TestArguments:
    @pytest.mark.parametrize("thing", [None, small_net(), [1], "adam", torch.optim.SGD])
    def test_something_else_than_an_optimizer(self, tmp_path: Path, thing: Any) -> None:
        with pytest.raises(NotAnOptimizer, match=r"takes a torch\.optim\.Optimizer, got"):
            watch(thing, tmp_path)

    def test_parameters_that_a_lazy_module_has_still_to_make(self, tmp_path: Path) -> None:
        optimizer = torch.optim.SGD(nn.LazyLinear(2).parameters())
        with pytest.raises(InvalidArgument, match="call the model on a batch before watch"):
            watch(optimizer, tmp_path)
        assert not list(tmp_path.iterdir())

    def test_a_folder_that_cannot_be_written(self, net: nn.Sequential, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(StoreNotWritable, match="cannot create a run in"):
            watch(torch.optim.SGD(net.parameters(), lr=0.1), tmp_path / "file")

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            ({"name": "a:b"}, "must not contain ':'"),
            ({"name": 3}, "name must be a text"),
            ({"update_norm_every": 0}, "whole number, at least 1, got 0"),
            ({"update_norm_every": True}, "got True"),
            ({"total_steps": -5}, "total_steps must be"),
            ({"loss": "mse"}, "loss must be 'auto' or None"),
            ({"config": [1, 2]}, "config must be a mapping"),
            ({"resume": True}, "resume needs the name"),
        ],
    )
    def test_what_is_not_allowed_is_said(
        self, net: nn.Sequential, tmp_path: Path, options: dict[str, Any], problem: str
    ) -> None:
        with pytest.raises(InvalidArgument, match=problem):
            watch(torch.optim.SGD(net.parameters(), lr=0.1), tmp_path, **options)
        assert list(tmp_path.iterdir()) == []

    def test_an_address_that_nobody_knows_is_refused_before_a_folder_of_that_name_is_made(
        self, net: nn.Sequential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(InvalidArgument, match="nowhere://bucket/runs"):
            lrwatch.watch(torch.optim.SGD(net.parameters(), lr=0.1), dir="nowhere://bucket/runs")
        assert list(tmp_path.iterdir()) == []

    def test_a_name_with_a_slash_is_kept_and_found_again(
        self, net: nn.Sequential, tmp_path: Path
    ) -> None:
        for is_later in (False, True):
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
            with watch(optimizer, tmp_path, name="org/model", resume=is_later) as run:
                train(net, optimizer, 3)
            assert (Path(run.path), run.name) == (tmp_path / "org-model", "org/model")
        assert len(lrwatch.read(tmp_path / "org-model")) == 6

    def test_a_run_to_resume_must_be_there(self, net: nn.Sequential, tmp_path: Path) -> None:
        with pytest.raises(RunNotFound):
            watch(torch.optim.SGD(net.parameters(), lr=0.1), tmp_path, name="x", resume=True)

    def test_the_default_name_tells_optimizer_and_rate(
        self, net: nn.Sequential, tmp_path: Path
    ) -> None:
        with watch(torch.optim.AdamW(net.parameters(), lr=3e-4), tmp_path) as run:
            assert run.name == "adamw-0.0003"

    @pytest.mark.parametrize("kind", ["mapping", "namespace", "dataclass"])
    def test_a_configuration_is_kept_in_json(
        self, net: nn.Sequential, tmp_path: Path, kind: str
    ) -> None:
        @dataclasses.dataclass
        class Options:
            size: int = 3
            where: Path = Path("data")

        values = {"size": 3, "where": Path("data")}
        config = {
            "mapping": values,
            "namespace": argparse.Namespace(**values),
            "dataclass": Options(),
        }[kind]
        with watch(torch.optim.SGD(net.parameters(), lr=0.1), tmp_path, config=config) as run:
            assert read_run_info(run.path).config == {"size": 3, "where": "data"}

    def test_a_configuration_of_any_kind_is_kept_as_far_as_it_goes(
        self, net: nn.Sequential, tmp_path: Path
    ) -> None:
        config: dict[Any, Any] = {
            (1, 2): {(3, 4): 5},
            "type": torch.float32,
            "weight": torch.ones(2, 2),
            "phase": torch.tensor(1j),
            "odd": Unprintable(),
        }
        config["itself"] = [config]
        with watch(torch.optim.SGD(net.parameters(), lr=0.1), tmp_path, config=config) as run:
            kept = read_run_info(run.path).config
        assert kept["(1, 2)"] == {"(3, 4)": 5}
        assert kept["type"] == "torch.float32"
        assert kept["itself"] == ["..."]
        assert kept.keys() == {str(key) for key in config}


class TestSeveralOptimizers:
    """A generator and a discriminator: each run has the loss whose gradients it used."""

    def train_gan(self, runs: lrwatch.RunGroup | None = None) -> tuple[list[float], list[float]]:
        generator, discriminator = self.nets
        g, d = self.optimizers
        g_losses, d_losses = [], []
        for step in range(4):
            x, _ = batch(step)
            real = torch.ones(12, 3)
            fake = generator(x)
            d.zero_grad()
            d_real = nn.functional.mse_loss(discriminator(x), real)
            d_fake = nn.functional.mse_loss(discriminator(fake.detach()[:, :1] * x), -real)
            d_real.backward()
            d_fake.backward()
            d.step()
            g.zero_grad()
            g_loss = nn.functional.mse_loss(discriminator(fake[:, :1] * x), real)
            g_loss.backward()  # fills the discriminator's gradients too; they are thrown away
            g.step()
            g_losses.append(g_loss.item())
            d_losses.append(d_real.item() + d_fake.item())
        return g_losses, d_losses

    @pytest.fixture(autouse=True)
    def gan(self) -> None:
        self.nets = small_net(0), small_net(1)
        self.optimizers = [torch.optim.Adam(n.parameters(), lr=0.01) for n in self.nets]

    def test_each_run_gets_its_own_loss(self, tmp_path: Path) -> None:
        g, d = self.optimizers
        with lrwatch.watch({"generator": g, "discriminator": d}, dir=tmp_path, name="gan") as runs:
            g_losses, d_losses = self.train_gan()
        assert [run.name for run in runs.values()] == ["gan-generator", "gan-discriminator"]
        assert lrwatch.read(runs["generator"].path)["loss"].tolist() == pytest.approx(g_losses)
        assert lrwatch.read(runs["discriminator"].path)["loss"].tolist() == pytest.approx(d_losses)

    def test_the_runs_share_a_group(self, tmp_path: Path) -> None:
        g, d = self.optimizers
        runs = lrwatch.watch({"g": g, "d": d}, dir=tmp_path)
        runs.log(epoch=1)
        self.train_gan()
        runs.finish()
        infos = [read_run_info(run.path) for run in runs.values()]
        assert infos[0].group == infos[1].group
        assert infos[0].group is not None
        assert lrwatch.read(runs["d"].path)["epoch"][0] == 1.0

    def test_what_is_no_optimizer_is_said_and_nothing_stays_open(self, tmp_path: Path) -> None:
        bad: Any = {"g": self.optimizers[0], "d": None}
        with pytest.raises(NotAnOptimizer):
            lrwatch.watch(bad, dir=tmp_path)
        assert read_run_info(tmp_path / "g").status == "finished"

    def test_no_optimizer_at_all_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidArgument, match="mapping is empty"):
            lrwatch.watch({}, dir=tmp_path)


class TestKindsOfGradients:
    """Each against norms computed beside, in float64."""

    def check(
        self, folder: Path, optimizer: torch.optim.Optimizer, loss_of: Callable[[], torch.Tensor]
    ) -> None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        truth: list[tuple[float, float]] = []
        with watch(optimizer, folder, update_norm_every=1) as run:
            for _ in range(4):
                optimizer.zero_grad()
                loss_of().backward()
                grads = [g.to_dense() if g is not None else g for g in (p.grad for p in parameters)]
                before = [p.detach().clone() for p in parameters]
                optimizer.step()
                change = [p.detach() - b for p, b in zip(parameters, before, strict=True)]
                truth.append((length(grads), length(change)))
        frame = lrwatch.read(run.path)
        assert frame["grad_norm"].tolist() == pytest.approx([t[0] for t in truth], rel=2e-3)
        assert frame["update_norm"].tolist() == pytest.approx([t[1] for t in truth], rel=2e-3)

    def test_sparse(self, tmp_path: Path) -> None:
        table = nn.Embedding(20, 4, sparse=True)
        optimizer = torch.optim.SparseAdam(table.parameters(), lr=0.1)
        words = torch.tensor([1, 3, 3, 7])
        with torch.sparse.check_sparse_tensor_invariants():
            self.check(tmp_path, optimizer, lambda: table(words).square().sum())

    def test_complex(self, tmp_path: Path) -> None:
        weight = nn.Parameter(torch.randn(5, dtype=torch.complex64))
        optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
        self.check(tmp_path, optimizer, lambda: weight.abs().square().sum())

    def test_bfloat16_beside_float64(self, tmp_path: Path) -> None:
        low = nn.Parameter(torch.randn(300).bfloat16())
        high = nn.Parameter(torch.randn(300).double())
        optimizer = torch.optim.SGD([low, high], lr=0.1, momentum=0.9)
        self.check(tmp_path, optimizer, lambda: low.float().pow(2).sum() + high.pow(2).sum())

    def test_a_parameter_without_a_gradient(self, tmp_path: Path) -> None:
        used, unused = nn.Parameter(torch.randn(5)), nn.Parameter(torch.randn(5))
        optimizer = torch.optim.Adam([unused, used], lr=0.1)
        self.check(tmp_path, optimizer, lambda: used.square().sum())

    def test_no_gradient_at_all(self, tmp_path: Path) -> None:
        optimizer = torch.optim.Adam([nn.Parameter(torch.randn(5))], lr=0.1)
        with watch(optimizer, tmp_path) as run:
            optimizer.step()
        frame = lrwatch.read(run.path)
        assert frame["grad_norm"].tolist() == [0.0]
        assert frame["loss"].isna().all()


def length(tensors: list[torch.Tensor | None]) -> float:
    """Return the L2 norm of real and complex tensors together, in float64."""
    squares = [t.detach().abs().double().square().sum() for t in tensors if t is not None]
    return math.sqrt(sum(float(square) for square in squares))
