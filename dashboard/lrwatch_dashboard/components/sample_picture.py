"""A small picture of how the loss goes where a verdict is right, from the sample runs.

The pictures are files of the assets, made by ``docs/make_sample_pictures.py``; the sample runs
need not be there.
"""

from __future__ import annotations

from typing import Final

from dash import html

__all__ = ["SAMPLES", "sample_picture"]

SAMPLES: Final = {
    "diverging": "chars-adam-constant-1",
    "oscillating": "digits-adam-constant-0.3",
    "too_low": "digits-sgd-constant-0.001",
    "stalled": "digits-adam-step-0.001",
    "spike": "digits-momentum-constant-0.03",
    "converged": "diabetes-sgd-constant-0.1",
    "ok": "chars-adamw-warmup-cosine-0.03",
}
"""The sample run that shows a verdict best; the others have none."""


def sample_picture(verdict: str, mark: str) -> html.Span | None:
    """Return the loss of the sample run of a verdict, in the colour of its mark."""
    sample = SAMPLES.get(verdict)
    if sample is None:
        return None
    said = f"Loss of the sample run {sample}"
    return html.Span(
        className=f"sample verdict-{mark}",
        style={"maskImage": f"url(/assets/samples/{verdict}.svg)"},
        title=said,
        role="img",
        **{"aria-label": said},
    )
