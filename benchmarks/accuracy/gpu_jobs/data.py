"""What the jobs learn from: source code found on the machine, and pictures that are drawn.

No download: text is Python's own library and the headers of torch, pictures are ten kinds of
shapes and textures under noise.
"""

from __future__ import annotations

import re
import sysconfig
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

VOCABULARY = 2048
MASK = VOCABULARY - 1
SIDE = 32
KINDS = 10
_WORD = re.compile(r"\w+| +|\s|[^\w\s]")


def code(size: int) -> Tensor:
    """Tokens of Python's own library, about `size` of them."""
    return _tokens(Path(sysconfig.get_paths()["stdlib"]), "*.py", size)


def headers(size: int) -> Tensor:
    """Tokens of another language: the C++ headers that torch brings along."""
    return _tokens(Path(torch.__file__).parent / "include", "**/*.h", size)


def _tokens(folder: Path, pattern: str, size: int) -> Tensor:
    """Number the words by how often Python's library has them; rare ones share a number."""
    words = _words(folder, pattern, size)
    numbers = _numbers()
    return torch.tensor([numbers.get(word, MASK - 1) for word in words])


def _words(folder: Path, pattern: str, size: int) -> list[str]:
    words: list[str] = []
    for path in sorted(folder.glob(pattern)):
        words += _WORD.findall(path.read_text(encoding="utf-8", errors="ignore")[:200_000])
        if len(words) >= size:
            break
    return words[:size]


@cache
def _numbers() -> dict[str, int]:
    common = Counter(_words(Path(sysconfig.get_paths()["stdlib"]), "*.py", 400_000))
    return {word: k for k, (word, _) in enumerate(common.most_common(MASK - 1))}


def pictures(n: int, *, noise: float = 0.25) -> tuple[Tensor, Tensor]:
    """Pictures, shape (n, 3, 32, 32), centred, and the kind of each."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    kind = rng.integers(0, KINDS, n)
    drawn = np.empty((n, 3, SIDE, SIDE), np.float32)
    for k in range(n):
        centre, size, angle = rng.uniform(9, 23, 2), rng.uniform(4, 10), rng.uniform(0, np.pi)
        dx, dy = x - centre[0], y - centre[1]
        u = dx * np.cos(angle) + dy * np.sin(angle)
        v = dy * np.cos(angle) - dx * np.sin(angle)
        inside = _SHAPES[kind[k]](u / size, v / size)
        front, back = rng.uniform(0.2, 1, (3, 1, 1)), rng.uniform(0, 0.8, (3, 1, 1))
        drawn[k] = np.where(inside, front, back)
    drawn += rng.normal(0, noise, drawn.shape).astype(np.float32)
    return torch.tensor(drawn - 0.5), torch.tensor(kind)


_SHAPES = (
    lambda u, v: u * u + v * v < 1,
    lambda u, v: np.maximum(abs(u), abs(v)) < 0.8,
    lambda u, v: (abs(u) < 1) & (abs(v) < 0.3),
    lambda u, v: abs(np.hypot(u, v) - 0.9) < 0.2,
    lambda u, v: (v < 0.6) & (v > abs(u) * 1.3 - 0.7),
    lambda u, v: (np.minimum(abs(u), abs(v)) < 0.2) & (np.maximum(abs(u), abs(v)) < 1),
    lambda u, _: np.sin(6 * u) > 0,
    lambda u, v: (np.sin(6 * u) > 0) ^ (np.sin(6 * v) > 0),
    lambda u, v: u * u + 5 * v * v < 1,
    lambda u, v: abs(u) + abs(v) < 1,
)
