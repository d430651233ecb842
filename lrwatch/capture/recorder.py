"""One optimizer step, measured: hooks before and after `Optimizer.step` and what is between.

In order, for a plain step::

    backward          -> after_backward    the root is (a part of) the loss
    clip_grad_norm_   -> before_clipping   the gradient norm, which torch computed anyway
    step, before      -> _on_step_begin    learning rates; gradient norms; on sampled steps a copy
                                           of the parameters
    step, after       -> _on_step_end      update norm and parameter norm on sampled steps; hand on

With a closure, as LBFGS and Lightning use it, forward and backward run inside the step: then
the gradient is measured when the closure has first returned. A step that `GradScaler` skips
never begins: on_skipped takes its place.
"""

from __future__ import annotations

import functools
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer

from lrwatch.capture import backward, clipping, scaling
from lrwatch.capture.device_queue import DeviceQueue
from lrwatch.capture.groups import ParameterGroups, learning_rates
from lrwatch.capture.guard import guarded
from lrwatch.capture.norms import subtract, tensor_norms, total_norm
from lrwatch.capture.sampling import Sampling
from lrwatch.capture.sharding import is_sharded, local, sharded_norms
from lrwatch.capture.values import Number, Numbers, StepValues
from lrwatch.records import NULL

__all__ = ["Recorder"]

_PROBES = 64


