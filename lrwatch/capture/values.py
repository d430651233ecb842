"""The numbers of one optimizer step, wherever they are: on the host, or still on a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from lrwatch.records import NULL

if TYPE_CHECKING:  # this module is for loops without torch, too
    from lrwatch.capture.deferred import Number

__all__ = ["Numbers", "StepValues"]

Numbers: TypeAlias = "Sequence[Number]"
"""Numbers of one kind: all on the host, or all still on a device."""


@dataclass(slots=True)
class StepValues:
    """The numbers of one optimizer step, `NULL` where one was not recorded.

    Attributes
    ----------
    loss, lr, grad_norm, grad_norm_clipped, param_norm, update_norm
        As in the contract of `lrwatch.read`.
    skipped
        Not 0 if the step was skipped for an overflow under mixed precision.
    group_lr, group_grad_norm, group_param_norm, group_update_norm
        The same by parameter group; empty where there is a single one.
    seconds_to_backward
        From the end of the step before to the first `backward` of this one, where it is timed.
    time
        When the step ended: microseconds since the Unix epoch, UTC.
    step
        Number of the step where it was given; ``None`` for the one after the last.
    logged
        What the script logged for this step, by name.
    """

    loss: Number = NULL
    lr: Number = NULL
    grad_norm: Number = NULL
    grad_norm_clipped: Number = NULL
    param_norm: Number = NULL
    update_norm: Number = NULL
    skipped: Number = 0.0
    group_lr: Sequence[Number] = ()
    group_grad_norm: Sequence[Number] = ()
    group_param_norm: Sequence[Number] = ()
    group_update_norm: Sequence[Number] = ()
    seconds_to_backward: float = NULL
    time: int = 0
    step: int | None = None
    logged: dict[str, Number] = field(default_factory=dict)
