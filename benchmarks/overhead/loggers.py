"""Other loggers, each given learning rate, gradient norm and loss at every step.

Each is used as its documentation shows, with its own defaults, on this machine alone: nothing
is sent anywhere. One that is not installed is left out. Of those that are no part of the
development tools::

    pip install wandb trackio mlflow-skinny
"""

from __future__ import annotations

import csv
import io
import logging
import os
from collections.abc import Callable
from contextlib import ExitStack, redirect_stdout
from pathlib import Path

__all__ = ["LOGGERS", "Log"]

Log = Callable[[int, dict[str, float]], object]
"""Called with the step and its numbers by name."""


def csv_file(folder: Path, stack: ExitStack) -> Log:
    file = stack.enter_context((folder / "steps.csv").open("w", buffering=1))
    writer = csv.writer(file)
    return lambda step, numbers: writer.writerow([step, *numbers.values()])


def tensorboard(folder: Path, stack: ExitStack) -> Log:
    from torch.utils.tensorboard import SummaryWriter

    return _scalars(SummaryWriter(str(folder)), stack)


def tensorboard_x(folder: Path, stack: ExitStack) -> Log:
    from tensorboardX import SummaryWriter

    return _scalars(SummaryWriter(str(folder)), stack)


def _scalars(writer: object, stack: ExitStack) -> Log:
    stack.callback(writer.close)  # type: ignore[attr-defined]
    add_scalar = writer.add_scalar  # type: ignore[attr-defined]

    def log(step: int, numbers: dict[str, float]) -> None:
        for name, number in numbers.items():
            add_scalar(name, number, step)

    return log


def lightning_csv(folder: Path, stack: ExitStack) -> Log:
    from lightning.pytorch.loggers import CSVLogger

    logger = CSVLogger(str(folder), name="bench")
    stack.callback(logger.finalize, "success")

    def log(step: int, numbers: dict[str, float]) -> None:
        logger.log_metrics(numbers, step=step)
        if step % 100 == 99:  # as often as a Trainer does by itself
            logger.save()

    return log


def wandb_offline(folder: Path, stack: ExitStack) -> Log:
    os.environ.update(WANDB_SILENT="true", WANDB_ERROR_REPORTING="false")
    import wandb

    settings = wandb.Settings(console="off")
    run = wandb.init(project="bench", mode="offline", dir=str(folder), settings=settings)
    stack.callback(run.finish)
    return lambda step, numbers: run.log(numbers, step=step)


def trackio_local(folder: Path, stack: ExitStack) -> Log:
    os.environ["TRACKIO_DIR"] = str(folder)
    import trackio

    def finish() -> None:
        with redirect_stdout(io.StringIO()):
            trackio.finish()

    with redirect_stdout(io.StringIO()):
        trackio.init(project="bench", auto_log_gpu=False, auto_log_cpu=False, embed=False)
    stack.callback(finish)
    return lambda step, numbers: trackio.log(numbers, step=step)


def mlflow_file(folder: Path, stack: ExitStack) -> Log:
    os.environ.update(MLFLOW_ALLOW_FILE_STORE="true", MLFLOW_DISABLE_TELEMETRY="true")
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri(folder.as_uri())
    mlflow.set_experiment("bench")
    mlflow.start_run()
    stack.callback(mlflow.end_run)
    return lambda step, numbers: mlflow.log_metrics(numbers, step=step)


LOGGERS: dict[str, Callable[[Path, ExitStack], Log]] = {
    "csv": csv_file,
    "tensorboard": tensorboard,
    "tensorboardX": tensorboard_x,
    "lightning csv": lightning_csv,
    "trackio": trackio_local,
    "wandb offline": wandb_offline,
    "mlflow file": mlflow_file,
}
"""By name: opens a logger in a folder and returns its function; the stack closes it."""
