"""Logs of several optimizers: each is a run of its own, and no verdict speaks of another's rate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lrwatch.cli import main
from lrwatch.importing import Choice, ForeignRun, ordered
from lrwatch.importing.optimizers import by_optimizer
from lrwatch.store import list_runs

N = 60
FALLS = (2.0 / (1 + np.arange(N))).tolist()
RISES = (1.0 + 0.1 * np.arange(N)).tolist()


def run_of(*names: str) -> ForeignRun:
    values = [FALLS, RISES, *([0.1 * k] * N for k in range(1, 9))]
    table = pa.table({"step": range(N), **dict(zip(names, values, strict=False))})
    return ForeignRun("job", table, "table", columns={"step": "step"})


def rates(run: ForeignRun, choice: Choice | None = None) -> Mapping[str, float]:
    """Return the rate of each run, by its name; NaN where it has none."""
    choice = choice or Choice()
    read = [ordered(each, choice) for each in by_optimizer(run, choice)]
    return {each.run.name: float(each.rows.lr[0]) for each in read}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("g_loss", "d_loss", "g_lr", "d_lr"), {"job g_loss": 0.1, "job d_loss": 0.2}),
        (("Loss/G", "Loss/D", "lr/D", "lr/G"), {"job Loss/G": 0.2, "job Loss/D": 0.1}),
        (("loss_gen", "loss_disc", "lr"), {"job loss_gen": 0.1, "job loss_disc": 0.1}),
        (
            ("train/actor_loss", "train/critic_loss", "train/learning_rate"),
            {"job train/actor_loss": 0.1, "job train/critic_loss": 0.1},
        ),
        (
            ("g_loss", "d_loss", "lr-Adam", "lr-Adam-1"),
            {"job g_loss": np.nan, "job d_loss": np.nan},
        ),
        (
            ("encoder_loss", "head_loss", "lr_encoder", "lr_head"),
            {"job encoder_loss": 0.1, "job head_loss": 0.2},
        ),
    ],
)
def test_each_optimizer_has_its_own_loss_and_rate(
    names: tuple[str, ...], expected: dict[str, float]
) -> None:
    np.testing.assert_equal(
        dict(sorted(rates(run_of(*names)).items())), dict(sorted(expected.items()))
    )


@pytest.mark.parametrize(
    "names",
    [
        ("loss", "d_loss", "lr"),
        ("train/policy_loss", "train/value_loss", "train/learning_rate"),  # one optimizer, of A2C
        ("train/box_loss", "train/cls_loss", "lr/pg0", "lr/pg1"),
        ("train_loss", "val_loss", "lr-Adam/pg1", "lr-Adam/pg2"),
        ("train_loss_step", "train_loss_epoch", "lr-SGD"),
    ],
)
def test_a_log_of_one_optimizer_is_one_run(names: tuple[str, ...]) -> None:
    (run,) = by_optimizer(run_of(*names), Choice())
    assert ordered(run, Choice()).rows.lr[0] == pytest.approx(0.1)
    assert run.name == "job"


def test_one_loss_of_two_optimizers_is_judged_without_a_rate() -> None:
    run = run_of("train_loss", "val_loss", "lr-Adam", "lr-SGD")
    (read,) = (ordered(each, Choice()) for each in by_optimizer(run, Choice()))
    assert np.isnan(read.rows.lr).all()
    assert "whose rate each is, nothing says; none is judged: lr-Adam, lr-SGD" in read.assumed
    assert not any("the first is judged" in said for said in read.assumed)


def test_what_is_chosen_counts() -> None:
    run = run_of("g_loss", "d_loss", "lr-Adam", "lr-Adam-1")
    assert rates(run, Choice(loss="d_loss", lr="lr-Adam-1")) == {"job": 0.2}
    assert np.isnan(rates(run, Choice(loss="d_loss"))["job"])


def test_rivals_are_said_to_be_rivals() -> None:
    runs = by_optimizer(run_of("g_loss", "d_loss"), Choice())
    assert [run.notes for run in runs] == [
        ("a loss that is trained against another need not fall",)
    ] * 2


def test_a_log_of_two_is_checked_and_imported_as_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, store = tmp_path / "gan.csv", tmp_path / "runs"
    rows = [f"{i},{FALLS[i]},{RISES[i]},0.1,0.2" for i in range(N)]
    log.write_text("\n".join(["step,g_loss,d_loss,g_lr,d_lr", *rows]) + "\n")
    main(["check", str(log)])
    said = capsys.readouterr().out
    assert "gan.csv (gan g_loss)" in said
    assert "gan.csv (gan d_loss)" in said
    bring = ["import", "auto", str(log), "--dir", str(store)]
    for more in ([], [], ["--loss", "d_loss", "--lr", "d_lr"]):  # again, and one of them by name
        assert main([*bring, *more]) == 0
        assert {run.key for run in list_runs(store)} == {"gan d_loss", "gan g_loss"}
