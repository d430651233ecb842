"""All dimensionless numbers of a run, for the learnt model: none names a task or a scale.

Absolute loss, learning rate, gradient norm and number of steps are left out on purpose: a
model that sees them learns which program ran instead of how it runs.
"""

from __future__ import annotations

from lrwatch.detect import gain, gradient, motion, progress, roughness, schedule
from lrwatch.detect.past import Past

__all__ = ["features"]


def features(past: Past) -> dict[str, float]:
    """Return every feature by name; NaN where a run lacks what it needs."""
    measured: dict[str, float] = {}
    for part in (progress, roughness, schedule, gradient, motion, gain):
        measured |= part.measure(past)
    return measured
