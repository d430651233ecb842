"""What is known of a run once its rows are read: a few numbers, small curves and the verdict."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrwatch.verdicts import Diagnosis, Evidence
from lrwatch_dashboard.data.envelope import Envelope
from lrwatch_dashboard.views import Clock, Curve

__all__ = ["Finding"]

FloatArray = npt.NDArray[np.float64]

_PAIRS_KEPT: Final = 64
_LITTLE_ENDIAN: Final = "<f8"


@dataclass(frozen=True, slots=True)
class Finding:
    """The rows of a run in short.

    Attributes
    ----------
    n_steps, last_step, peak_lr, best_loss, is_broken
        Numbers of the rows; `last_step` is None before the first.
    usual_gap
        Median time of late steps in seconds; None if unknown.
    heights
        The small loss curve of the table, 0 to 99; None where there is a gap.
    outline
        Mean loss over equal stretches of the run, by step.
    clock
        When steps ended.
    envelope
        The lines of a long run in short; None of a short one.
    diagnosis
        The verdict on the rows; None while there is none.
    """

    n_steps: int
    last_step: int | None
    peak_lr: float | None
    best_loss: float | None
    is_broken: bool
    usual_gap: float | None
    heights: tuple[int | None, ...]
    outline: Curve
    clock: Clock
    envelope: Envelope | None
    diagnosis: Diagnosis | None

    def as_json(self) -> dict[str, Any]:
        """Return this in JSON types."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        thinned = np.linspace(0, max(len(self.clock.steps) - 1, 0), _PAIRS_KEPT).astype(np.intp)
        chosen = np.unique(thinned) if len(self.clock.steps) else thinned[:0]
        plain["outline"] = [_packed(self.outline.x), _packed(self.outline.y)]
        plain["clock"] = [_packed(self.clock.steps[chosen]), _packed(self.clock.seconds[chosen])]
        plain["envelope"] = self.envelope.as_json() if self.envelope else None
        plain["diagnosis"] = dataclasses.asdict(self.diagnosis) if self.diagnosis else None
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Finding:
        """Return what `as_json` was called on.

        Raises
        ------
        KeyError, TypeError, ValueError
            If this was not written by `as_json`.
        """
        said, envelope = plain["diagnosis"], plain["envelope"]
        return cls(
            **{
                **plain,
                "heights": tuple(plain["heights"]),
                "outline": Curve("loss", *map(_unpacked, plain["outline"])),
                "envelope": None if envelope is None else Envelope.from_json(envelope),
                "clock": Clock(*map(_unpacked, plain["clock"])),
                "diagnosis": None if said is None else _diagnosis(said),
            }
        )


def _diagnosis(plain: Mapping[str, Any]) -> Diagnosis:
    evidence = [Evidence(**{**e, "interval": _interval(e["interval"])}) for e in plain["evidence"]]
    return Diagnosis(**{**plain, "interval": _interval(plain["interval"]), "evidence": evidence})


def _interval(plain: list[int] | None) -> tuple[int, int] | None:
    return None if plain is None else (plain[0], plain[1])


def _packed(values: FloatArray) -> str:
    return base64.b64encode(values.astype(_LITTLE_ENDIAN).tobytes()).decode()


def _unpacked(text: str) -> FloatArray:
    return np.frombuffer(base64.b64decode(text, validate=True), _LITTLE_ENDIAN).astype(np.float64)
