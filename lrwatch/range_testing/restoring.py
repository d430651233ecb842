"""Everything that a few steps of training change, put back as it was: also after an error."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

__all__ = ["restored"]

Restore = Callable[[], object]

_PLAIN: Final = (bool, int, float, str, type(None))


@contextmanager
def restored(
    model: nn.Module, optimizer: Optimizer, scheduler: Any = None, loader: Any = None
) -> Iterator[None]:
    """Train within; afterwards all of these, and the random numbers to come, are as before.

    Hooks around the optimizer's steps are off meanwhile: who records or averages a training is
    not shown these steps.

    Parameters
    ----------
    model
        Its parameters, gradients, buffers, extra state and modes.
    optimizer
        Its state and its groups, which stay the same objects.
    scheduler
        Anything with ``state_dict`` and ``load_state_dict``.
    loader
        Its generators, where it has any, and that it was not begun.
    """
    with ExitStack() as stack:
        for restore in (
            *_of_random_numbers(),
            *_of_loader(loader),
            *_of_model(model, optimizer),
            *_of_optimizer(optimizer),
            *_of_scheduler(scheduler),
        ):
            stack.callback(restore)
        yield


def _of_random_numbers() -> Iterator[Restore]:
    yield partial(random.setstate, random.getstate())
    yield partial(np.random.set_state, np.random.get_state())  # noqa: NPY002  what scripts use
    yield partial(torch.set_rng_state, torch.get_rng_state())
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        yield partial(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all())
    if torch.backends.mps.is_available():
        yield partial(torch.mps.set_rng_state, torch.mps.get_rng_state())


def _of_loader(loader: Any) -> Iterator[Restore]:
    samplers = [getattr(loader, name, None) for name in ("sampler", "batch_sampler")]
    samplers.append(getattr(samplers[1], "sampler", None))
    known: list[torch.Generator] = []
    for each in (loader, *samplers):
        generator = getattr(each, "generator", None)
        if isinstance(generator, torch.Generator) and all(generator is not one for one in known):
            known.append(generator)
            yield partial(generator.set_state, generator.get_state())
    if hasattr(loader, "_iterator"):  # workers that a DataLoader keeps from epoch to epoch
        yield partial(setattr, loader, "_iterator", loader._iterator)  # noqa: SLF001


def _of_model(model: nn.Module, optimizer: Optimizer) -> Iterator[Restore]:
    parameters = {id(p): p for p in model.parameters()}
    parameters |= {id(p): p for group in optimizer.param_groups for p in group["params"]}
    for parameter in parameters.values():
        yield _values_of(parameter)
        yield partial(setattr, parameter, "grad", parameter.grad)
        parameter.grad = None  # training fills another one
    for module in model.modules():
        yield partial(setattr, module, "training", module.training)
        for name, buffer in module._buffers.items():  # noqa: SLF001  those not kept as well
            if buffer is not None:
                yield _values_of(buffer)
            yield partial(module._buffers.__setitem__, name, buffer)  # noqa: SLF001
        if type(module).get_extra_state is not nn.Module.get_extra_state:
            yield partial(module.set_extra_state, copy.deepcopy(module.get_extra_state()))


def _values_of(tensor: Tensor) -> Restore:
    values = tensor.detach().clone()

    def restore() -> None:
        with torch.no_grad():
            tensor.copy_(values)

    return restore


def _of_optimizer(optimizer: Optimizer) -> Iterator[Restore]:
    """Let the training work on copies, and put the objects themselves back."""
    yield _attributes_of(optimizer)
    yield _replaced(optimizer.state, optimizer.state)
    for group in optimizer.param_groups:
        yield _replaced(group, (name for name in group if name != "params"))
    for hooks in ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks"):
        registered = getattr(optimizer, hooks, {})
        restore = _replaced(registered, ())
        registered.clear()
        yield restore
    for within in vars(optimizer).values():
        if isinstance(within, Optimizer) and within is not optimizer:
            yield from _of_optimizer(within)


def _attributes_of(optimizer: Optimizer) -> Restore:
    """Keep counters and flags, such as the one that tells a scheduler of a first step."""
    before = dict(vars(optimizer))

    def restore() -> None:
        now = vars(optimizer)
        for name in [name for name, value in now.items() if isinstance(value, _PLAIN)]:
            if name in before:
                now[name] = before[name]
            else:
                del now[name]

    return restore


def _replaced(entries: Any, changing: Iterable[Any]) -> Restore:
    saved = dict(entries)
    for name in list(changing):
        entries[name] = copy.deepcopy(saved[name])

    def restore() -> None:
        entries.clear()
        entries.update(saved)

    return restore


def _of_scheduler(scheduler: Any) -> Iterator[Restore]:
    if scheduler is not None:
        yield partial(scheduler.load_state_dict, copy.deepcopy(scheduler.state_dict()))
