"""A range test trains for real, says which rates to try, and leaves everything as it was."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import lrwatch
from lrwatch.errors import InvalidArgument, NotAnOptimizer
from lrwatch.range_testing import restored
from lrwatch.store import read_run_info

pytestmark = pytest.mark.slow

Job = tuple[nn.Module, torch.optim.Optimizer, DataLoader[Any]]


def a_job(kind: Callable[..., torch.optim.Optimizer] = torch.optim.SGD, **options: Any) -> Job:
    torch.manual_seed(0)
    x = torch.randn(256, 8)
    y = (x @ torch.randn(8, 3)).argmax(1)
    net = nn.Sequential(
        nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3)
    )
    loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)
    return net, kind(net.parameters(), lr=0.01, **options), loader


def loss_fn(outputs: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.cross_entropy(outputs, targets)


def trained(job: Job, n_epochs: int = 1) -> list[float]:
    net, optimizer, loader = job
    losses = []
    for _ in range(n_epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss = loss_fn(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    return losses


def state_of(job: Job) -> list[Any]:
    net, optimizer, _ = job
    return [
        copy.deepcopy(net.state_dict()),
        copy.deepcopy(optimizer.state_dict()),
        [module.training for module in net.modules()],
        [None if p.grad is None else p.grad.clone() for p in net.parameters()],
        random.getstate(),
        np.random.get_state(),  # noqa: NPY002  what scripts use
        torch.get_rng_state(),
    ]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def test_it_names_a_rate_within_a_band_and_reaches_divergence() -> None:
    net, optimizer, loader = a_job()
    found = lrwatch.range_test(net, optimizer, loss_fn, loader, end_lr=1e4, steps=200)
    assert found.lr is not None
    assert found.low is not None
    assert found.high is not None
    assert found.diverges is not None
    assert 0.01 < found.lr < 10
    assert found.low < found.lr < found.high < found.diverges
    assert 0.5 < found.confidence <= 1
    assert f"try {found.lr:g}" in str(found)
    assert len(found.losses) < 200  # it stopped where the loss was lost
    assert found.path is None


OPTIMIZERS: list[tuple[type[torch.optim.Optimizer], dict[str, Any]]] = [
    (torch.optim.SGD, {"momentum": 0.9}),
    (torch.optim.AdamW, {}),
    (torch.optim.LBFGS, {"max_iter": 2}),
]


@pytest.mark.parametrize(("kind", "options"), OPTIMIZERS, ids=lambda value: str(value)[-20:])
@pytest.mark.parametrize("n_before", [0, 2])
def test_everything_is_as_it_was(
    kind: type[torch.optim.Optimizer], options: dict[str, Any], n_before: int
) -> None:
    job = a_job(kind, **options)
    if kind is not torch.optim.LBFGS:
        trained(job, n_before)
    next(iter(job[0].children())).eval()  # a frozen layer stays one
    before = state_of(job)
    lrwatch.range_test(job[0], job[1], loss_fn, job[2], steps=40, end_lr=1.0)
    assert same(before, state_of(job))


def test_a_training_goes_on_as_without_it() -> None:
    plain, tested = a_job(torch.optim.Adam), a_job(torch.optim.Adam)
    torch.manual_seed(1)
    expected = trained(plain, 2)
    torch.manual_seed(1)
    lrwatch.range_test(tested[0], tested[1], loss_fn, tested[2], steps=40)
    assert trained(tested, 2) == expected


def test_the_order_of_a_loader_with_its_own_numbers_stays() -> None:
    job = a_job()
    loader = DataLoader(
        job[2].dataset, batch_size=16, shuffle=True, generator=torch.Generator().manual_seed(3)
    )
    first = next(iter(loader))[1]
    loader.generator.manual_seed(3)
    lrwatch.range_test(job[0], job[1], loss_fn, loader, steps=40)
    assert torch.equal(next(iter(loader))[1], first)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_also_after_an_error_or_an_interruption(error: type[BaseException], tmp_path: Path) -> None:
    job = a_job(torch.optim.Adam)
    calls = iter(range(30))

    def failing(outputs: Tensor, targets: Tensor) -> Tensor:
        if next(calls) == 25:
            raise error
        return loss_fn(outputs, targets)

    before = state_of(job)
    with pytest.raises(error):
        lrwatch.range_test(job[0], job[1], failing, job[2], steps=40, dir=tmp_path, name="test")
    assert same(before, state_of(job))
    ended = "interrupted" if error is KeyboardInterrupt else "failed"
    assert read_run_info(tmp_path / "test").status == ended
    assert len(lrwatch.read(tmp_path / "test")) == 25


def test_objects_stay_the_same_ones_and_a_scheduler_goes_on() -> None:
    net, optimizer, loader = a_job(torch.optim.SGD, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.5)
    group, grad = optimizer.param_groups[0], torch.zeros(16, 8)
    first = next(net.parameters())
    first.grad = grad
    lrwatch.range_test(net, optimizer, loss_fn, loader, steps=40, scheduler=scheduler)
    assert optimizer.param_groups[0] is group
    assert first.grad is grad
    assert not grad.any()
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):  # none was made
        scheduler.step()
    assert scheduler.last_epoch == 1


def test_groups_keep_the_ratio_of_their_rates() -> None:
    net, _, loader = a_job()
    first, *_, last = net.children()
    parts: list[dict[str, Any]] = [
        {"params": first.parameters(), "lr": 0.1},
        {"params": last.parameters()},
    ]
    optimizer = torch.optim.SGD(parts, lr=0.01)
    seen: list[Any] = []
    optimizer.register_step_pre_hook(lambda *_: seen.append("hook"))

    def noting(outputs: Tensor, targets: Tensor) -> Tensor:
        seen.append([group["lr"] for group in optimizer.param_groups])
        return loss_fn(outputs, targets)

    lrwatch.range_test(net, optimizer, noting, loader, start_lr=1e-3, end_lr=1e-1, steps=20)
    assert seen[0] == pytest.approx([1e-3, 1e-4])
    assert seen[-1] == pytest.approx([1e-1, 1e-2])
    assert "hook" not in seen  # whoever listens to steps is not shown these
    trained((net, optimizer, loader))
    assert seen[-1] == "hook"


def test_a_watched_optimizer_records_its_training_and_not_the_test(tmp_path: Path) -> None:
    job = a_job()
    with lrwatch.watch(job[1], dir=tmp_path, name="run") as run:
        lrwatch.range_test(job[0], job[1], loss_fn, job[2], steps=40)
        losses = trained(job)
    frame = lrwatch.read(run.path)
    assert frame["loss"].tolist() == pytest.approx(losses)
    assert set(frame["lr"]) == {0.01}


def test_a_test_that_is_kept_is_a_run_that_everybody_knows_for_one(tmp_path: Path) -> None:
    net, optimizer, loader = a_job()
    found = lrwatch.range_test(
        net, optimizer, loss_fn, loader, end_lr=1e4, steps=200, dir=tmp_path, config={"seed": 1}
    )
    assert found.path is not None
    assert found.path.name == "range-test-sgd"
    frame = lrwatch.read(found.path)
    assert frame["loss"].dropna().to_numpy() == pytest.approx(found.losses)
    judged = lrwatch.diagnose(found.path)
    assert any(test.name == "range_test" and test.fired for test in judged.evidence)
    suggestion = lrwatch.suggest(tmp_path)
    assert (suggestion.basis, suggestion.lr) == ("range test", found.lr)
    assert (suggestion.low, suggestion.high) == (found.low, found.high)


def test_nothing_is_said_where_the_loss_never_falls_or_is_never_lost() -> None:
    net, optimizer, loader = a_job()
    noise = [(x, torch.randint(0, 3, (16,))) for x, _ in loader]
    found = lrwatch.range_test(net, optimizer, loss_fn, noise, end_lr=1e-4, steps=60)
    assert found.lr is None
    assert found.confidence == 0
    found = lrwatch.range_test(net, optimizer, loss_fn, loader, end_lr=0.5, steps=100)
    assert found.lr is None
    assert "test higher rates" in found.reason


def test_losses_of_a_model_and_a_batch() -> None:
    net, optimizer, loader = a_job()
    given: list[Any] = []

    def of_batch(model: nn.Module, batch: Any) -> Tensor:
        given.append(model)
        return loss_fn(model(batch["x"]), batch["y"])

    batches = [{"x": x, "y": y} for x, y in loader]
    lrwatch.range_test(net, optimizer, of_batch, batches, steps=20)
    assert set(given) == {net}

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Tensor, y: Tensor) -> Any:
            given.append("own")
            return type("Output", (), {"loss": loss_fn(self.net(x), y)})

    lrwatch.range_test(Own(), optimizer, None, batches, steps=20)
    assert given[-1] == "own"


def endless() -> Iterator[int]:
    yield 1


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"start_lr": 1.0, "end_lr": 0.1}, "must be positive and rise"),
    ({"start_lr": float("nan")}, "must be positive and rise"),
    ({"steps": 3}, "at least 20"),
    ({"steps": True}, "at least 20"),
    ({"loader": endless()}, "gone through again"),
    ({"loader": []}, "no batch"),
    ({"loader": [1, 2]}, r"loss_fn\(model, batch\)"),
    ({"loss_fn": 3}, "must be a function"),
    ({"loss_fn": None}, "must be a mapping"),
]


@pytest.mark.parametrize(("changed", "message"), REFUSED, ids=lambda value: str(value)[:30])
def test_arguments_that_are_not_allowed(changed: dict[str, Any], message: str) -> None:
    net, optimizer, loader = a_job()
    given: dict[str, Any] = {"loss_fn": loss_fn, "loader": loader, **changed}
    with pytest.raises(InvalidArgument, match=message):
        lrwatch.range_test(net, optimizer, **given)
    with pytest.raises(NotAnOptimizer):
        lrwatch.range_test(net, net, loss_fn, loader)  # type: ignore[arg-type]


def test_a_restoration_that_fails_does_not_keep_the_others_back() -> None:
    net, optimizer, loader = a_job()
    before = state_of((net, optimizer, loader))

    class Refusing:
        def state_dict(self) -> dict[str, int]:
            return {}

        def load_state_dict(self, _: object) -> None:
            raise OSError("no")

    def within(act: Callable[[], object]) -> None:
        with restored(net, optimizer, Refusing(), loader):
            act()

    with pytest.raises(OSError, match="no"):
        within(lambda: trained((net, optimizer, loader)))
    assert same(before, state_of((net, optimizer, loader)))
