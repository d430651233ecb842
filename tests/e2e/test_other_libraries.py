"""The examples of docs/recorder.md for loops without an optimizer of torch, as they stand there."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from sources import ROOT

import lrwatch
from lrwatch.store import read_run_info

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

_DOCS = (ROOT / "docs/recorder.md").read_text(encoding="utf-8")
_EXAMPLES = re.findall(r"```python\n(.*?)```", _DOCS, re.DOTALL)


def example(name: str, *libraries: str) -> str:
    """Return the example that records a run of that name; skip where a library is not there."""
    missing = [library for library in libraries if importlib.util.find_spec(library) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    (text,) = [text for text in _EXAMPLES if f'name="{name}"' in text]
    return str(text)


def run(code: str, folder: Path) -> pd.DataFrame:
    """Run code in a folder, and read the run that it makes there."""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={**os.environ, "KERAS_BACKEND": "torch", "JAX_PLATFORMS": "cpu"},
    )
    assert ended.returncode == 0, ended.stderr
    assert "lrwatch" not in ended.stderr
    (path,) = (folder / "runs").iterdir()
    assert read_run_info(path).status == "finished"
    return lrwatch.read(path)


def test_jax_with_optax(tmp_path: Path) -> None:
    code = example("jax", "jax", "optax")
    frame = run(code + '\nimport sys\nassert "torch" not in sys.modules\n', tmp_path)
    assert frame["step"].tolist() == list(range(100))
    assert frame["loss"].iloc[0] == 1.0
    assert frame["loss"].iloc[-1] < 0.01
    assert frame["lr"].iloc[5] == pytest.approx(0.05)
    # Of a mean of eight squares the gradient is w / 4, and w is all ones at first.
    assert frame["grad_norm"].iloc[0] == pytest.approx(8**0.5 / 4)
    assert frame["param_norm"].iloc[0] == pytest.approx(8**0.5)
    # Adam moves every element by its rate.
    assert frame["update_norm"].iloc[1] == pytest.approx(8**0.5 * 0.01, rel=1e-3)


def test_keras(tmp_path: Path) -> None:
    # The truth: the loss of each batch, kept as the model computes it.
    code = example("keras", "keras").replace(
        "model = keras.Sequential(",
        "class Kept(keras.Sequential):\n"
        "    kept = []\n"
        "    def compute_loss(self, *args, training=True, **options):\n"
        "        loss = super().compute_loss(*args, training=training, **options)\n"
        "        if training:\n"
        "            self.kept.append(float(loss))\n"
        "        return loss\n"
        "model = Kept(",
    )
    code += "\nopen('kept', 'w').write(' '.join(map(str, Kept.kept)))\n"
    frame = run(code, tmp_path)
    kept = [float(text) for text in (tmp_path / "kept").read_text().split()]
    assert frame["loss"].tolist() == pytest.approx(kept, rel=1e-4)
    assert len(frame) == 12
    assert frame["lr"].tolist() == pytest.approx([0.01] * 12)
    assert frame["val_loss"].notna().tolist() == [False, False, False, True] * 3
