"""A store that has one run of each kind that a list must cope with."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from stores import write_run

SAMPLES = Path(__file__).parents[3] / "sample_runs"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Hold a run that blew up, one that is fine, a damaged and an empty one."""
    folder = tmp_path / "runs"
    shutil.copytree(SAMPLES / "chars-adamw-warmup-cosine-0.03", folder / "fine")
    steps = np.arange(400)
    loss = np.where(steps < 200, 2.0 - steps / 400, np.nan)
    write_run(folder, "blown up", steps=steps, values={"loss": loss}, total_steps=400)
    write_run(folder, "damaged")
    (folder / "damaged" / "run.json").write_text("{")
    write_run(folder, "empty", steps=())
    return folder
