"""One optimizer step, measured: hooks before and after `Optimizer.step` and what is between.

In order, for a plain step::

    backward          -> on_backward       the root is (a part of) the loss
    clip_grad_norm_   -> before_clipping   the gradient norm, which torch computed anyway
    step, before      -> _before_step      learning rates; gradient norms; on sampled steps a copy
                                           of the parameters
    step, after       -> _after_step       update norm and parameter norm on sampled steps; hand on

With a closure, as LBFGS and Lightning use it, forward and backward run inside the step: then
the gradient is measured when the closure has first returned.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer

from lrwatch.capture import backward, clipping
from lrwatch.capture.groups import ParameterGroups, learning_rates
from lrwatch.capture.guard import guarded
from lrwatch.capture.norms import difference_norms, tensor_norms, total_norm
from lrwatch.capture.sampling import Sampling
from lrwatch.records import NULL

__all__ = ["Recorder", "StepValues"]


@dataclass(slots=True)
class StepValues:
    """The numbers of one optimizer step, `NULL` where one was not recorded.

    The lists by group are empty where the optimizer has a single group.
    """

    loss: float = NULL
    lr: float = NULL
    grad_norm: float = NULL
    grad_norm_clipped: float = NULL
    param_norm: float = NULL
    update_norm: float = NULL
    group_lr: Sequence[float] = ()
    group_grad_norm: Sequence[float] = ()
    group_param_norm: Sequence[float] = ()
    group_update_norm: Sequence[float] = ()


class Recorder:
    """Measures every step of an optimizer and hands the numbers on.

    Parameters
    ----------
    optimizer
        Any torch optimizer. It is not kept alive by this object, and its `state_dict`,
        copies and pickles stay free of lrwatch.
    hand_on
        Called with the `StepValues` of each step, on the training thread.
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
        self._hand_on = hand_on
        self._on_give_up = on_give_up
        self._sampling = sampling
        self.groups = ParameterGroups.of(optimizer, model)
        self._capture_loss = capture_loss
        self._n_steps = 0
        self._loss: float | Tensor | None = None  # sum of the roots since the last step
        self._last_root: weakref.ref[Tensor] | None = None
        self.has_backward = False  # since the last step
        self._preclip: list[float] | None = None  # gradient norms before clipping, by tensor
        self._clipping: clipping.Clipping | None = None  # all gradients clipped by one norm
        self._values: StepValues | None = None  # of the step under way
        self._before: tuple[list[Tensor], list[Tensor]] | None = None  # parameters and copies
        self._handles = [
            optimizer.register_step_pre_hook(self._on_step_begin),
            optimizer.register_step_post_hook(self._on_step_end),
        ]
        backward.listeners.add(self)
        clipping.listeners.add(self)

    def detach(self) -> None:
        """Take every hook off; the optimizer and torch are as they were."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        backward.listeners.discard(self)
        clipping.listeners.discard(self)
        self._before = self._values = self._clipping = self._loss = None

    def give_up(self, error: Exception) -> None:
        """Stop recording after an error of ours."""
        self.detach()
        self._on_give_up(error)

    def is_of_coming_step(self, loss: object) -> bool:
        """Tell whether a loss that a script logs belongs to the step that comes next.

        Scripts log before `backward`, between it and the step, or after the step. Once
        `backward` has run it is the coming step, unless the step was made; before, only a
        loss that is not the root of the last `backward` can tell.
        """
        last = None if self._last_root is None else self._last_root()
        is_new = isinstance(loss, Tensor) and loss.requires_grad and loss is not last
        return self.has_backward or self._n_steps == 0 or is_new

    # -- what the training loop does, in its order ------------------------------------------

    def gradient_marks(self) -> list[tuple[int, int]]:
        """Return a mark for each gradient that differs once it was added to."""
        grads = [p.grad for p in self.groups.parameters]
        return [(0, 0) if g is None else (id(g), g._version) for g in grads]  # noqa: SLF001

    @guarded
    def on_backward(self, roots: Sequence[Tensor]) -> None:
        """Add the scalar roots of a `backward` to the loss of the coming step."""
        self.has_backward = True
        self._preclip = self._clipping = None  # clipped before this: not what the step uses
        for root in roots:
            if root.numel() == 1 and self._capture_loss:
                self._add_loss(root)

    @guarded
    def before_clipping(self, call: clipping.Clipping) -> None:
        """Measure the gradients, unless torch did, before they are clipped."""
        if self._clipping is not None:  # clipped twice: what the step uses must be measured
            self._preclip, self._clipping = [float(self._clipping.norm)], None  # type: ignore[arg-type]
        if self._preclip is not None:
            return
        mine = {id(p) for p in self.groups.parameters if p.grad is not None}
        theirs = {id(p) for p in call.parameters}
        if not mine & theirs:
            return
        is_all = mine == {id(p) for p in call.parameters if p.grad is not None}
        if is_all and call.norm is not None and len(self.groups.counts) == 1:
            self._clipping = call
        else:
            self._preclip = self._grad_norms()

    @guarded
    def _on_step_begin(
        self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        if not self.groups.is_current(optimizer):
            model = None if self._model is None else self._model()
            self.groups = ParameterGroups.of(optimizer, model)
        rates = learning_rates(optimizer)
        self._values = StepValues(lr=rates[0])
        if len(rates) > 1:
            self._values.group_lr = rates
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
        values, self._values = self._values, None
        if values is None:
            return
        if values.grad_norm is NULL:  # a closure that the optimizer never called
            self._measure_gradients(values)
        self._measure_update(values)
        if values.update_norm is NULL:
            _plain_sgd_update(optimizer, values)
        if self._loss is not None and values.loss is NULL:
            values.loss = float(self._loss)
        self._n_steps += 1
        self._loss = self._preclip = self._clipping = None
        self.has_backward = False
        self._hand_on(values)

    # -- the parts of it --------------------------------------------------------------------

    def _add_loss(self, root: Tensor) -> None:
        self._last_root = weakref.ref(root)
        # On a CPU the number is there; elsewhere reading it would wait for the device.
        value = root.item() if root.device.type == "cpu" else root.detach()
        self._loss = value if self._loss is None else self._loss + value

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
                values.loss = float(self._loss)

    def _measure_gradients(self, values: StepValues) -> None:
        """Fill in the gradient norms, and copy the parameters if this step is sampled."""
        if self._clipping is not None:
            values.grad_norm, values.grad_norm_clipped = _norms_of(self._clipping)
        else:
            self._measure_gradients_by_tensor(values)
        if self._sampling.is_due(self._n_steps):
            changing = [p for p in self.groups.parameters if p.grad is not None]
            self._before = changing, [p.detach().clone() for p in changing]

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
        changes = difference_norms([p.detach() for p in changed], copies)
        sizes = tensor_norms([p.detach() for p in self.groups.parameters])
        values.update_norm, values.param_norm = total_norm(changes), total_norm(sizes)
        if len(self.groups.counts) > 1:
            values.group_update_norm = self.groups.totals(self._with_gradient(), changes)
            values.group_param_norm = self.groups.totals(None, sizes)

    def _with_gradient(self) -> list[bool]:
        return [p.grad is not None for p in self.groups.parameters]

    def _grad_norms(self) -> list[float]:
        return tensor_norms([p.grad for p in self.groups.parameters if p.grad is not None])


def _norms_of(call: clipping.Clipping) -> tuple[float, float]:
    """Return the norm before and after a clipping by norm, as `clip_grad_norm_` scales."""
    norm, max_norm = float(call.norm), float(call.max_norm)  # type: ignore[arg-type]
    return norm, norm * min(1.0, max_norm / (norm + 1e-6))


def _plain_sgd_update(optimizer: Optimizer, values: StepValues) -> None:
    """Fill in the update norm of SGD without momentum or decay: it is lr times the gradient's.

    That costs nothing, so every step has it. With several groups their gradients after
    clipping would be needed one by one; sampling is left to do it then.
    """
    group = optimizer.param_groups[0]
    is_plain = type(optimizer) is SGD and not group["momentum"] and not group["weight_decay"]
    if is_plain and len(optimizer.param_groups) == 1 and values.grad_norm_clipped is not NULL:
        values.update_norm = values.lr * values.grad_norm_clipped
