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

import dataclasses
import functools
import logging
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import get_ident
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from lrwatch.capture import backward, clipping, scaling
from lrwatch.capture.agreement import Agreement
from lrwatch.capture.backward_call import BackwardCall
from lrwatch.capture.deferred import Number
from lrwatch.capture.effective_rates import EFFECTIVE_RATE, effective_rate, may_have_own_rate
from lrwatch.capture.gradients import Gradients
from lrwatch.capture.graph_capture import (
    hide_from_compiler,
    is_captured,
    say_that_replays_are_not_recorded,
)
from lrwatch.capture.groups import ParameterGroups, learning_rates
from lrwatch.capture.guard import guarded
from lrwatch.capture.hooks import StepHooks, is_step_within_step
from lrwatch.capture.layers import Layers
from lrwatch.capture.objective import Marks, MissingLoss, Objective
from lrwatch.capture.sampling import Sampling
from lrwatch.capture.step_clock import StepClock
from lrwatch.capture.steps_in_order import StepsInOrder
from lrwatch.capture.update import Update, Updates, plain_sgd_update
from lrwatch.capture.values import StepValues
from lrwatch.records import NULL

__all__ = ["Recorder"]

logger = logging.getLogger("lrwatch")


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
    n_layers
        How many layers to tell apart at most on sampled steps; 0 for none.
    clock
        Takes the time before `backward`, where that is asked for.

    Attributes
    ----------
    lock
        Held while a step is handed on, and to be held by who changes what was handed on.
    """

    def __init__(  # noqa: PLR0913  one recorder, what it measures keyword-only
        self,
        optimizer: Optimizer,
        *,
        hand_on: Callable[[StepValues], None],
        on_give_up: Callable[[Exception], None],
        sampling: Sampling,
        model: torch.nn.Module | None = None,
        capture_loss: bool = True,
        n_layers: int = 0,
        clock: StepClock | None = None,
    ) -> None:
        hide_from_compiler()
        self._optimizer = weakref.ref(optimizer)
        self._model = None if model is None else weakref.ref(model)
        self._on_give_up = on_give_up
        self._sampling = sampling
        self._in_order = StepsInOrder(hand_on)
        self.lock = self._in_order.lock
        self.when_free, self.go_on = self._in_order.when_free, self._in_order.go_on
        self._n_layers = n_layers
        self._clock = clock
        self.groups = self._groups_of(optimizer)
        self._agreement = self._agreed(is_late=False)
        self._objective = Objective(self.groups, is_captured=capture_loss)
        self._missing_loss = MissingLoss(is_expected=capture_loss)
        self._gradients = Gradients()
        self._updates = Updates(self.groups)
        self._steps: dict[int, _StepUnderWay] = {}  # by the thread that makes it
        self._n_steps = 0
        self._recorded_at = -1  # number of steps when the loop recorded one itself
        self._may_have_own_rate = may_have_own_rate(optimizer)
        self._is_over = False
        self._has_told_of_capture = self._has_told_of_double = False
        self._hooks = StepHooks(optimizer, self._on_step_begin, self._on_step_end)
        for listeners in (backward.listeners, clipping.listeners, scaling.listeners):
            listeners.add(self)

    def detach(self) -> None:
        """Take every hook off, and hand on what is under way; torch is then as it was.

        Where other processes need this one to measure what is spread over them, it goes on to do
        so, and hands nothing on.
        """
        if self._agreement is not None and not self._agreement.leave():
            self._in_order.drain()
            self._in_order = StepsInOrder(lambda _: None)
            self._on_give_up = lambda _: None
            return
        self._take_off()

    def _take_off(self) -> None:
        self._is_over = True
        self._hooks.take_off()
        for listeners in (backward.listeners, clipping.listeners, scaling.listeners):
            listeners.discard(self)
        self._steps = {}
        self._missing_loss.end()
        self._in_order.drain()

    @property
    def is_in_step(self) -> bool:
        """Whether a step has begun and not ended."""
        return bool(self._steps)

    def give_up(self, error: Exception) -> None:
        """Stop recording after an error of ours."""
        self._take_off()
        self._on_give_up(error)

    @property
    def n_made(self) -> int:
        """How many steps were recorded so far."""
        return self._in_order.n_made

    def is_captured(self) -> bool:
        """Tell whether what happens now goes into a CUDA graph, and is to be left alone."""
        return not self.groups.is_on_host and is_captured()

    def log(self, numbers: Mapping[str, Number], *, loss: object = None) -> bool:
        """Attach numbers that the script logs to the step they belong to.

        That is the step just made or, once `backward` has run again, the coming one. Before
        `backward`, only a `loss` that is not the root of the last one tells that the script
        has gone on.

        Returns whether it was done; if not, they belong to the step that was handed on last.
        """
        if "loss" in numbers:
            self._missing_loss.found()
        has_gone_on = self._objective.has_gradient or self._objective.is_new(loss)
        return self._in_order.log(numbers, is_for_coming=has_gone_on)

    def log_ahead(self, numbers: Mapping[str, Number]) -> None:
        """Attach numbers to the coming step, also where its `backward` is still to run."""
        self._in_order.log(numbers, is_for_coming=True)

    @property
    def group_names(self) -> tuple[str, ...]:
        """Names of the parameter groups."""
        return self.groups.names

    @guarded
    def record(self, values: StepValues, *, is_on_host: bool) -> None:
        """Take a step that no hook sees, as the replay of a CUDA graph is one."""
        with self.lock:
            if self._is_over:
                return
            is_double = -1 < self._recorded_at < self._n_steps
            self._n_steps += 1
            self._recorded_at = self._n_steps
            self._in_order.put(values, is_on_host=is_on_host)
        self.go_on()
        if is_double and not self._has_told_of_double:
            self._has_told_of_double = True
            logger.warning(
                "record() adds rows beside those of optimizer.step(), which is watched; "
                "log() adds numbers to those"
            )

    # -- what the training loop does, in its order ------------------------------------------

    @guarded
    def before_backward(self, call: BackwardCall) -> Marks | None:
        """Look at the gradients before they are added to."""
        if self._clock is not None:
            self._clock.backward_begins()
        if self._agreement is not None:
            self._agreement.backward_begins()
        return None if self.is_captured() else self._objective.before_backward(call)

    @guarded
    def after_backward(
        self, call: BackwardCall, before: Marks | None, *, roots: Sequence[object]
    ) -> None:
        """Take the loss, if it was ours."""
        if self._is_over or self.is_captured():
            return
        is_ours = self._objective.after_backward(call, before, roots)
        if not is_ours and self._reads_new_parameters():
            is_ours = self._objective.after_backward(call, None, roots)
        if is_ours:
            self._gradients.forget_clipping()

    @guarded
    def before_clipping(self, parameters: list[Tensor], by_norm: clipping.ByNorm | None) -> None:
        """Measure the gradients before they are clipped."""
        if self.is_captured() or (self._agreement and not self._is_agreed(parameters)):
            return
        self._gradients.before_clipping(
            self.groups, parameters, by_norm, by_layer=self._is_by_layer
        )

    @guarded
    def _on_step_begin(
        self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        if self._is_over:
            return None
        if self.is_captured():
            if not self._has_told_of_capture:
                self._has_told_of_capture = True
                say_that_replays_are_not_recorded()
            return None
        backward.note_thread()
        outer = self._steps.get(get_ident())  # or one that has failed
        if outer is not None and is_step_within_step(optimizer):
            outer.n_within += 1
            return None
        if not self.groups.is_current(optimizer):
            self._read_groups(optimizer)
        step = self._steps[get_ident()] = _StepUnderWay(self._new_values(optimizer))
        closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
        if closure is None:
            self._measure_before(step, optimizer)
            return None
        # Some move the parameters before they call it, and their gradients are still to come.
        self._begin_update(step, optimizer, before_gradients=True)
        wrapped = self._measuring(closure, step, optimizer)
        if "closure" in kwargs:
            return args, {**kwargs, "closure": wrapped}
        return (args[0], wrapped, *args[2:]), kwargs

    @guarded
    def _on_step_end(self, optimizer: Optimizer, *_: object) -> None:
        step = self._steps.get(get_ident())
        if step is None or self._is_over:
            return
        if step.n_within:
            step.n_within -= 1
            return
        del self._steps[get_ident()]
        values = step.values
        if self._may_have_own_rate and (rate := effective_rate(optimizer)) is not None:
            values.logged[EFFECTIVE_RATE] = rate
        if values.grad_norm is NULL:  # a closure that the optimizer never called
            self._measure_before(step, optimizer)
        if step.update is not None and (self._agreement is None or self._agreement.holds()):
            self._updates.measure(step.update, values)
        else:
            plain_sgd_update(values, optimizer)
        self._end_step(values)

    def n_steps_of(self, optimizer: Optimizer) -> int | None:
        """Return the number of steps so far, ``None`` for an optimizer that is not ours."""
        return self._n_steps if optimizer is self._optimizer() else None

    @guarded
    def on_unscaled(self, scale: Tensor) -> None:
        """Unscale what was measured before: a script that clips scaled gradients, by mistake."""
        if not self.is_captured():
            self._gradients.unscale(scale)

    @guarded
    def on_skipped(self) -> None:
        """Record a step that was not made, for an overflow: the loss is known, no norm is."""
        optimizer = self._optimizer()
        if optimizer is not None:
            values = self._new_values(optimizer)
            values.skipped, values.update_norm = 1.0, 0.0
            self._end_step(values)

    # -- the parts of it --------------------------------------------------------------------

    def _reads_new_parameters(self) -> bool:
        """Read the groups if others took the place of their parameters since the last step.

        Asked of a `backward` that filled none of those known. Not while other threads train,
        one of which may be in a step just then, nor where processes agreed on what they measure.
        """
        optimizer = self._optimizer()
        if self._steps or self._agreement is not None or not backward.is_one_thread():
            return False
        if optimizer is None or self.groups.is_current(optimizer):
            return False
        self._read_groups(optimizer)
        return True

    def _read_groups(self, optimizer: Optimizer) -> None:
        self.groups = self._groups_of(optimizer)
        self._agreement = self._agreement or self._agreed(is_late=True)
        self._objective.follow(self.groups)
        self._updates = Updates(self.groups)

    def _agreed(self, *, is_late: bool) -> Agreement | None:
        """Return what the processes agree on that hold parts of the parameters, if any do."""
        if not self.groups.is_sharded:
            return None
        plan = self._sampling.plan, self._n_layers
        return Agreement(self.groups.parameters, plan, is_late=is_late)

    def _groups_of(self, optimizer: Optimizer) -> ParameterGroups:
        model = None if self._model is None else self._model()
        groups = ParameterGroups.of(optimizer, model)
        if not self._n_layers:
            return groups
        layers = Layers.of(groups.parameters, model, self._n_layers)
        return dataclasses.replace(groups, layers=layers)

    @property
    def _is_by_layer(self) -> bool:
        return self.groups.layers is not None and self._sampling.is_due(self._n_steps)

    def _new_values(self, optimizer: Optimizer) -> StepValues:
        rates = learning_rates(optimizer)
        values = StepValues(lr=rates[0])
        if len(rates) > 1:
            values.group_lr = rates
        return values

    def _is_agreed(self, parameters: list[Tensor]) -> bool:
        """Tell whether all processes measure the norms of what is about to be clipped."""
        is_ours = not self.groups.ids.isdisjoint(map(id, parameters))
        return is_ours and self._agreement is not None and self._agreement.holds()

    def _measure_before(self, step: _StepUnderWay, optimizer: Optimizer) -> None:
        if self._agreement is not None and not self._agreement.holds():
            return
        self._gradients.measure(step.values, self.groups, optimizer, by_layer=self._is_by_layer)
        if not step.has_begun:
            self._begin_update(step, optimizer)

    def _begin_update(
        self, step: _StepUnderWay, optimizer: Optimizer, *, before_gradients: bool = False
    ) -> None:
        step.has_begun = True
        if self._sampling.is_due(self._n_steps):
            step.update = self._updates.begin(optimizer, before_gradients=before_gradients)

    def _measuring(
        self, closure: Callable[[], Any], step: _StepUnderWay, optimizer: Optimizer
    ) -> Callable[[], Any]:
        @functools.wraps(closure)
        def call() -> Any:
            result = closure()
            self._after_closure(step, optimizer)
            return result

        return call

    @guarded
    def _after_closure(self, step: _StepUnderWay, optimizer: Optimizer) -> None:
        if not self._is_over and step.values.grad_norm is NULL:  # only after the first call
            self._measure_before(step, optimizer)
            step.values.loss = self._objective.now()

    def _end_step(self, values: StepValues) -> None:
        self._objective.take_roots_under_way()
        if values.loss is NULL:
            values.loss = self._objective.now()
        if values.loss is NULL and "loss" not in self._in_order.coming:
            self._missing_loss.step(self._objective.has_gradients)
        else:
            self._missing_loss.found()
        self._objective.end_step()
        self._gradients.forget_clipping()
        if self._clock is not None:
            values.seconds_to_backward = self._clock.step_ends()
        if self._agreement is not None:
            self._agreement.step_ends()
        with self.lock:
            if self._is_over:  # ended by another thread meanwhile
                return
            self._n_steps += 1
            self._in_order.put(values, is_on_host=self.groups.is_on_host)
        self.go_on()


@dataclass(slots=True)
class _StepUnderWay:
    """A step that has begun: its numbers so far, and its update if that is measured."""

    values: StepValues
    update: Update | None = None
    has_begun: bool = False  # to measure the update
    n_within: int = 0  # steps of the same optimizer by which this one is made
