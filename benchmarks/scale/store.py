"""A store of many runs as a sweep leaves it: seeded gradient descent at many learning rates.

python -m scale.store DIR [--runs N] [--steps N] [--long N]
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from lrwatch.records import FLOAT_COLUMNS, NULL, RunInfo
from lrwatch.store.creation import create_run
from lrwatch.store.writer import Row

LONG = "long"
METRICS = "metrics"
N_METRICS = 20
SPIKE_AT = 0.6180  # of the long run: one step whose loss is ten times its neighbours'
_RUNS_A_SWEEP = 50
_SECONDS_A_STEP = 0.1
_BLOCK = 10_000


def make_store(store: Path, n_runs: int, n_steps: int, n_long: int) -> None:
    """Write the runs that are not there yet."""
    for i in range(n_runs):
        sweep = store / f"sweep-{i // _RUNS_A_SWEEP:03d}"
        rate = 10 ** np.linspace(-3.5, 0.4, _RUNS_A_SWEEP)[i % _RUNS_A_SWEEP]
        name = f"{i % _RUNS_A_SWEEP:02d}-lr-{rate:.3g}"
        if not (sweep / name).exists():
            _write(sweep, name, rows(n_steps, rate, seed=i), rate)
    if not (store / LONG).exists():
        spike = int(n_long * SPIKE_AT)
        _write(store, LONG, rows(n_long, 0.01, seed=1, spike=spike), 0.01)


def make_long_runs(store: Path, original: Path, n_runs: int) -> None:
    """Write runs as long as another one; each has files of its own, to be read one by one."""
    for i in range(n_runs):
        folder = store / f"{LONG}-{i:02d}"
        if folder.exists():
            continue
        shutil.copytree(original, folder)
        description = folder / "run.json"
        plain = json.loads(description.read_text("utf-8"))
        plain |= {"id": f"{plain['id']}-{i}", "name": folder.name}
        description.write_text(json.dumps(plain), encoding="utf-8")


def make_metric_run(store: Path, n_steps: int) -> None:
    """Write a run with many metrics of its own at every step, if it is not there yet."""
    if (store / METRICS).exists():
        return
    random = np.random.default_rng(2)
    names = tuple(f"metric_{i:02d}" for i in range(N_METRICS))
    own = (row for _ in range(0, n_steps, _BLOCK) for row in _metrics(random).tolist())
    numbers = ([*row, *more] for row, more in zip(rows(n_steps, 0.01, seed=3), own, strict=False))
    _write(store, METRICS, numbers, 0.01, (*FLOAT_COLUMNS, *names))


def rows(n_steps: int, rate: float, *, seed: int, spike: int = -1) -> Iterator[list[float]]:
    """Numbers as a run on a noisy quadratic has them: too high a rate swings, or breaks."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal((n_steps, 2)).astype(np.float32)
    curvature, weight, size = (2.0, 20.0), [3.0, 1.0], 4.0
    for i, (a, b) in enumerate(noise.tolist()):
        grad = [curvature[0] * weight[0] + 0.2 * a, curvature[1] * weight[1] + 0.2 * b]
        loss = 0.2 + 0.5 * sum(c * w * w for c, w in zip(curvature, weight, strict=True))
        norm = math.hypot(*grad)
        lr = rate * (1 - 0.9 * i / n_steps)
        weight = [
            max(min(w - lr * g / 2, 1e150), -1e150) for w, g in zip(weight, grad, strict=True)
        ]
        sampled = i % 10 == 0
        measured = loss * (1 + 0.02 * a) * (10 if i == spike else 1)
        norms = (size, lr * norm) if sampled else (NULL, NULL)
        yield [measured if loss < 1e30 else math.nan, lr, norm, norm, *norms]


def _metrics(random: np.random.Generator) -> np.ndarray:
    """Return a block of rows of metrics, each of a size of its own."""
    sizes = 10.0 ** (np.arange(N_METRICS) % 4)
    return sizes * (1 + 0.1 * random.standard_normal((_BLOCK, N_METRICS)))


def _write(
    store: Path,
    name: str,
    numbers: Iterable[list[float]],
    rate: float,
    columns: Sequence[str] = FLOAT_COLUMNS,
) -> None:
    now = time.time()
    info = RunInfo(
        id=f"{store.name}-{name}",
        name=name,
        created_at=now,
        optimizer="SGD",
        config={"lr": rate, "batch_size": 64, "model": {"depth": 18}},
        environment={"python": "3.11", "torch": "2.13"},
    )
    writer = create_run(store, info, columns)
    for i, row in enumerate(numbers):
        writer.append(Row(0, i, int(1e6 * (now + _SECONDS_A_STEP * i)), row))
    writer.close("finished")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--long", type=int, default=1_000_000)
    options = parser.parse_args()
    make_store(options.folder, options.runs, options.steps, options.long)


if __name__ == "__main__":
    main()
