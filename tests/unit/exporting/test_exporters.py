"""What is exported, read by those for whom it is; and a store read by them as it lies there."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from stores import write_run

import lrwatch
from lrwatch.cli import main
from lrwatch.exporting import exporter_for, exporters
from lrwatch.importing import Choice, importers, ordered, recognised

LOSSES = [3.0, 2.0, math.nan, 1.0]
DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    values = {"loss": LOSSES, "lr": [0.1] * 4}
    return write_run(tmp_path / "runs", "a", steps=range(4), values=values, created_at=5.0)


def exported(run: Path, name: str) -> Path:
    target = run.parents[1] / name
    assert main(["export", str(run), "--to", str(target)]) == 0
    return target


@pytest.mark.parametrize("name", [each.example for each in exporters().values()])
def test_each_kind_is_read_again(name: str, run: Path) -> None:
    target = exported(run, name)
    if name.endswith(".arrow"):
        return  # which is no log
    importer, _ = recognised(target)
    assert importer is not None
    (found,) = importer.read(target, Choice())
    rows = ordered(found, Choice()).rows
    np.testing.assert_equal(rows.loss.tolist(), LOSSES)
    assert np.allclose(rows.lr, 0.1)
    assert rows.step.tolist() == [0, 1, 2, 3]


def test_kinds_are_told_by_name_or_by_word(run: Path, tmp_path: Path) -> None:
    assert exporter_for("x.WANDB.parquet").name == "wandb"
    assert main(["export", str(run), "--to", str(tmp_path / "x.data"), "--as", "csv"]) == 0
    assert (tmp_path / "x.data").read_text().startswith('"step"')


def test_an_unknown_kind_is_one_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(run), "--to", str(tmp_path / "x"), "--as", "xlsx"]) == 2
    assert "use one of tensorboard, wandb, trackio, csv, parquet, arrow" in capsys.readouterr().err


@pytest.mark.slow
def test_tensorboard_reads_the_events(run: Path) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", exc_type=ImportError
    )
    events = accumulator.EventAccumulator(str(exported(run, "events.out.tfevents.1")))
    events.Reload()
    assert events.Tags()["scalars"] == ["train/loss", "train/learning_rate"]
    scalars = events.Scalars("train/loss")
    np.testing.assert_equal([scalar.value for scalar in scalars], LOSSES)
    assert [scalar.step for scalar in scalars] == [0, 1, 2, 3]


@pytest.mark.slow
def test_what_summary_writers_write_is_read(tmp_path: Path) -> None:
    module = pytest.importorskip("tensorboardX", exc_type=ImportError)
    with module.SummaryWriter(str(tmp_path)) as writer:
        writer.add_text("notes", "x" * 100)
        for step in range(12):
            writer.add_scalar("train/loss", 3.0 - step / 10, step)
            writer.add_scalar("val/loss", 4.0, step // 4)
            writer.add_histogram("weights", np.arange(10.0), step)
    (found,) = importers()["tensorboard"].read(tmp_path, Choice())
    rows = ordered(found, Choice()).rows
    assert np.allclose(rows.loss, 3.0 - np.arange(12) / 10)
    assert not found.troubles


def test_an_arrow_file_and_table(run: Path) -> None:
    frame = pd.read_feather(exported(run, "x.arrow"))
    pd.testing.assert_frame_equal(frame, lrwatch.read(run))
    table = lrwatch.read_table(run)
    assert table["loss"].null_count == 0  # NaN is a value
    assert table["grad_norm"].null_count == 4


def test_the_columns_of_other_tools(run: Path) -> None:
    wandb = pd.read_parquet(exported(run, "x.wandb.parquet"))
    assert list(wandb) == ["_step", "_timestamp", "_runtime", "loss", "lr"]
    assert wandb["_runtime"].tolist() == [-5.0, -4.0, -3.0, -2.0]
    trackio = pd.read_parquet(exported(run, "x.trackio.parquet"))
    assert list(trackio) == ["id", "run_id", "timestamp", "run_name", "step", "loss", "lr"]
    assert set(trackio["run_name"]) == {"a"}


def test_half_a_file_is_never_left(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lrwatch.exporting.table_files.csv.write_csv", fails)
    target = run.parents[1] / "x.csv"
    assert main(["export", str(run), "--to", str(target)]) == 2
    assert not list(run.parents[1].glob("*x.csv*"))


class Notes:
    """An exporter, and an importer, of another package."""

    name, title, example = "notes", "notes", "x.notes"

    def takes(self, name: str) -> bool:
        return name.endswith(".notes")

    def write(self, run: Any, path: Path) -> None:
        path.write_text(run.info.name)

    def recognises(self, path: Path, head: bytes) -> float:
        return 0.99 if head.startswith(b"notes") else 0.0

    def read(self, path: Path, choice: Choice) -> list[Any]:
        return []


@pytest.fixture
def other_package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    entries = [
        EntryPoint("notes", "test_exporters_notes:Notes", "x"),
        EntryPoint("broken", "no_such_module_at_all:X", "x"),
    ]
    monkeypatch.setattr(EntryPoint, "load", _loaded)
    for home in ("exporting", "importing"):
        monkeypatch.setattr(f"lrwatch.{home}.registry.entry_points", lambda group: entries)
    importers.cache_clear()
    exporters.cache_clear()
    yield
    importers.cache_clear()
    exporters.cache_clear()


def _loaded(entry: EntryPoint) -> Any:
    if entry.name == "broken":
        raise ModuleNotFoundError(entry.value)
    return Notes


def test_other_packages_add_kinds(
    run: Path, other_package: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert exported(run, "x.notes").read_text() == "a"
    log = tmp_path / "log.txt"
    log.write_text("notes of a training")
    importer, _ = recognised(log)
    assert isinstance(importer, Notes)
    assert "the importer broken cannot be loaded" in caplog.text


BLOCKS = re.findall(r"```python\n(.*?)```", (DOCS / "reading.md").read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb", "pyarrow.dataset"])
def test_the_lines_that_read_a_store_run_as_they_are_printed(
    engine: str, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(engine)
    run.rename(run.with_name("sgd-0.1"))
    write_run(run.parent, "b", steps=range(3), values={"own": [1.0, 0.5, 0.25]}, config={"x": 1})
    monkeypatch.chdir(run.parents[1])
    (block,) = [block for block in BLOCKS if f"import {engine}\n" in block]
    found: dict[str, Any] = {}
    exec(block, found)
    assert len(found["steps"]) == 4
    for name in {"best", "configs"} & found.keys():
        assert len(found[name]) == 2
