"""The examples of docs/integrations.md run as they are printed, by the frameworks themselves."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sources import ROOT

import lrwatch
from lrwatch.store import RunEntry, list_runs

pytestmark = pytest.mark.e2e

TEXT = (ROOT / "docs/integrations.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^## ([^\n]+)\n\n```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))


@dataclass(frozen=True)
class Expected:
    """What a run of an example holds beside loss and rate of every step."""

    package: str
    n_steps: int
    lr: float
    columns: dict[str, int] = field(default_factory=dict)  # and how many values each has
    config: dict[str, Any] = field(default_factory=dict)
    total_steps: int | None = None
    has_norms: bool = True


EXPECTED = {
    "Lightning": Expected(
        "lightning", 24, 0.01, {"val_loss": 3, "epoch": 24}, {"width": 8, "accumulate": 1}, 24
    ),
    "transformers": Expected(
        "transformers", 12, 5e-5, {"eval_loss": 2, "epoch": 12},
        {"gradient_accumulation_steps": 2, "per_device_train_batch_size": 4}, 12,
    ),
    "Accelerate": Expected("accelerate", 16, 0.1, {"val_loss": 2, "epoch": 2}),
    "skorch": Expected(
        "skorch", 12, 0.05, {"valid_loss": 3, "epoch": 12}, {"batch_size": 16, "max_epochs": 3}
    ),
    "Ignite": Expected(
        "ignite", 24, 0.05, {"val_loss": 3, "epoch": 24}, {"max_epochs": 3}, 24
    ),
    "Keras": Expected(
        "keras", 18, 0.05, {"val_loss": 3, "epoch": 18}, {"optimizer": "SGD"}, 18, has_norms=False
    ),
    "Stable-Baselines3": Expected(
        "stable_baselines3", 30, 7e-4,
        {"train/policy_loss": 25, "rollout/ep_rew_mean": 20}, {"algorithm": "A2C"},
    ),
    "ultralytics": Expected(
        "ultralytics", 4, 0.01, {"val/box_loss": 2, "epoch": 4}, {"imgsz": 32, "epochs": 2}
    ),
    "fastai": Expected(
        "fastai", 24, 0.01, {"valid_loss": 3, "epoch": 24}, {"batch_size": 8}, 24
    ),
    "Composer": Expected("composer", 24, 0.05, {"loss/train/total": 24}),
}  # fmt: skip

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def ran(script: str, folder: Path, **environment: str) -> list[RunEntry]:
    """Run a script in a folder; return the runs that it left there."""
    path = os.pathsep.join([str(ROOT), environment.pop("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={**os.environ, **OFFLINE, "OMP_NUM_THREADS": "1", **environment, "PYTHONPATH": path},
    )
    assert ended.returncode == 0, ended.stderr
    assert "not recorded" not in ended.stderr
    assert "is left out" not in ended.stderr, ended.stderr
    return list_runs(folder / "runs") if (folder / "runs").exists() else []


@pytest.mark.parametrize("framework", EXPECTED)
def test_an_example_runs_as_printed(framework: str, tmp_path: Path) -> None:
    expected = EXPECTED[framework]
    if importlib.util.find_spec(expected.package) is None:
        pytest.skip(f"{expected.package} is not installed")
    if framework == "Keras" and not hasattr(lrwatch, "open_run"):
        pytest.skip("lrwatch.open_run is not there")
    (entry,) = ran(EXAMPLES[framework], tmp_path)
    assert entry.info is not None
    frame = lrwatch.read(entry.path)
    assert len(frame) == expected.n_steps
    assert frame["loss"].notna().all()
    assert frame["lr"].iloc[0] == pytest.approx(expected.lr, rel=0.01)
    assert frame["grad_norm"].notna().all() == expected.has_norms
    for name, n_values in expected.columns.items():
        assert frame[name].notna().sum() >= n_values, (name, list(frame))
    assert {k: entry.info.config.get(k) for k in expected.config} == expected.config
    assert entry.info.total_steps == expected.total_steps
    assert entry.info.status == "finished"


def test_there_is_an_example_of_each() -> None:
    assert set(EXAMPLES) == set(EXPECTED)


BY_AXOLOTL = """
from axolotl.integrations.base import PluginManager
from axolotl.utils.dict import DictDefault

