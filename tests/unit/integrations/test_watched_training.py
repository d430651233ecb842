"""A framework's training is watched, and nothing that goes wrong with that reaches it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch

import lrwatch
from lrwatch.integrations.torchtune import TorchtuneLogger
from lrwatch.integrations.training import WatchedTraining, own_numbers
from lrwatch.integrations.ultralytics import ultralytics_callbacks
from lrwatch.store import read_run_info


def a_job() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    net = torch.nn.Linear(3, 1)
    return net, torch.optim.SGD(net.parameters(), lr=0.1)


def step(net: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    net(torch.ones(4, 3)).square().mean().backward()
    optimizer.step()


def test_numbers_alone_are_logged_and_none_that_is_recorded_anyway() -> None:
    given: dict[Any, Any] = {"loss": 1.0, "val_loss": 2.0, "best": True, "stage": "fit", 3: 4}
    assert own_numbers(given) == {"val_loss": 2.0}
    assert set(own_numbers({"one": torch.ones(1), "none": torch.ones(0), "two": [1]})) == {"one"}


def test_a_training_is_one_run_with_its_settings(tmp_path: Path) -> None:
    net, optimizer = a_job()
    training = WatchedTraining(tmp_path, "run", {"batch_size": 4})
    training.begin([optimizer], model=net, config={"batch_size": 1, "depth": 2}, total_steps=9)
    training.begin([optimizer], model=net)  # again, as a second epoch might
    step(net, optimizer)
    training.log({"val_loss": 0.5, "loss": 7.0})
    training.end()
    training.end()
    training.log({"val_loss": 0.5})
    info, frame = read_run_info(tmp_path / "run"), lrwatch.read(tmp_path / "run")
    assert info.config == {"batch_size": 4, "depth": 2}  # what the user says counts
    assert (info.total_steps, info.status) == (9, "finished")
    assert frame["val_loss"].tolist() == [0.5]
    assert frame["loss"].tolist() != [7.0]


def test_several_optimizers_are_a_run_each(tmp_path: Path) -> None:
    training = WatchedTraining(tmp_path)
    training.begin({"actor": a_job()[1], "critic": a_job()[1]})
    training.end(KeyboardInterrupt())
    assert {path.name for path in tmp_path.iterdir()} == {"actor", "critic"}
    assert read_run_info(tmp_path / "actor").status == "interrupted"


def test_what_cannot_be_recorded_is_said_and_training_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "runs").write_text("a file")
    net, optimizer = a_job()
    training = WatchedTraining(tmp_path / "runs")
    with caplog.at_level(logging.WARNING, "lrwatch"):
        training.begin([optimizer])
    assert "this training is not recorded" in caplog.text
    step(net, optimizer)
    training.log({"val_loss": 1.0})
    training.end()


class Trainer:
    """Has of ultralytics' trainer what its callbacks are given."""

    def __init__(self) -> None:
        self.model, self.optimizer = a_job()
        self.args = type("Arguments", (), {})()
        self.args.imgsz, self.epoch, self.metrics = 64, 0, {"metrics/mAP50(B)": 0.5}


def test_ultralytics_calls_functions_by_event(tmp_path: Path) -> None:
    on, trainer = ultralytics_callbacks(dir=tmp_path, name="yolo"), Trainer()
    on["on_train_start"](trainer)
    step(trainer.model, trainer.optimizer)
    on["on_train_batch_end"](trainer)
    on["on_fit_epoch_end"](trainer)
    on["on_train_end"](trainer)
    frame = lrwatch.read(tmp_path / "yolo")
    assert frame["metrics/mAP50(B)"].tolist() == [0.5]
    assert frame["epoch"].tolist() == [0]
    assert read_run_info(tmp_path / "yolo").config == {"imgsz": 64}


def test_torchtune_logs_a_row_a_step(tmp_path: Path) -> None:
    if not hasattr(lrwatch, "open_run"):
        pytest.skip("lrwatch.open_run is not there")
    logger = TorchtuneLogger(dir=str(tmp_path), name="tune", log_every_n_steps=1)
    logger.log_config({"model": {"rank": 8}})
    for k in range(1, 4):
        row = {"loss": torch.tensor(3.0 / k), "lr": 2e-5, "tokens_per_second_per_gpu": 100.0}
        logger.log_dict(row, step=k)
    logger.log("val_loss", 0.7, step=3)
    logger.close()
    frame = lrwatch.read(tmp_path / "tune")
    assert frame["step"].tolist() == [1, 2, 3]
    assert frame["lr"].tolist() == [2e-5] * 3
    assert frame["loss"].tolist() == [3.0, 1.5, 1.0]
    assert frame["val_loss"].tolist()[-1] == 0.7
    assert read_run_info(tmp_path / "tune").config == {"model": {"rank": 8}}
