"""`range_test`: trains for a few hundred steps while the rate grows, and reads what came of it."""

from __future__ import annotations

import functools
import inspect
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lrwatch.capture import sharding
from lrwatch.capture.groups import learning_rates
from lrwatch.capture.wrappers import unwrapped
from lrwatch.comparing import RangeReading, read_range_test
from lrwatch.errors import InvalidArgument, NotAnOptimizer
from lrwatch.range_testing.restoring import restored
from lrwatch.recording.description import describe
from lrwatch.records import FLOAT_COLUMNS, NULL
from lrwatch.store.creation import create_run
from lrwatch.store.writer import Row, RunWriter
from lrwatch.uploading import carry, finish, prepare

__all__ = ["range_test"]

FEWEST_STEPS: Final = 20

PATIENCE: Final = 0.02
"""Share of the steps, at least four, for which the loss must be lost before the test stops."""

_AHEAD: Final = 0.1
"""Share of the steps from which the level at the start is taken."""


def range_test(  # noqa: PLR0913  one call, its options keyword-only
    model: nn.Module,
    optimizer: Optimizer,
    loss_fn: Callable[..., Tensor] | None,
    loader: Iterable[Any],
    *,
    start_lr: float = 1e-7,
    end_lr: float = 10.0,
    steps: int = 300,
    scheduler: Any = None,
    dir: str | os.PathLike[str] | None = None,  # noqa: A002  as in `lrwatch.watch`
    name: str | None = None,
    config: Any = None,
) -> RangeReading:
    """Train while the learning rate grows by the same factor at each step; read which one to try.

    It stops where the loss is lost, which is no error. Afterwards model, optimizer, scheduler,
    gradients, buffers, modes, and the random numbers of Python, numpy and torch are as they were,
    also after an error or Ctrl-C, and so is the order in which `loader` gives its batches, unless
    its data set draws numbers or keeps its place by means of its own.

    Parameters
    ----------
    model
        Trained as it stands: usually fresh.
    optimizer
        Any torch optimizer. The rates of its groups keep their ratios; the first group's counts.
    loss_fn
        A function of outputs and targets, where a batch is a pair of inputs and targets; or one
        whose first parameter is called ``model``, of the model and the batch; or ``None``, where
        ``model(**batch).loss`` is the loss, as in transformers.
    loader
        Anything that gives batches and can be gone through again; it is, where it is short.
    start_lr, end_lr
        First rate, and the last one if the loss is not lost before.
    steps
        Optimizer steps from the one to the other.
    scheduler
        One that `loss_fn` or the model steps. Others are left alone.
    dir, name, config
        Where the test is kept as a run, as in `lrwatch.watch`; nowhere without `dir`.

    Returns
    -------
    RangeReading
        ``lr``, ``low``, ``high``, ``confidence`` and ``reason``; ``lr`` is ``None`` where the loss
        never falls, is not lost in the end, or falls by no more than noise could. ``path`` is
        the run's folder.

    Raises
    ------
    InvalidArgument
        If an argument is not allowed, or several processes train together.
    NotAnOptimizer
        If `optimizer` is something else.
    StoreNotWritable
        If the run cannot be created.
    """
    optimizer = _checked(optimizer, loader, start_lr, end_lr, steps)
    loss_of = _loss_of(loss_fn)
    rates = np.geomspace(start_lr, end_lr, steps)
    writer = None if dir is None else _writer(prepare(dir), name, config, optimizer, steps)
    losses: list[float] = []
    with ExitStack() as stack:
        if writer is not None:
            stack.push(functools.partial(_close, writer))
        stack.enter_context(restored(model, optimizer, scheduler, loader))
        model.train()
        ratios = _ratios(optimizer)
        batches = _shown(_endless(loader), steps)
        for rate, batch in zip(rates.tolist(), batches, strict=False):
            _set_rates(optimizer, rate, ratios)
            losses.append(_step(optimizer, functools.partial(loss_of, model, _moved(batch, model))))
            if writer is not None:
                row = (losses[-1], rate, *[NULL] * (len(FLOAT_COLUMNS) - 2))
                writer.append(Row(0, len(losses) - 1, time.time_ns() // 1000, row))
            if _is_lost(losses, steps):
                break
    found = read_range_test(rates[: len(losses)], np.array(losses))
    return replace(found, path=None if writer is None else writer.folder)


def _checked(optimizer: Any, loader: Any, start_lr: float, end_lr: float, steps: int) -> Optimizer:
    optimizer = unwrapped(optimizer)
    if not isinstance(optimizer, Optimizer):
        raise NotAnOptimizer(
            f"range_test() takes a torch.optim.Optimizer, got {type(optimizer).__name__}"
        )
    if not 0 < start_lr < end_lr < math.inf:
        raise InvalidArgument(
            f"start_lr and end_lr must be positive and rise, got {start_lr!r} and {end_lr!r}"
        )
    if type(steps) is not int or steps < FEWEST_STEPS:
        raise InvalidArgument(
            f"steps must be a whole number, at least {FEWEST_STEPS}, got {steps!r}"
        )
    if hasattr(loader, "__next__"):
        raise InvalidArgument(
            "loader must be something that can be gone through again, as a DataLoader or a list; "
            f"a {type(loader).__name__} would be used up"
        )
    if any(rate is NULL for rate in learning_rates(optimizer)):
        raise InvalidArgument(f"{type(optimizer).__name__} has no learning rate to sweep")
    if sharding.n_processes() > 1:
        raise InvalidArgument(
            "range_test() trains in one process; call it before the job is spread"
        )
    return optimizer


def _loss_of(loss_fn: Callable[..., Tensor] | None) -> Callable[[nn.Module, Any], Tensor]:
    if loss_fn is None:
        return _own_loss
    if not callable(loss_fn):
        raise InvalidArgument(f"loss_fn must be a function or None, got {loss_fn!r:.60}")
    try:
        first = next(iter(inspect.signature(loss_fn).parameters), "")
    except ValueError:  # of functions that are not written in Python
        first = ""
    return loss_fn if first == "model" else functools.partial(_pair_loss, loss_fn)


def _own_loss(model: nn.Module, batch: Any) -> Tensor:
    if not isinstance(batch, Mapping):
        raise InvalidArgument("without loss_fn a batch must be a mapping, as transformers has it")
    loss: Tensor = model(**batch).loss
    return loss


def _pair_loss(loss_fn: Callable[..., Tensor], model: nn.Module, batch: Any) -> Tensor:
    if not isinstance(batch, list | tuple) or len(batch) != 2:  # noqa: PLR2004
        raise InvalidArgument(
            "a batch must be a pair of inputs and targets, "
            f"got a {type(batch).__name__}; give a loss_fn(model, batch)"
        )
    return loss_fn(model(batch[0]), batch[1])


def _writer(
    store: Path, name: str | None, config: Any, optimizer: Optimizer, steps: int
) -> RunWriter:
    info = describe(optimizer, name=name, config=config, total_steps=steps, group=None)
    if name is None:
        info = replace(info, name=f"range-test-{info.optimizer.lower()}")
    writer = create_run(store, info, FLOAT_COLUMNS)
    carry(writer)
    return writer


def _close(writer: RunWriter, kind: type[BaseException] | None, *_: object) -> None:
    is_interrupted = kind is not None and issubclass(kind, KeyboardInterrupt)
    writer.close("finished" if kind is None else "interrupted" if is_interrupted else "failed")
    finish(writer.folder, patience=1.0)


def _ratios(optimizer: Optimizer) -> list[float]:
    rates = [float(rate) for rate in learning_rates(optimizer)]
    return [rate / rates[0] if rates[0] > 0 else 1.0 for rate in rates]


def _set_rates(optimizer: Optimizer, rate: float, ratios: list[float]) -> None:
    for group, ratio in zip(optimizer.param_groups, ratios, strict=True):
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate * ratio)
        else:
            group["lr"] = rate * ratio


def _step(optimizer: Optimizer, loss_of_batch: Callable[[], Tensor]) -> float:
    losses: list[float] = []

    def closure() -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        with torch.enable_grad():
            loss = loss_of_batch()
            loss.backward()
        losses.append(float(loss.detach()))
        return loss

    asked = inspect.signature(optimizer.step).parameters.get("closure")
    if asked is not None and asked.default is inspect.Parameter.empty:  # LBFGS
        optimizer.step(closure)  # type: ignore[arg-type]
    else:
        closure()
        optimizer.step()
    return losses[0]


def _is_lost(losses: list[float], steps: int) -> bool:
    """Whether the loss is far above where it began, or no number, and not by one batch's chance."""
    if not math.isfinite(losses[-1]):
        return True
    n = max(int(PATIENCE * steps), 4)
    if len(losses) < 3 * n:
        return False
    first = float(np.median(losses[: max(int(_AHEAD * steps), n)]))
    gained = max(first - float(np.min(losses)), abs(first))
    return float(np.min(losses[-n:])) > first + gained


def _endless(loader: Iterable[Any]) -> Iterator[Any]:
    while True:
        n = 0
        for n, batch in enumerate(loader, 1):  # noqa: B007  counts the batches of this pass
            yield batch
        if not n:
            raise InvalidArgument("the loader gave no batch")


def _shown(batches: Iterator[Any], steps: int) -> Iterable[Any]:
    """Show a progress bar on a terminal, where tqdm is installed."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return batches
    shown: Iterable[Any] = tqdm(
        batches, "Range test", steps, leave=False, disable=None, unit="step"
    )
    return shown


def _moved(batch: Any, model: nn.Module) -> Any:
    """Move the tensors of a batch to where the model is."""
    device = next((p.device for p in model.parameters()), None)
    return batch if device is None else _to(batch, device)


def _to(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, Mapping):
        return {name: _to(item, device) for name, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_to(item, device) for item in value)
    return value