plugins = PluginManager.get_instance()
plugins.register("lrwatch.integrations.axolotl.AxolotlPlugin")
cfg = DictDefault(lrwatch_dir="runs")
"""


def test_a_plugin_that_axolotl_loads_gives_its_trainer_the_callback(tmp_path: Path) -> None:
    if importlib.util.find_spec("axolotl") is None:
        pytest.skip("axolotl is not installed")
    script = BY_AXOLOTL + EXAMPLES["transformers"].replace(
        '[TransformersCallback(dir="runs")]', "plugins.add_callbacks_post_trainer(cfg, None)"
    )
    (entry,) = ran(script, tmp_path)
    frame = lrwatch.read(entry.path)
    assert len(frame) == 12
    assert frame["grad_norm"].notna().all()
    assert frame["eval_loss"].notna().sum() == 2


needs_lightning = pytest.mark.skipif(
    importlib.util.find_spec("lightning") is None, reason="lightning is not installed"
)
PLAIN = re.sub(r"callbacks=\[Lightning.*\],?", "", EXAMPLES["Lightning"])
LOGGER = (
    PLAIN.replace("import LightningCallback", "import LightningLogger")
    .replace("logger=False", 'logger=LightningLogger(dir="runs"), log_every_n_steps=1')
    .replace(
        "        return (self", '        self.log("train_score", 1.5)\n        return (self', 1
    )
)


@needs_lightning
def test_the_logger_of_lightning_watches_and_takes_what_is_logged(tmp_path: Path) -> None:
    (entry,) = ran(LOGGER, tmp_path)
    frame = lrwatch.read(entry.path)
    assert len(frame) == 24
    assert frame["grad_norm"].notna().all()
    assert frame["train_score"].notna().sum() >= 20
    assert frame["val_loss"].notna().sum() == 3
    assert entry.info is not None
    assert entry.info.config["width"] == 8


def installed_at(folder: Path) -> str:
    """Make the entry points of this source known, as an installation does."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    group = "lightning.pytorch.callbacks_factory"
    home = folder / "site" / "lrwatch_here-1.dist-info"
    home.mkdir(parents=True)
    (home / "METADATA").write_text("Metadata-Version: 2.1\nName: lrwatch-here\nVersion: 1\n")
    (home / "entry_points.txt").write_text(f"[{group}]\nlrwatch = {points[group]['lrwatch']}\n")
    return str(home.parent)


SWITCHED = """
import os
from lrwatch.integrations.lightning import callbacks_factory

del os.environ["LRWATCH_LIGHTNING"]
assert callbacks_factory() == []  # without a callback Lightning knows nothing of us
for value, n_callbacks in (("0", 0), ("", 0), ("1", 1), ("elsewhere", 1)):
    os.environ["LRWATCH_LIGHTNING"] = value
    assert len(callbacks_factory()) == n_callbacks
"""


@needs_lightning
def test_lightning_is_recorded_by_one_variable_of_the_environment(tmp_path: Path) -> None:
    site = installed_at(tmp_path)
    (entry,) = ran(PLAIN + SWITCHED, tmp_path, PYTHONPATH=site, LRWATCH_LIGHTNING="1")
    assert lrwatch.read(entry.path)["val_loss"].notna().sum() == 3


@needs_lightning
def test_with_the_switch_on_a_scripts_own_callback_stays_the_one(tmp_path: Path) -> None:
    site = installed_at(tmp_path)
    (entry,) = ran(EXAMPLES["Lightning"], tmp_path, PYTHONPATH=site, LRWATCH_LIGHTNING="other")
    assert len(lrwatch.read(entry.path)) == 24
    assert not (tmp_path / "other").exists()
