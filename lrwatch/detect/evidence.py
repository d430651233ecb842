"""What one test found: `Evidence`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Evidence"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One test: its statistic beside its threshold, or why it could not run.

    Attributes
    ----------
    name
        Stable code of the test, as in docs/detectors.md.
    value, threshold
        The statistic and the value at which the test fires; ``None`` where it could not run.
    fired
        Whether the statistic crossed its threshold.
    interval
        First and last step that the statistic looked at.
    note
        The statistic in words, or why the test could not run.
    speaks
        What it means for the run that the test fired: it speaks ``against`` it, ``for`` it
        (``settled``, ``solved``), or for ``neither`` (``flat``, ``spike``, ``range_test``).
    """

    name: str
    value: float | None = None
    threshold: float | None = None
    fired: bool = False
    interval: tuple[int, int] | None = None
    note: str = ""
    speaks: Literal["against", "for", "neither"] = "against"
