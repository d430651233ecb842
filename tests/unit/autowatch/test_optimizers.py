"""Which optimizers of a job become runs, and what they are called."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch_models import small_net, train

import lrwatch
from lrwatch.autowatch import optimizers as module
from lrwatch.autowatch.optimizers import EveryOptimizer
from lrwatch.autowatch.settings import Settings
from lrwatch.store import list_runs, read_run_info

INITIALIZE = torch.optim.Optimizer.__init__
BACKWARD = torch.autograd.backward


@pytest.fixture
def job(tmp_path: Path) -> Iterator[EveryOptimizer]:
    every = EveryOptimizer(Settings(str(tmp_path), program="train", command="train.py"))
    yield every
    every.end()
    assert torch.optim.Optimizer.__init__ is INITIALIZE
    assert torch.autograd.backward is BACKWARD


def runs(folder: Path) -> list[str]:
    return [entry.key for entry in list_runs(folder)]


def sgd(parameters: Any, **options: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.1, **options)


def test_the_first_step_has_its_loss(job: EveryOptimizer, tmp_path: Path) -> None:
    net = small_net()
    optimizer = sgd(net.parameters())
    losses = train(net, optimizer, 5)
    frame = lrwatch.read(tmp_path / "train-sgd-0.1")
    assert frame["loss"].tolist() == losses
    assert read_run_info(tmp_path / "train-sgd-0.1").config == {"command": "train.py"}


def test_an_optimizer_that_never_steps_leaves_nothing(job: EveryOptimizer, tmp_path: Path) -> None:
    optimizer = sgd(small_net().parameters())
    assert optimizer is not None
    job.end()
    assert list(tmp_path.iterdir()) == []
    assert not job.recorded


def test_the_name_has_the_learning_rate_before_warm_up(job: EveryOptimizer, tmp_path: Path) -> None:
    net = small_net()
    optimizer = sgd(net.parameters())
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.0)
    train(net, optimizer, 1)
    assert runs(tmp_path) == ["train-sgd-0.1"]
    assert lrwatch.read(tmp_path / "train-sgd-0.1")["lr"].tolist() == [0.0]


def test_several_optimizers_are_runs_of_one_group(job: EveryOptimizer, tmp_path: Path) -> None:
    nets = [small_net(0), small_net(1)]
    optimizers = [sgd(net.parameters()) for net in nets]
    losses = [train(*pair, 3) for pair in zip(nets, optimizers, strict=True)]
    assert runs(tmp_path) == ["train-sgd-0.1", "train-sgd-0.1-2"]
    for name, true in zip(runs(tmp_path), losses, strict=True):
        assert lrwatch.read(tmp_path / name)["loss"].tolist() == true
    groups = {read_run_info(tmp_path / name).group for name in runs(tmp_path)}
    assert len(groups) == 1
    assert groups != {None}


@pytest.mark.parametrize(
    ("name", "names"),
    [("", ["train-D-sgd-0.1", "train-gen-sgd-0.1"]), ("my gan", ["my gan-D", "my gan-gen"])],
)
def test_runs_are_called_as_the_script_calls_its_optimizers(
    tmp_path: Path, name: str, names: list[str]
) -> None:
    job = EveryOptimizer(Settings(str(tmp_path), name=name, program="train"))
    nets = [small_net(0), small_net(1)]
    opt_gen = sgd(nets[0].parameters())
    optimizers = {"D": torch.optim.SGD(nets[1].parameters(), lr=0.1)}
    train(nets[0], opt_gen, 2)
    train(nets[1], optimizers["D"], 2)
    job.end()
    assert runs(tmp_path) == names


def test_one_optimizer_needs_no_name_of_its_own(job: EveryOptimizer, tmp_path: Path) -> None:
    net = small_net()
    opt_gen = torch.optim.SGD(net.parameters(), lr=0.1)
    train(net, opt_gen, 2)
    assert runs(tmp_path) == ["train-sgd-0.1"]


@pytest.mark.slow
def test_those_of_the_same_name_are_gone_on_with_in_their_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nets = [small_net(0), small_net(1)]
    for n_before in (0, 7):
        job = EveryOptimizer(Settings(str(tmp_path), program="train", resume=True))
        for k, net in enumerate(nets):
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
            train(net, optimizer, 3 + k)
        job.end()
        assert runs(tmp_path) == ["train-sgd-0.1", "train-sgd-0.1-2"]
        assert job.n_before == n_before
    steps = [lrwatch.read(tmp_path / run)["step"].tolist() for run in runs(tmp_path)]
    assert steps == [list(range(6)), list(range(8))]
    assert not caplog.records


def test_a_run_that_cannot_be_gone_on_with_is_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    net = small_net()
    jobs = [EveryOptimizer(Settings(str(tmp_path), name="a"))]
    first = sgd(net.parameters())
    train(net, first, 2)
    jobs[0]._construction.end()  # it still writes
    jobs.append(EveryOptimizer(Settings(str(tmp_path), name="a", resume=True)))
    train(net, sgd(net.parameters()), 2)
    for job in jobs:
        job.end()
    assert runs(tmp_path) == ["a", "a-2"]
    assert "a is not gone on with, a new run begins" in caplog.text


def test_parameter_groups_have_their_columns_from_the_first_row(
    job: EveryOptimizer, tmp_path: Path
) -> None:
    net = small_net()
    groups = [{"params": [p], "lr": 0.1 * k} for k, p in enumerate(net.parameters(), start=1)]
    optimizer = torch.optim.SGD(groups)  # held: its run ends with it
    train(net, optimizer, 3)
    frame = lrwatch.read(tmp_path / "train-sgd-0.1")
    assert frame["lr/3"].tolist() == [0.4] * 3
    assert len(list((tmp_path / "train-sgd-0.1").glob("journal-*"))) == 1


def test_what_the_script_watches_itself_is_recorded_once(
    job: EveryOptimizer, tmp_path: Path
) -> None:
    net = small_net()
    optimizer = sgd(net.parameters())
    with lrwatch.watch(optimizer, dir=tmp_path, name="own"):
        train(net, optimizer, 4)
    assert runs(tmp_path) == ["own"]
    assert len(lrwatch.read(tmp_path / "own")) == 4
    assert not job.recorded


def test_a_copy_that_never_trains_is_none_of_ours(job: EveryOptimizer, tmp_path: Path) -> None:
    net = small_net()
    optimizer = sgd(net.parameters())
    train(net, optimizer, 2)
    state = optimizer.state_dict()
    other = sgd(small_net().parameters())
    other.load_state_dict(state)
    assert runs(tmp_path) == ["train-sgd-0.1"]


class TwoInOne(torch.optim.Optimizer):
    """Steps by means of another optimizer, as sharded and sharpness-aware ones do."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, {"lr": 0.1})
        self.inner = sgd(self.param_groups[0]["params"])

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.inner.step()


