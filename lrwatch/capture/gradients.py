"""The gradient norm of a step, before clipping and after."""

from __future__ import annotations

from operator import truediv

from torch import Tensor
from torch.optim import Optimizer

from lrwatch.capture.clipping import ByNorm
from lrwatch.capture.deferred import Number, derived
from lrwatch.capture.groups import ParameterGroups
from lrwatch.capture.layers import GRADIENT
from lrwatch.capture.norms import total_norm
from lrwatch.capture.values import Numbers, StepValues

__all__ = ["Gradients"]

_UNSCALED = 1.0


class Gradients:
    """Measures the gradients of the coming step, at the least cost.

    Where the script clips all of them by their norm, torch has computed it, and the norm after
    follows from it: nothing is measured. Otherwise they are measured before they are clipped,
    and again when they are used.
    """

    def __init__(self) -> None:
        # Before clipping, by tensor; where these are spread over processes, of the parts here. No
        # process is waited for before our step: clipping may be for another optimizer of the same
        # parameters, while ours is still there on some processes, as garbage collectors have it.
        self._preclip: Numbers | None = None
        self._clipped: list[Tensor] = []  # the parameters of which they are
        self._clipping: ByNorm | None = None  # of all gradients
        self._scale: Number = _UNSCALED  # of the gradients that were clipped

    def forget_clipping(self) -> None:
        """Begin anew: gradients were added to, or used, since they were clipped."""
        self._preclip = self._clipping = None
        self._clipped = []
        self._scale = _UNSCALED

    def unscale(self, scale: Tensor) -> None:
        """Take note that gradients were divided by a scale; before clipping, it is no matter."""
        if self._preclip is not None or self._clipping is not None:
            self._scale = _on_host(scale.detach())

    def before_clipping(
        self,
        groups: ParameterGroups,
        parameters: list[Tensor],
        by_norm: ByNorm | None,
        *,
        by_layer: bool = False,
    ) -> None:
        """Measure the gradients, unless torch did; see `clipping.ClippingListener`.

        By layer they are measured at any rate, as torch knows the norm of all of them alone.
        """
        # Whose clipping it is comes first: gradients of others may change on their threads.
        if groups.ids.isdisjoint(map(id, parameters)):
            return
        if self._clipping is not None:  # clipped twice: what the step uses must be measured
            self._preclip = [_on_host(self._clipping.norm)]
            self._clipping = None
        if self._preclip is not None:
            return
        mine = {id(p) for p in groups.parameters if p.grad is not None}
        if mine.isdisjoint(id(p) for p in parameters):
            return
        is_all = mine == {id(p) for p in parameters if p.grad is not None}
        is_known = is_all and by_norm is not None and groups.is_one and not groups.is_sharded
        if is_known and not by_layer:
            self._clipping = by_norm
        else:
            self._clipped = [p for p in groups.parameters if id(p) in mine]
            self._preclip = groups.norms_here(_gradients(groups))

    def measure(
        self,
        values: StepValues,
        groups: ParameterGroups,
        optimizer: Optimizer,
        *,
        by_layer: bool = False,
    ) -> None:
        """Fill in the gradient norms of a step that is about to be made."""
        if self._clipping is not None:
            norm, clipped = _norms_of(self._clipping)
            values.grad_norm = self._unscaled(norm)
            values.grad_norm_clipped = self._unscaled(clipped)
        else:
            norms = before = groups.norms(_gradients(groups))
            if self._preclip is not None:
                preclip = groups.whole_norms(self._preclip, like=self._clipped)
                before = [*map(self._unscaled, preclip)]
            values.grad_norm = total_norm(before)
            values.grad_norm_clipped = values.grad_norm if before is norms else total_norm(norms)
            if not groups.is_one:
                values.group_grad_norm = groups.totals(groups.with_gradient(), before)
            if by_layer and groups.layers is not None and len(before) == len(norms):
                groups.layers.fill(values, GRADIENT, groups.with_gradient(), before)
        if hasattr(optimizer, "found_inf"):
            _follow_scaler(values, optimizer)

    def _unscaled(self, norm: Number) -> Number:
        return norm if self._scale is _UNSCALED else derived(truediv, norm, self._scale)


def _gradients(groups: ParameterGroups) -> list[Tensor]:
    return [p.grad for p in groups.parameters if p.grad is not None]


def _on_host(number: Tensor) -> Number:
    """Return the number if it can be read without waiting for a device."""
    return number.item() if number.device.type == "cpu" else number


def _norms_of(call: ByNorm) -> tuple[Number, Number]:
    """Return the norms before and after clipping, which scales as `clip_grad_norm_` does."""
    norm = _on_host(call.norm)
    return norm, derived(lambda norm: norm * min(1.0, call.max_norm / (norm + 1e-6)), norm)


def _follow_scaler(values: StepValues, optimizer: Optimizer) -> None:
    """Unscale for an optimizer that unscales, or skips, within its own step.

    `GradScaler` gives it the attributes `found_inf` and `grad_scale`; the latter is ``None``
    where the script has unscaled the gradients before.
    """
    values.skipped = _on_host(getattr(optimizer, "found_inf").detach())  # noqa: B009
    scale = getattr(optimizer, "grad_scale", None)
    if scale is not None:
        factor = _on_host(scale)
        values.grad_norm = derived(truediv, values.grad_norm, factor)
        values.grad_norm_clipped = derived(truediv, values.grad_norm_clipped, factor)
        values.group_grad_norm = [derived(truediv, norm, factor) for norm in values.group_grad_norm]
        for name, norm in values.logged.items():
            if name.startswith(GRADIENT):
                values.logged[name] = derived(truediv, norm, factor)
