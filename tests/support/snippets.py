"""The snippets of the pages: found by sybil, run in a folder like the one that they speak of.

A block that cannot be run says so in the page, for whoever reads its source::

    <!-- skip: next "runs until Ctrl-C" -->

Blocks of one page share their names, as in a notebook. `WORKPLACE` is there before the first.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from unittest import SkipTest

import yaml  # type: ignore[import-untyped]
from log_samples import huggingface
from sources import ROOT
from sybil import Document, Example
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, SkipParser
from sybil.typing import Evaluator

import lrwatch

__all__ = ["CODE", "WORKPLACE", "Evaluated", "evaluated", "fences", "pages", "workplace"]

Evaluated = tuple[Example, str | None]
"""An example, and why it was not run."""

CODE = ("python", "sh", "json", "toml", "yaml")

WORKPLACE = """
import torch

torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True) + 0.1 * torch.randn(256, 1)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=16)
loss_fn = torch.nn.functional.mse_loss


def make_optimizer(lr=0.1):
    return torch.optim.SGD(torch.nn.Linear(4, 1).parameters(), lr=lr)


def train(optimizer, n_steps=60):
    trained = optimizer.param_groups[0]["params"]
    for step in range(n_steps):
        at = 16 * step % 256
        optimizer.zero_grad()
        loss = (x[at : at + 16] @ trained[0].T + trained[1] - y[at : at + 16]).square().mean()
        loss.backward()
        optimizer.step()
    return loss.item()


def save(alert):
    pass
"""
"""What every page may take for granted in Python."""

SCRIPT = """
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
lr = parser.parse_args().lr
""" + WORKPLACE.replace("lr=0.1)\nx", "lr=lr)\nx") + "\ntrain(optimizer)\n"  # fmt: skip

RUNS = {
    "sgd-0.001": "digits-sgd-constant-0.001",
    "sgd-0.1": "digits-sgd-constant-0.1",
    "sgd-10": "digits-sgd-constant-10",
}

# Found before any other `lrwatch`. Status 1 of `check` is no failure: a run is flagged.
SHIM = """#!/bin/sh
{python} -m lrwatch "$@"
status=$?
[ "$1" = check ] && [ $status = 1 ] && status=0
exit $status
"""

_FENCE = re.compile(r"^ *```+([^\n`]*)$", re.MULTILINE)


def pages() -> list[Path]:
    """Return every page that people read: those at the root, and of docs/ but for decisions."""
    written = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    return sorted(page for page in written if page.parent.name != "decisions")


def fences(page: Path) -> list[str]:
    """Return what stands behind each opening fence of a page."""
    return [word.strip() for word in _FENCE.findall(page.read_text(encoding="utf-8"))[::2]]


def workplace(folder: Path) -> None:
    """Fill a folder with what pages speak of: runs, a script, logs of other tools."""
    for name, sample in RUNS.items():
        shutil.copytree(ROOT / "sample_runs" / sample, folder / "runs" / name)
        told = folder / "runs" / name / "run.json"
        info = json.loads(told.read_text(encoding="utf-8"))
        told.write_text(json.dumps(info | {"name": name}), encoding="utf-8")
    (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
    (folder / "logs").mkdir()
    huggingface(folder / "logs")
    huggingface(folder)
    lines = [f"{i},{2.0 / (i + 1) + 0.1},0.1" for i in range(60)]
    (folder / "log.csv").write_text("\n".join(["step,loss,lr", *lines]), encoding="utf-8")
    (folder / "bin").mkdir()
    shim = folder / "bin" / "lrwatch"
    shim.write_text(SHIM.format(python=sys.executable), encoding="utf-8")
    shim.chmod(0o755)


def evaluated(page: Path) -> Iterator[Evaluated]:
    """Run the blocks of a page, one after the other, in the current folder.

    Raises
    ------
    Exception
        Whatever a block raises; ``AssertionError`` where a command fails.
    """
    run: dict[str, Evaluator] = {
        "python": PythonEvaluator(),
        "sh": _shell,
        "json": _json,
        "toml": _toml,
        "yaml": _yaml,
    }
    parsers = [CodeBlockParser(language, run[language]) for language in CODE]
    document = Document.parse(str(page), *parsers, SkipParser())
    exec(WORKPLACE, document.namespace)
    for example in document.examples():
        why = None
        try:
            example.evaluate()
        except SkipTest as skipped:
            why = str(skipped)
        if isinstance(example.parsed, str):  # and no directive
            yield example, why
    for value in list(document.namespace.values()):
        if isinstance(value, lrwatch.Run):
            value.finish()


def _shell(example: Example) -> None:
    first = [str(Path.cwd() / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(first),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dashboard")]),
        "OMP_NUM_THREADS": "1",
        "NO_COLOR": "1",
    }
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", textwrap.dedent(example.parsed)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert ended.returncode == 0, f"{example.path}:{example.line}\n{ended.stdout}\n{ended.stderr}"


def _json(example: Example) -> None:
    json.loads(example.parsed)


def _toml(example: Example) -> None:
    tomllib.loads(example.parsed)


def _yaml(example: Example) -> None:
    yaml.safe_load(example.parsed)