def test_an_optimizer_within_another_is_no_run_of_its_own(
    job: EveryOptimizer, tmp_path: Path
) -> None:
    net = small_net()
    losses = train(net, TwoInOne(net.parameters()), 4)
    assert runs(tmp_path) == ["train-twoinone-0.1"]
    assert lrwatch.read(tmp_path / "train-twoinone-0.1")["loss"].tolist() == losses


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5])
def test_optimizers_that_step_within_backward(
    job: EveryOptimizer,
    tmp_path: Path,
    n: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 4)
    weights = [nn.Parameter(torch.tensor([float(k + 1)])) for k in range(n)]
    optimizers = {weight: sgd([weight]) for weight in weights}

    def step(weight: torch.Tensor) -> None:
        optimizers[weight].step()  # type: ignore[index]
        optimizers[weight].zero_grad()  # type: ignore[index]

    for weight in weights:
        weight.register_post_accumulate_grad_hook(step)
    losses = []
    for _ in range(4):
        loss = torch.stack([weight.square().sum() for weight in weights]).sum()
        loss.backward()
        losses.append(loss.item())
    if n == 3:
        assert [lrwatch.read(tmp_path / name)["loss"].tolist() for name in runs(tmp_path)] == [
            losses
        ] * 3
    else:  # too many: all or nothing, and one warning
        assert list(tmp_path.iterdir()) == []
        assert [record.getMessage() for record in caplog.records] == [
            "lrwatch: 5 optimizers at once, but at most 4 are recorded: no further run begins; "
            "choose some with lrwatch.watch()"
        ]
    assert losses[-1] == pytest.approx(losses[0] * 0.8**6)


def test_a_sweep_is_recorded_whole(
    job: EveryOptimizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 4)
    for _ in range(7):
        net = small_net()
        optimizer = sgd(net.parameters())
        torch.optim.lr_scheduler.StepLR(optimizer, 1)  # in a cycle with the optimizer
        train(net, optimizer, 2)
    assert len(runs(tmp_path)) == 7
    assert sum(run.n_rows for run in job.recorded) == 14


@pytest.mark.slow
def test_a_run_ends_with_its_optimizer(job: EveryOptimizer, tmp_path: Path) -> None:
    net = small_net()
    optimizer = sgd(net.parameters())
    train(net, optimizer, 2)
    gone = weakref.ref(optimizer)
    del optimizer
    gc.collect()
    assert gone() is None
    assert read_run_info(tmp_path / "train-sgd-0.1").status == "finished"


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "finished"), (KeyboardInterrupt(), "interrupted"), (ValueError(), "failed")],
)
def test_what_ended_the_job_is_told(
    job: EveryOptimizer, tmp_path: Path, error: BaseException | None, status: str
) -> None:
    net = small_net()
    optimizer = sgd(net.parameters())
    train(net, optimizer, 2)
    job.end(error)
    assert read_run_info(tmp_path / "train-sgd-0.1").status == status


@pytest.mark.parametrize(("rank", "n_runs"), [("0", 1), ("", 1), ("1", 0)])
def test_only_the_first_process_of_a_job_writes(
    job: EveryOptimizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rank: str, n_runs: int
) -> None:
    monkeypatch.setenv("RANK", rank)
    net = small_net()
    train(net, sgd(net.parameters()), 3)
    assert len(runs(tmp_path)) == n_runs


def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "runs"
    folder.write_text("a file")
    job = EveryOptimizer(Settings(str(folder), name="named"))
    net = small_net()
    assert len(train(net, sgd(net.parameters()), 3)) == 3
    job.end()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert caplog.records[0].getMessage().startswith("lrwatch: named is not recorded: cannot")


def test_an_optimizer_that_cannot_be_watched_works(
    job: EveryOptimizer, caplog: pytest.LogCaptureFixture
) -> None:
    class Unhashable(torch.optim.SGD):
        __hash__ = None  # type: ignore[assignment]

    net = small_net()
    assert len(train(net, Unhashable(net.parameters(), lr=0.1), 3)) == 3
    assert "Unhashable is not recorded" in caplog.text


def test_nothing_is_watched_after_the_end(job: EveryOptimizer, tmp_path: Path) -> None:
    job.end()
    net = small_net()
    train(net, sgd(net.parameters()), 3)
    assert list(tmp_path.iterdir()) == []
