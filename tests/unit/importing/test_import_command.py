"""``lrwatch import``: runs that every door reads, updated and never doubled."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from log_samples import LOSSES, SAMPLES, STEPS

import lrwatch
from lrwatch.cli import main
from lrwatch.importing import Choice, FoundLog, Mirror, found_logs, importer_named, importers
from lrwatch.store import list_runs, read_run_info

Captured = pytest.CaptureFixture[str]


def bring(source: Path, store: Path, *more: str, kind: str = "auto") -> int:
    return main(["import", kind, str(source), "--dir", str(store), *more])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    folder.mkdir()
    return folder


def test_a_log_becomes_a_run(logs: Path, store: Path, capsys: Captured) -> None:
    assert bring(SAMPLES["huggingface"](logs), store) == 0
    out = capsys.readouterr().out
    assert out.endswith(
        "job: Hugging Face trainer_state, 40 rows, loss averaged over 10 steps; 40 new rows\n"
    )
    info = read_run_info(store / "job")
    assert (info.status, info.total_steps, info.config) == ("finished", 400, {"batch_size": 8})
    frame = lrwatch.read(store / "job").dropna(subset=["loss"])
    assert frame["step"].tolist() == STEPS
    assert frame["loss"].tolist() == LOSSES
    assert frame["grad_norm"].tolist() == [1.5] * len(STEPS)
    assert "eval_loss" in frame
    assert main(["check", str(store)]) == 0


def test_a_source_of_several_runs_becomes_several(logs: Path, store: Path) -> None:
    assert bring(SAMPLES["mlflow"](logs), store) == 0
    runs = list_runs(store)
    assert [run.key for run in runs] == ["run-r1", "run-r2"]
    assert [run.info.config for run in runs if run.info] == [{"lr": 0.1}] * 2
    frame = lrwatch.read(store / "run-r1")
    assert np.isnan(frame["loss"].iloc[-1])
    assert lrwatch.diagnose(store / "run-r1").verdict == "diverging"
    assert frame["time"].dt.year.min() == 2026


@pytest.mark.parametrize("kind", ["tensorboard", "wandb", "lightning", "keras", "trackio"])
def test_again_is_an_update_and_writes_nothing(kind: str, logs: Path, store: Path) -> None:
    source = SAMPLES[kind](logs)
    assert bring(source, store) == 0
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    assert bring(source, store) == 0
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


def test_a_renamed_run_is_still_the_same(logs: Path, store: Path) -> None:
    source = SAMPLES["table"](logs)
    bring(source, store)
    (run,) = list_runs(store)
    run.path.rename(store / "better name")
    bring(source, store)
    assert [each.key for each in list_runs(store)] == ["better name"]


def test_only_new_rows_are_added(logs: Path, store: Path) -> None:
    source = SAMPLES["llamafactory"](logs)
    lines = source.read_text().splitlines(keepends=True)
    source.write_text("".join(lines[:25]))
    bring(source, store)
    source.write_text("".join(lines))
    bring(source, store)
    (run,) = list_runs(store)
    raw = lrwatch.read(run.path, raw=True)
    assert raw["step"].tolist() == STEPS
    assert raw["loss"].tolist() == LOSSES


def test_a_log_that_was_begun_anew_takes_the_place_of_the_old_one(logs: Path, store: Path) -> None:
    source = SAMPLES["llamafactory"](logs)
    bring(source, store)
    lines = [json.loads(line) for line in source.read_text().splitlines()]
    again = [json.dumps(line | {"loss": line["loss"] + 1}) for line in lines[:30]]
    source.write_text("\n".join(again))
    for _ in range(2):
        bring(source, store)
    (run,) = list_runs(store)
    assert lrwatch.read(run.path)["loss"].tolist() == [loss + 1 for loss in LOSSES[:30]]
    assert len(lrwatch.read(run.path, raw=True)) == len(LOSSES) + 30  # nothing is deleted


@pytest.mark.slow
def test_a_log_that_lost_rows_is_not_added_again_and_again(logs: Path, store: Path) -> None:
    source = SAMPLES["llamafactory"](logs)
    lines = source.read_text().splitlines(keepends=True)
    bring(source, store)
    for kept in (lines[10:], lines[:5] + lines[6:], lines[:-3]):
        source.write_text("".join(kept))
        bring(source, store)
        (run,) = list_runs(store)
        n_rows = len(lrwatch.read(run.path, raw=True))
        bring(source, store)
        assert len(lrwatch.read(run.path, raw=True)) == n_rows
    assert lrwatch.read(run.path)["step"].is_monotonic_increasing


def test_a_chosen_column_is_read(logs: Path, store: Path) -> None:
    source = SAMPLES["table"](logs)
    assert bring(source, store, "--lr", "eta", "--every", "5") == 0
    (run,) = list_runs(store)
    assert lrwatch.read(run.path)["lr"].iloc[0] == pytest.approx(0.1)


def test_a_run_that_is_there_is_no_log(logs: Path, store: Path) -> None:
    SAMPLES["table"](logs)
    bring(logs, logs)  # into the folder that is searched
    bring(logs, logs)
    assert len(list_runs(logs)) == 1


def test_what_cannot_be_read_is_named_and_hides_no_other(
    logs: Path, store: Path, capsys: Captured
) -> None:
    SAMPLES["table"](logs)
    SAMPLES["mlflow"](logs)
    database = logs / "mlflow.db"
    database.write_bytes(database.read_bytes()[:5000])
    (logs / "state.json").write_text('{"log_history": [')
    assert bring(logs, store) == 2
    out, err = capsys.readouterr()
    assert "CSV table, 40 rows" in out
    assert "state.json has an empty log_history" in err


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("nothing", "there is no kind 'nothing'; use auto, or one of deepspeed, "),
        ("wandb", "is no file of wandb"),
    ],
)
def test_a_wrong_kind_is_one_line(
    kind: str, said: str, logs: Path, store: Path, capsys: Captured
) -> None:
    source = SAMPLES["table"](logs)
    assert bring(source, store, kind=kind) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_hostile_names_stay_within_the_store(logs: Path, store: Path) -> None:
    source = SAMPLES["trackio-parquet"](logs)
    evil = logs / "evil.jsonl"
    rows = [
        {"_step": i, "_timestamp": 1.78e9 + i, "loss": loss, "../../x\n": 1.0, "y" * 300: 1.0}
        for i, loss in enumerate(LOSSES)
    ]
    evil.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shutil.move(evil, logs / "..evil..jsonl")
    assert bring(source, store) == 0
    assert bring(logs / "..evil..jsonl", store) == 0
    for run in list_runs(store):
        assert run.path.parent == store
        assert all(name.isprintable() for name in lrwatch.read(run.path).columns)


class Live:
    """A log that grows, and the runs that follow it."""

    def __init__(self, source: Path, store: Path) -> None:
        self.source, self.lines = source, source.read_text().splitlines(keepends=True)
        importer = importer_named("llamafactory")
        self.mirror = Mirror(store, lambda: [FoundLog(source, importer, 1.0)], Choice())
        self.store = store

    def update(self, n_lines: int | None = None) -> int:
        if n_lines is not None:
            self.source.write_text("".join(self.lines[:n_lines]))
        return sum(run.n_new for run in self.mirror.update(is_live=True))

    def steps(self) -> list[int]:
        (run,) = list_runs(self.store)
        steps: list[int] = lrwatch.read(run.path, raw=True)["step"].tolist()
        return steps


def test_a_log_is_followed(logs: Path, store: Path) -> None:
    live = Live(SAMPLES["llamafactory"](logs), store)
    assert live.update(10) == 9  # the last row may still be added to
    assert live.update() == 1  # and is not
    assert live.update() == 0
    (run,) = list_runs(store)
    assert run.info is not None
    assert run.info.status == "running"
    assert live.update(12) == 1
    assert live.update(14) == 2
    live.mirror.close()
    assert live.steps() == STEPS[:14]
    assert read_run_info(run.path).status == "finished"


def test_a_followed_log_that_is_followed_again_goes_on(logs: Path, store: Path) -> None:
    source = SAMPLES["llamafactory"](logs)
    first = Live(source, store)
    first.update(10)
    first.mirror.close()
    source.write_text("".join(first.lines))
    second = Live(source, store)
    second.update()
    second.mirror.close()
    assert second.steps() == STEPS


def test_ctrl_c_ends_following(
    logs: Path, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lrwatch.cli.import_runs.time.sleep", interrupted)
    assert bring(SAMPLES["table"](logs), store, "--follow") == 130
    (run,) = list_runs(store)
    assert len(lrwatch.read(run.path)) == len(LOSSES)
    assert run.info is not None
    assert run.info.status == "finished"


def test_numbers_that_no_run_has_do_no_harm(logs: Path, store: Path) -> None:
    rows = [
        {"current_steps": i, "total_steps": 10**30, "loss": 9 - i, "timestamp": 1e300}
        for i in range(9)
    ]
    (logs / "trainer_log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    nested: object = 1
    for _ in range(90):
        nested = {"a": nested}
    database = sqlite3.connect(SAMPLES["trackio"](logs))
    database.execute("UPDATE configs SET config = ?", (json.dumps({"x": nested}),))
    database.commit()
    database.close()
    assert bring(logs, store) == 0
    for run in list_runs(store):
        assert not run.problem
        assert run.info is not None
        assert run.info.total_steps is None


def test_a_search_ends(logs: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    for i in range(9):
        (logs / f"{i}.txt").write_text("nothing")
    monkeypatch.setattr("lrwatch.importing.search._MOST_CANDIDATES", 5)
    assert found_logs(logs) == []
    assert "holds too many files, not all are searched for logs" in caplog.text


def test_the_help_lists_every_kind_and_so_does_the_page(capsys: Captured) -> None:
    assert main(["import", "--help"]) == 0
    out = capsys.readouterr().out
    page = (Path(__file__).parents[3] / "docs" / "importing.md").read_text(encoding="utf-8")
    assert not [kind for kind in importers() if f"\n  {kind} " not in out]
    assert not [kind for kind in importers() if f"`{kind}`" not in page]


def test_a_log_of_two_optimizers_is_a_run_for_each_loss(logs: Path, store: Path) -> None:
    log = logs / "gan.csv"
    lines = [f"{i},{9 - i},{i + 1},0.1,0.2" for i in range(9)]
    log.write_text("\n".join(["step,loss_g,loss_d,lr-G,lr-D", *lines]))
    for _ in range(2):
        assert bring(log, store, "--loss", "loss_g", "--lr", "lr-G") == 0
        assert bring(log, store, "--loss", "loss_d", "--lr", "lr-D") == 0
    assert [run.key for run in list_runs(store)] == ["gan loss_d", "gan loss_g"]
    assert lrwatch.read(store / "gan loss_d")["lr"].tolist() == [0.2] * 9
