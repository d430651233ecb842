"""Logs as the tools themselves wrote them, each judged in one command: see logs/README.md."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from lrwatch.cli import main
from lrwatch.importing import Choice, found_logs
from lrwatch.testing.importers import IMPORTER_CHECKS

LOGS = Path(__file__).parent / "logs"
Captured = pytest.CaptureFixture[str]

EXPECTED = {
    "accelerate": {"tensorboard": ["TensorBoard events, 60 rows"]},
    "fastai": {"fastai": ["fastai history, 25 rows, one an epoch"]},
    "keras": {
        "keras": ["Keras CSVLogger, 25 rows, one an epoch"],
        "keras-history": ["Keras History, 25 rows, one an epoch"],
    },
    "lightning": {"lightning": ["Lightning CSV, 48 rows"]},
    "lightning-gan": {"lightning": ["Lightning CSV, 96 rows"] * 2},
    "mlflow": {"mlflow": ["MLflow database, 60 rows"]},
    "mlflow-files": {"mlflow-files": ["MLflow files, 60 rows"]},
    "mmengine": {"mmengine": ["mmengine scalars, 40 rows, loss averaged over 5 steps"]},
    "stable-baselines3": {"stable-baselines3": ["Stable-Baselines3 progress, 13 rows"] * 2},
    "tensorboard": {"tensorboard": ["TensorBoard events, 60 rows"]},
    "tensorboardX": {"tensorboard": ["TensorBoard events, 60 rows"]},
    "torchtitan": {"torchtitan": ["torchtitan log, 60 rows"]},
    "torchtune": {"torchtune": ["torchtune log, 60 rows"]},
    "trackio": {"trackio": ["trackio database, 60 rows"] * 2},
    "trackio-parquet": {"trackio-parquet": ["trackio Parquet, 60 rows"] * 2},
    "transformers": {
        "huggingface": ["Hugging Face trainer_state, 18 rows, loss averaged over 4 steps"]
    },
    "transformers-console": {"huggingface-console": ["Hugging Face console log, 18 rows"]},
    "ultralytics": {"ultralytics": ["ultralytics results, 12 rows, one an epoch"]},
    "wandb": {"wandb": ["wandb offline run, 60 rows"]},
}
"""By folder: the kinds of log in it, and what is said of each run."""


@pytest.fixture
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of a folder of logs, what is compressed in it as it was."""
    folder = tmp_path / "job"
    shutil.copytree(LOGS / request.param, folder)
    for packed in list(folder.rglob("*.gz")):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    return folder


def test_every_log_is_expected_and_named() -> None:
    folders = {path.name for path in LOGS.iterdir() if path.is_dir()}
    assert folders == {*EXPECTED}
    listed = (LOGS / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in listed for name in folders)


@pytest.mark.parametrize(("log", "kinds"), EXPECTED.items(), indirect=["log"], ids=str)
def test_a_tools_own_log_gets_a_verdict_in_one_command(
    log: Path, kinds: dict[str, list[str]], capsys: Captured
) -> None:
    assert {each.importer.name for each in found_logs(log)} == {*kinds}
    assert main(["check", str(log), "--json"]) in (0, 1)
    runs = json.loads(capsys.readouterr().out)
    assert sorted(run["recognised"] for run in runs) == sorted(
        said for each in kinds.values() for said in each
    )
    assert not any(run["problem"] or run["troubles"] for run in runs)
    assert all(run["verdict"] for run in runs)


@pytest.mark.slow
@pytest.mark.parametrize("log", sorted({*EXPECTED} - {"lightning-gan"}), indirect=True)
def test_a_tools_own_log_passes_the_suite(log: Path) -> None:
    for found in found_logs(log):
        for check in IMPORTER_CHECKS:
            check(found.importer, found.path)
        assert found.importer.read(found.path, Choice())