class Recorder:
    """Measures every step of an optimizer and hands the numbers on.

    Parameters
    ----------
    optimizer
        Any torch optimizer. It is not kept alive by this object, and its `state_dict`,
        copies and pickles stay free of lrwatch.
    hand_on
        Called with the `StepValues` of each step, in order, on the training thread. All
        numbers are on the host then.
    on_give_up
        Called once if measuring failed; recording has then stopped.
    sampling
        Which steps measure update norm and parameter norm.
    model
        Gives names to parameter groups.
    capture_loss
        Take the loss from `backward`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        hand_on: Callable[[StepValues], None],
        on_give_up: Callable[[Exception], None],
        sampling: Sampling,
        model: torch.nn.Module | None = None,
        capture_loss: bool = True,
    ) -> None:
        self._optimizer = weakref.ref(optimizer)
        self._model = None if model is None else weakref.ref(model)
        self._on_give_up = on_give_up
        self._sampling = sampling
        self._capture_loss = capture_loss
        self._hand_on = hand_on
        self._queue = DeviceQueue(hand_on)
        self._probes: tuple[Tensor, ...] = ()
        self._read_groups(optimizer)
        self._n_steps = 0
        self._last: StepValues | None = None  # the step made last
        self._last_root: weakref.ref[Tensor] | None = None
        self._values: StepValues | None = None  # the step under way
        self._before: tuple[list[Tensor], list[Tensor]] | None = None  # parameters and copies
        # Of the coming step:
        self._loss: Number | None = None  # sum of the roots since the last step
        self._has_backward = False
        self._preclip: Numbers | None = None  # gradient norms before clipping, by tensor
        self._clipping: clipping.ByNorm | None = None  # of all gradients, by their norm
        self._logged: dict[str, Number] = {}
        self._handles = [
            optimizer.register_step_pre_hook(self._on_step_begin),
            optimizer.register_step_post_hook(self._on_step_end),
        ]
        for listeners in (backward.listeners, clipping.listeners, scaling.listeners):
            listeners.add(self)

    def detach(self) -> None:
        """Take every hook off, and hand on what is under way; torch is then as it was."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        for listeners in (backward.listeners, clipping.listeners, scaling.listeners):
            listeners.discard(self)
        self._before = self._values = None
        self._probes = ()
        self._queue.drain()

    def give_up(self, error: Exception) -> None:
        """Stop recording after an error of ours."""
        self.detach()
        self._on_give_up(error)

    def log(self, numbers: Mapping[str, Number], *, loss: object = None) -> bool:
        """Attach numbers that the script logs to the step they belong to.

        That is the step just made or, once `backward` has run again, the coming one. Before
        `backward`, only a `loss` that is not the root of the last one tells that the script
        has gone on.

        Returns whether it was done; if not, they belong to the step that was handed on last.
        """
        root = None if self._last_root is None else self._last_root()
        is_new = isinstance(loss, Tensor) and loss.requires_grad and loss is not root
        if self._last is None or self._has_backward or is_new:
            self._logged.update(numbers)
        elif self._last in self._queue:
            self._last.logged.update(numbers)
        else:
            return False
        return True

    # -- what the training loop does, in its order ------------------------------------------

    @guarded
    def before_backward(self) -> list[tuple[int, int] | None]:
        """Note the gradients as they are, and forget losses whose gradients were thrown away."""
        marks = self._gradient_marks()
        if self._loss is not None and not any(marks):
            self._loss = None  # `zero_grad` came since
        return marks

    @guarded
    def after_backward(self, before: object, roots: Sequence[object]) -> None:
        """Add the scalar roots of a `backward` that was ours to the loss of the coming step."""
        if before == self._gradient_marks():
            return  # it filled other gradients than ours
        self._has_backward = True
        self._preclip = self._clipping = None  # clipped before this: not what the step uses
        for root in roots:
            if self._capture_loss and isinstance(root, Tensor) and root.numel() == 1:
                self._add_loss(root)

    @guarded
    def before_clipping(self, parameters: list[Tensor], by_norm: clipping.ByNorm | None) -> None:
        """Measure the gradients, unless torch did, before they are clipped."""
        if self._clipping is not None:  # clipped twice: what the step uses must be measured
            norm = _on_host(self._clipping.norm)
            self._preclip = norm.reshape(1) if isinstance(norm, Tensor) else [norm]
            self._clipping = None
        if self._preclip is not None:
            return
        mine = {id(p) for p in self.groups.parameters if p.grad is not None}
        if mine.isdisjoint(id(p) for p in parameters):
            return
        is_all = mine == {id(p) for p in parameters if p.grad is not None}
        is_one = len(self.groups.counts) == 1 and not self._is_sharded
        if is_all and is_one and by_norm is not None:
            self._clipping = by_norm
        else:
            self._preclip = self._grad_norms()

    @guarded
    def _on_step_begin(
        self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        if not self.groups.is_current(optimizer):
            self._read_groups(optimizer)
        self._values = self._new_values(optimizer)
        closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
        if closure is None:
            self._measure_gradients(self._values)
            return None
        wrapped = self._measuring(closure)
        if "closure" in kwargs:
            return args, {**kwargs, "closure": wrapped}
        return (args[0], wrapped, *args[2:]), kwargs

    @guarded
    def _on_step_end(self, optimizer: Optimizer, *_: object) -> None:
        values = self._values
        if values is None:
            return
        if values.grad_norm is NULL:  # a closure that the optimizer never called
            self._measure_gradients(values)
        self._measure_update(values)
        if values.update_norm is NULL:
            _plain_sgd_update(optimizer, values)
        self._end_step(values)

    def n_steps_of(self, optimizer: Optimizer) -> int | None:
        """Return the number of steps so far, ``None`` for an optimizer that is not ours."""
        return self._n_steps if optimizer is self._optimizer() else None

    @guarded
    def on_skipped(self) -> None:
        """Record a step that was not made, for an overflow: the loss is known, no norm is."""
        optimizer = self._optimizer()
        if optimizer is not None:
            values = self._new_values(optimizer)
            values.skipped, values.update_norm = 1.0, 0.0
            self._end_step(values)

    # -- the parts of it --------------------------------------------------------------------

    def _read_groups(self, optimizer: Optimizer) -> None:
        model = None if self._model is None else self._model()
        self.groups = ParameterGroups.of(optimizer, model)
        self._is_on_host = self.groups.is_on_host()
        self._is_sharded = is_sharded(self.groups.parameters)
        # Those that tell whether a `backward` was ours: all, or many from first to last.
        self._probes = self.groups.parameters[:: len(self.groups.parameters) // _PROBES + 1]

    def _end_step(self, values: StepValues) -> None:
        if self._loss is not None and values.loss is NULL:
            values.loss = self._loss
        values.logged = self._logged
        values.time = time.time_ns() // 1000
        self._last, self._values = values, None
        self._n_steps += 1
        self._loss = self._preclip = self._clipping = None
        self._has_backward, self._logged = False, {}
        if self._is_on_host:
            self._hand_on(values)
        else:
            self._queue.push(values)

    def _new_values(self, optimizer: Optimizer) -> StepValues:
        rates = learning_rates(optimizer)
        values = StepValues(lr=rates[0])
        if len(rates) > 1:
            values.group_lr = rates
        return values

    def _add_loss(self, root: Tensor) -> None:
        self._last_root = weakref.ref(root)
        loss = scaling.unscaled(root)
        # On a CPU the number is there; elsewhere reading it would wait for the device.
        number = loss.item() if self._is_on_host else loss.detach()
        self._loss = number if self._loss is None else self._loss + number

    def _measuring(self, closure: Callable[[], Any]) -> Callable[[], Any]:
        @functools.wraps(closure)
        def call() -> Any:
            result = closure()
            self._after_closure()
            return result

        return call

    @guarded
    def _after_closure(self) -> None:
        values = self._values
        if values is not None and values.grad_norm is NULL:  # only after the first call
            self._measure_gradients(values)
            if self._loss is not None:
                values.loss = self._loss

    def _measure_gradients(self, values: StepValues) -> None:
        """Fill in the gradient norms, and copy the parameters if this step is sampled."""
        if self._clipping is not None:
            values.grad_norm, values.grad_norm_clipped = _norms_of(self._clipping)
        else:
            self._measure_gradients_by_tensor(values)
        if hasattr(self._optimizer(), "found_inf"):
            _unscale(values, self._optimizer())
        if self._sampling.is_due(self._n_steps):
            changing = [p for p in self.groups.parameters if p.grad is not None]
            self._before = changing, [local(p.detach()).clone() for p in changing]

    def _gradient_marks(self) -> list[tuple[int, int] | None]:
        """Return a mark for each gradient that differs once it was added to."""
        grads = [p.grad for p in self._probes]
        return [None if g is None else (id(g), g._version) for g in grads]  # noqa: SLF001

    def _measure_gradients_by_tensor(self, values: StepValues) -> None:
        norms = self._grad_norms()
        before = norms if self._preclip is None else self._preclip
        values.grad_norm = total_norm(before)
        values.grad_norm_clipped = values.grad_norm if before is norms else total_norm(norms)
        if len(self.groups.counts) > 1:
            values.group_grad_norm = self.groups.totals(self._with_gradient(), before)

    def _measure_update(self, values: StepValues) -> None:
        """Fill in update and parameter norms, if the step was sampled."""
        if self._before is None:
            return
        (changed, copies), self._before = self._before, None
        subtract([local(p.detach()) for p in changed], copies)
        changes = self._norms(copies, like=changed)
        sizes = self._norms([p.detach() for p in self.groups.parameters])
        values.update_norm, values.param_norm = total_norm(changes), total_norm(sizes)
        if len(self.groups.counts) > 1:
            values.group_update_norm = self.groups.totals(self._with_gradient(), changes)
            values.group_param_norm = self.groups.totals(None, sizes)

    def _with_gradient(self) -> list[bool]:
        return [p.grad is not None for p in self.groups.parameters]

    def _grad_norms(self) -> Numbers:
        return self._norms([p.grad for p in self.groups.parameters if p.grad is not None])

    def _norms(self, tensors: Sequence[Tensor], like: Sequence[Tensor] | None = None) -> Numbers:
        """Return the norms of whole tensors; `like` has their layout where it was taken off."""
        if self._is_sharded:
            return sharded_norms(tensors, like or tensors)
        return tensor_norms(tensors)


def _on_host(number: Tensor) -> Number:
    """Return the number if it can be read without waiting for a device."""
    return number.item() if number.device.type == "cpu" else number


def _norms_of(call: clipping.ByNorm) -> tuple[Number, Number]:
    """Return the norms before and after clipping, which scales as `clip_grad_norm_` does."""
    norm = _on_host(call.norm)
    scale: Number = call.max_norm / (norm + 1e-6)
    return norm, norm * (scale.clamp(max=1.0) if isinstance(scale, Tensor) else min(1.0, scale))


def _unscale(values: StepValues, optimizer: Optimizer | None) -> None:
    """Follow `GradScaler` with an optimizer that unscales, or skips, within its own step.

    It then has the attributes `found_inf` and `grad_scale`; the latter is ``None`` where the
    script has unscaled the gradients before.
    """
    values.skipped = _on_host(getattr(optimizer, "found_inf").detach().clone())  # noqa: B009
    scale = getattr(optimizer, "grad_scale", None)
    if scale is not None:
        factor = _on_host(scale)
        values.grad_norm = values.grad_norm / factor
        values.grad_norm_clipped = values.grad_norm_clipped / factor
        values.group_grad_norm = [norm / factor for norm in values.group_grad_norm]


def _plain_sgd_update(optimizer: Optimizer, values: StepValues) -> None:
    """Fill in the update norm of SGD without momentum or decay: it is lr times the gradient's.

    That costs nothing, so every step has it. With several groups their gradients after
    clipping would be needed one by one; sampling is left to do it then.
    """
    group = optimizer.param_groups[0]
    is_plain = type(optimizer) is SGD and not group["momentum"] and not group["weight_decay"]
    if is_plain and len(optimizer.param_groups) == 1:
        values.update_norm = values.lr * values.grad_norm_clipped
