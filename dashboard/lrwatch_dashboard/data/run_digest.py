"""What is known of a run once its rows are read: its numbers, lines in small, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy as np

from lrwatch.alert import Alert
from lrwatch.following import RunSummary
from lrwatch.verdicts import Diagnosis
from lrwatch_dashboard.data.envelope import Envelope
from lrwatch_dashboard.data.thinning import spread
from lrwatch_dashboard.own_metrics import MetricSummary
from lrwatch_dashboard.views import AlertMark, StepTimes

__all__ = ["RunDigest"]

_PAIRS_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class RunDigest:
    """The rows of a run in short.

    Attributes
    ----------
    summary
        Its numbers.
    diagnosis
        The verdict on the rows.
    alerts
        Those on the verdict.
    clock
        When steps ended.
    envelope
        The lines of a long run in short; None of a short one.
    metrics
        What the user's metrics came to, by name.
    alert_marks
        Where its alerts fired and ended.
    """

    summary: RunSummary
    diagnosis: Diagnosis
    alerts: tuple[Alert, ...]
    clock: StepTimes
    envelope: Envelope | None
    metrics: Mapping[str, MetricSummary]
    alert_marks: tuple[AlertMark, ...] = ()

    def as_bytes(self) -> bytes:
        """Return this in MessagePack."""
        pairs = (self.clock.steps, self.clock.seconds)
        clock = StepTimes(*(spread(each, _PAIRS_KEPT) for each in pairs))
        return msgspec.msgpack.encode(replace(self, clock=clock), enc_hook=_plain)

    @classmethod
    def from_bytes(cls, packed: bytes) -> RunDigest:
        """Return what `as_bytes` was called on.

        Raises
        ------
        ValueError
            If this was not written by `as_bytes`.
        """
        try:
            return msgspec.msgpack.decode(packed, type=cls, dec_hook=_array)
        except msgspec.MsgspecError as error:
            raise ValueError(f"not a finding: {error}") from error


def _plain(value: Any) -> Any:
    """Return an array as its shape and its bytes."""
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(f"a {type(value).__name__} has no short form")
    return value.shape, value.tobytes()


def _array(_: Any, plain: Any) -> Any:
    if not isinstance(plain, list):
        return float(plain)  # of a field that may be NaN
    shape, content = plain
    return np.frombuffer(content, np.float64).reshape(shape).copy()
