"""Pictures of typical misses: the loss of a run, and that of the best rate of the same job."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd

from benchmarks.accuracy import corpus
from benchmarks.accuracy.report import WHOLE, Measured
from lrwatch.formats import number

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 44, 30
N_POINTS = 320
DECADES = 50
INK, MUTED, RUN, BEST = "#1f2328", "#59636e", "#0969da", "#9aa4ae"

Rows = pd.DataFrame


@dataclass(frozen=True)
class Picture:
    """A file of a picture, and the sentence below it."""

    path: Path
    caption: str


KINDS: tuple[tuple[str, Callable[[Rows], Any]], ...] = (
    ("good-called-high", lambda r: (r.label_class == "ok") & (r.said == "too_high")),
    ("good-called-low", lambda r: (r.label_class == "ok") & (r.said == "too_low")),
    ("good-alarmed", lambda r: (r.label_class == "ok") & r.first_alarm_step.notna()),
    ("high-called-good", lambda r: (r.label_class == "too_high") & (r.said == "ok")),
    ("low-called-good", lambda r: (r.label_class == "too_low") & (r.said == "ok")),
    ("lost-and-missed", lambda r: _is_late(r) & r.first_alarm_step.isna()),
)
"""Kinds of misses; of each, the run that most was made of is shown."""


def _is_late(rows: Rows) -> Any:
    return (rows.label == "diverging") & (rows.onset_step >= 20)


def draw(measured: Measured, folders: Sequence[Path], into: Path) -> list[Picture]:
    """Draw a picture of each kind of miss, each of another task; old ones are removed."""
    into.mkdir(parents=True, exist_ok=True)
    for old in into.glob("accuracy-*.svg"):
        old.unlink()
    parts = {folder: measured.judged[corpus.title(folder)][WHOLE] for folder in folders}
    judged = pd.concat(parts, names=["folder", "row"]).reset_index("folder")
    judged = judged[judged.kind == "grid"].reset_index(drop=True)
    drawn: list[Picture] = []
    shown: set[str] = set()
    for name, is_miss in KINDS:
        missed = judged[is_miss(judged) & ~judged.task.isin(shown)]
        if not len(missed):
            continue
        run = missed.sort_values("confidence").iloc[-1]
        shown.add(run.task)
        path = into / f"accuracy-{name}.svg"
        path.write_text(_svg(run, judged), encoding="utf-8")
        drawn.append(Picture(path, _caption(run)))
    return drawn


def _caption(run: Any) -> str:
    truth = run.label_class.replace("_", " ")
    said = f"`{run.verdict}` with a confidence of {run.confidence:.2f}"
    alarm = "" if pd.isna(run.first_alarm_step) else f", alarmed at step {run.first_alarm_step:.0f}"
    return (
        f"{run.setup}, learning rate {number(run.lr_peak, 2)}: truth {truth}, said {said}{alarm}."
    )


def _svg(run: Any, judged: Rows) -> str:
    sweep = judged[(judged.setup == run.setup) & (judged.seed == run.seed)]
    best = sweep.loc[sweep.p.idxmax()]
    losses = _losses(run.folder, {run.run_id, best.run_id})
    mine, other = losses[run.run_id], losses[best.run_id]
    both = np.concatenate([mine, other])
    high, low = float(np.nanquantile(both, 0.995)), float(np.nanquantile(both, 0.005))
    n = max(len(mine), len(other))
    truth = run.label_class.replace("_", " ")
    title = f"{run.setup}, rate {number(run.lr_peak, 2)}: truth {truth}"
    marks = [_line(loss, n, low, high, color) for loss, color in ((other, BEST), (mine, RUN))]
    for value, at in ((high, TOP), (low, HEIGHT - BOTTOM)):
        marks.append(_text(LEFT - 6, at + 4, number(value, 3), anchor="end"))
    marks += [
        _text(LEFT, HEIGHT - 10, "step 0"),
        _text(WIDTH - RIGHT, HEIGHT - 10, f"{n - 1:,}", anchor="end"),
        _text(LEFT, 16, title, color=INK, weight="600"),
        _text(LEFT, 33, f"loss at this rate: said {run.verdict}", color=RUN),
        _text(WIDTH - RIGHT, 33, f"loss at the best rate, {number(best.lr_peak, 2)}", anchor="end"),
    ]
    if not pd.isna(run.first_alarm_step):
        x = LEFT + (WIDTH - LEFT - RIGHT) * run.first_alarm_step / max(n - 1, 1)
        marks.append(
            f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#cf222e" stroke-dasharray="3 3"/>'
        )
        marks.append(_text(x + 4, TOP + 10, "alarm", color="#cf222e"))
    body = "\n".join(marks)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{escape(title)}">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _losses(folder: Path, names: set[str]) -> dict[str, np.ndarray]:
    return {
        run.about.run_id: np.where(np.isfinite(run.block.loss), run.block.loss, np.nan)
        for run in corpus.read([folder])
        if run.about.run_id in names
    }


def _line(loss: np.ndarray, n: int, low: float, high: float, color: str) -> str:
    """Draw the mean of each of at most `N_POINTS` stretches; losses over decades by decades."""
    parts = np.array_split(loss, min(N_POINTS, len(loss)))
    values = np.array([np.nanmean(part) if np.isfinite(part).any() else np.nan for part in parts])
    middles = np.linspace(0, len(loss) - 1, len(values)) / max(n - 1, 1)
    x = LEFT + middles * (WIDTH - LEFT - RIGHT)
    if low > 0 and high > DECADES * low:
        values, low, high = np.log(np.maximum(values, low)), math.log(low), math.log(high)
    share = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    y = HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if np.isfinite(b))
    return f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>'


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", color: str = MUTED, weight: str = "400"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}" '
        f'font-weight="{weight}" font-family="system-ui, sans-serif" font-size="12">'
        f"{escape(text)}</text>"
    )
