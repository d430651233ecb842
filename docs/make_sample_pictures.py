"""Draw the small pictures of the Help page from the sample runs.

    python docs/make_sample_pictures.py [STORE]

Each is the loss of one run as a black line, log-scaled where it is positive; the page gives it the
colour of its verdict.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import lrwatch_dashboard
import numpy as np
from lrwatch_dashboard.components.verdicts import SAMPLES
from lrwatch_dashboard.data.thinning import thin

from lrwatch.store import RunReader

PICTURES: Final = Path(lrwatch_dashboard.__file__).parent / "assets" / "samples"
N_POINTS: Final = 150
WIDTH: Final = 150
HEIGHT: Final = 40
MARGIN: Final = 2


def main() -> None:
    """Draw every picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path, nargs="?", default=Path("sample_runs"))
    options = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    for verdict, sample in SAMPLES.items():
        block = RunReader(options.store / sample).read_new()
        (PICTURES / f"{verdict}.svg").write_text(picture(block.loss), encoding="utf-8")


def picture(loss: np.ndarray) -> str:
    """Return the picture of a loss."""
    step = np.arange(len(loss), dtype=np.float64)
    chosen = thin(step, loss, n_points=N_POINTS)
    x, y = step[chosen], loss[chosen]
    y = np.log(y) if y.min() > 0 else y
    across = MARGIN + (WIDTH - 2 * MARGIN) * x / x[-1]
    down = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (y - y.min()) / (np.ptp(y) or 1.0)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="none"><polyline points="{points}" fill="none" stroke="#000" '
        'stroke-width="1.3" stroke-linejoin="round" vector-effect="non-scaling-stroke"/></svg>\n'
    )


if __name__ == "__main__":
    main()
