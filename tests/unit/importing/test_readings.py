"""What single kinds do with what people's logs have in them."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from log_samples import LOSSES, RATES, SAMPLES, STEPS, N, wandb_file

from lrwatch.errors import InvalidArgument, RunUnreadable
from lrwatch.importing import Choice, OrderedRun, found_logs, importer_named, ordered, recognised
from lrwatch.importing.event_files import framed
from lrwatch.importing.wire import bytes_field, double_field, varint_field

SHARED = Path(__file__).parents[3].parent / "shared" / "samples"


def read(path: Path, choice: Choice | None = None) -> OrderedRun:
    choice = choice or Choice()
    importer, _ = recognised(path)
    assert importer is not None
    (run,) = importer.read(path, choice)
    return ordered(run, choice)


def troubles(path: Path) -> list[str]:
    return [str(trouble) for trouble in read(path).run.troubles]


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("cell", "loss", "is_seen"),
    [
        ("nan", math.nan, True),
        ("NaN", math.nan, True),
        ("-nan(ind)", math.nan, True),
        ("1.#QNAN", math.nan, True),
        ("-1.#IND00", math.nan, True),
        ("1.#INF", math.inf, True),
        ("-Infinity", -math.inf, True),
        ("tensor(2.5)", 2.5, True),
        ('"3"', 3.0, True),
        ("", math.nan, False),
        ("NA", math.nan, False),
        ("null", math.nan, False),
        ("None", math.nan, False),
        ("-", math.nan, False),
    ],
)
def test_a_number_in_any_spelling(cell: str, loss: float, is_seen: bool, tmp_path: Path) -> None:
    rows = read(written(tmp_path / "log.csv", "step,loss", "0,2", f"1,{cell}", "2,1")).rows
    np.testing.assert_equal(rows.loss[1], loss)
    assert bool(rows.loss_seen[1]) is is_seen


def test_broken_lines_are_named_and_cost_themselves(tmp_path: Path) -> None:
    log = written(
        tmp_path / "log.csv", "step,loss,lr", "0,3,0.1", "garbage", "1,high,0.1", "2,1,0.1,7", "3,1"
    )
    assert troubles(log) == [
        "log.csv, line 3: 1 field where 3 are expected",
        "log.csv, line 4: loss is 'high'",
        "log.csv, line 5: 4 fields where 3 are expected",
        "log.csv, line 6: 2 fields where 3 are expected",
    ]
    assert read(log).rows.step.tolist() == [0, 1]


def test_of_many_broken_lines_the_first_are_named(tmp_path: Path) -> None:
    log = written(tmp_path / "log.jsonl", '{"loss": 1}', '{"loss": 2}', *["{"] * 20)
    said = troubles(log)
    assert len(said) == 6
    assert said[0].startswith("log.jsonl, line 3: no JSON")
    assert said[-1] == "log.jsonl: 15 more lines like these"


def test_a_log_begun_anew_in_one_file_has_its_names_again(tmp_path: Path) -> None:
    lines = ["step,loss", "0,3", "1,2", "step,loss,lr", "0,4,0.1", "1,3,0.1", "2,2,0.1"]
    log = read(written(tmp_path / "log.csv", *lines))
    assert log.rows.loss.tolist() == [4, 3, 2]
    assert log.rows.lr.tolist() == [0.1] * 3
    assert "2 rows written again later on: the last writing counts" in log.assumed


@pytest.mark.parametrize("separator", [",", ";", "\t", " , "])
def test_any_separator(separator: str, tmp_path: Path) -> None:
    lines = [separator.join(row) for row in (["iter", "loss"], ["10", "2"], ["20", "1"])]
    assert read(written(tmp_path / "log.csv", *lines)).rows.step.tolist() == [10, 20]


def test_a_text_of_another_encoding(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_bytes("step,loss\n0,2\n1,1\n".encode("utf-16"))
    assert read(log).rows.loss.tolist() == [2, 1]


def test_columns_can_be_chosen(tmp_path: Path) -> None:
    lines = ["n,a,b,loss", *(f"{i},{10 - i},0.1,7" for i in range(5))]
    log = written(tmp_path / "log.csv", *lines)
    chosen = read(log, Choice(loss="a", lr="b", step="n"))
    assert chosen.rows.loss.tolist() == [10, 9, 8, 7, 6]
    assert chosen.rows.lr.tolist() == [0.1] * 5
    assert not any("numbered" in said for said in chosen.assumed)
    every = read(log, Choice(every=100))
    assert every.rows.step.tolist() == [0, 100, 200, 300, 400]
    assert every.recognised == "CSV table, 5 rows, loss averaged over 100 steps"
    with pytest.raises(InvalidArgument, match="there is no column 'x' for --loss; there are: n, a"):
        read(log, Choice(loss="x"))


def test_epochs_are_multiplied_by_the_steps_that_they_have(tmp_path: Path) -> None:
    log = read(SAMPLES["ultralytics"](tmp_path), Choice(every=30))
    assert log.rows.step.tolist()[:2] == [30, 60]
    assert log.total_steps == 1500
    assert "of 2 learning rates the first is judged: lr/pg0, lr/pg1" in log.assumed


def test_rows_without_a_step_are_left_out_where_they_are_few(tmp_path: Path) -> None:
    lines = [f"{'' if i == 3 else i},{9 - i}" for i in range(9)]
    log = read(written(tmp_path / "log.csv", "step,loss", *lines))
    assert log.rows.step.tolist() == [0, 1, 2, 4, 5, 6, 7, 8]
    assert "1 row without a step left out" in log.assumed


def test_a_column_of_epochs_numbers_no_rows(tmp_path: Path) -> None:
    lines = [f"{i // 5},{20 - i}" for i in range(20)]
    log = read(written(tmp_path / "log.csv", "epoch,loss", *lines))
    assert log.rows.step.tolist() == list(range(20))


def test_validation_that_counts_epochs_stands_beside_the_last_step(tmp_path: Path) -> None:
    rows = [
        json.dumps({"data_time": 0, "loss": 9 - i, "lr": 0.1, "step": 10 * i}) for i in range(9)
    ]
    rows.insert(5, json.dumps({"val_loss": 3.0, "step": 1}))
    log = read(written(tmp_path / "scalars.json", *rows))
    assert log.rows.step.tolist() == [10 * i for i in range(9)]
    assert log.rows.extra["val_loss"][4] == 3.0


def test_a_state_that_was_cut_short_gives_its_rows(tmp_path: Path) -> None:
    state = SAMPLES["huggingface"](tmp_path)
    text = state.read_text()
    state.write_text(text[: text.index('"step": 200')])
    log = read(state)
    assert log.rows.step.tolist() == STEPS[:19]
    assert log.recognised == "Hugging Face trainer_state, 19 rows, loss averaged over 10 steps"
    assert str(log.run.troubles[0]).endswith("the file ends too early")


def test_the_trainers_planned_and_made_steps(tmp_path: Path) -> None:
    log = read(SAMPLES["huggingface"](tmp_path))
    assert (log.total_steps, log.run.is_over, log.run.config) == (400, True, {"batch_size": 8})
    assert log.rows.grad_norm[:1].tolist() == [1.5]


def test_of_checkpoints_the_last_is_read(tmp_path: Path) -> None:
    for name in ("checkpoint-50", "checkpoint-400", "checkpoint-100"):
        folder = tmp_path / "lora" / name
        folder.mkdir(parents=True)
        SAMPLES["huggingface"](folder)
    (log,) = found_logs(tmp_path)
    assert log.path.parent.name == "checkpoint-400"
    assert log.importer.read(log.path, Choice())[0].name == "lora-checkpoint-400"


def test_a_table_beside_the_database_of_trackio_is_the_same_runs(tmp_path: Path) -> None:
    database = SAMPLES["trackio"](tmp_path)
    SAMPLES["trackio-parquet"](tmp_path)
    assert [log.path for log in found_logs(tmp_path)] == [database]


def test_event_files_of_a_folder_are_one_run(tmp_path: Path) -> None:
    first = SAMPLES["tensorboard"](tmp_path)
    second = tmp_path / "events.out.tfevents.1790000000.host.2.0"
    records = []
    for step in (390, 400, 410):  # after a resume
        scalar = bytes_field(1, b"Loss/train") + bytes_field(2, b"")  # no scalar at all
        tensor = bytes_field(4, np.float32(7).tobytes()) + varint_field(1, 1) + bytes_field(2, b"")
        value = bytes_field(1, b"Loss/train") + bytes_field(8, tensor)  # as TensorFlow 2 writes it
        event = double_field(1, 1.79e9) + varint_field(2, step)
        records.append(event + bytes_field(5, bytes_field(1, scalar) + bytes_field(1, value)))
    second.write_bytes(b"".join(map(framed, records)))
    log = read(first.parent)
    assert log.rows.step.tolist() == [*STEPS[:38], 390, 400, 410]
    assert log.rows.loss.tolist()[-3:] == [7, 7, 7]
    assert np.allclose(log.rows.lr[:38], RATES[:38])
    assert "2 event files are one run" in log.assumed
    assert len(read(first).rows) == N


def test_a_damaged_event_is_named(tmp_path: Path) -> None:
    events = SAMPLES["tensorboard"](tmp_path)
    content = bytearray(events.read_bytes())
    content[content.index(b"Loss/train", 3000)] ^= 1
    events.write_bytes(content[:-5])
    said = troubles(events)
    assert len(said) == 2
    assert said[0].endswith("its checksum is wrong")
    assert said[1].endswith("is cut short")
    assert len(read(events).rows) == N - 1


def test_wandb_records_of_all_kinds(tmp_path: Path) -> None:
    items = b"".join(
        bytes_field(1, bytes_field(2, key) + value)
        for key, value in (
            (b"_step", varint_field(5, 6)),  # 3, in zigzag
            (b"loss", double_field(6, 0.5)),
            (b"text", bytes_field(7, b"a")),
            (b"is_on", varint_field(4, 1)),
            (b"lr", bytes_field(8, b"0.25")),
        )
    )
    path = tmp_path / "run-x.wandb"
    path.write_bytes(wandb_file([bytes_field(2, items)] * 2) + bytes(100))
    rows = read(path).rows
    assert (rows.step[-1], rows.loss[-1], rows.lr[-1]) == (3, 0.5, 0.25)


def test_wandb_name_settings_and_end(tmp_path: Path) -> None:
    run = read(SAMPLES["wandb"](tmp_path)).run
    assert (run.name, run.config, run.is_over) == ("brave-run", {"lr": 0.1}, True)


def test_infinity_of_mlflow_is_its_largest_number(tmp_path: Path) -> None:
    run = SAMPLES["mlflow-files"](tmp_path)
    file = run / "metrics" / "train" / "loss"
    lines = file.read_text().splitlines()
    lines[-1] = f"1780000000039 {1.7976931348623157e308} 400"
    lines.insert(3, "not a line")
    file.write_text("\n".join(lines))
    log = read(run)
    assert log.rows.loss[-1] == math.inf
    assert [str(trouble) for trouble in log.run.troubles] == [
        "loss, line 4: 'not a line' is not time, value and step"
    ]


def test_a_log_of_rates_alone_says_so(tmp_path: Path) -> None:
    lines = [f"[Rank 0] step={i}, skipped=0, lr=[0.1, 0.1], mom=[0.9]" for i in range(9)]
    importer, _ = recognised(written(tmp_path / "ds.log", *lines))
    assert importer is not None
    assert importer.name == "deepspeed"
    with pytest.raises(RunUnreadable, match="learning rates and no loss, from line 1 on; give the"):
        importer.read(tmp_path / "ds.log", Choice())


def test_a_loss_that_megatron_leaves_out_as_it_is_no_number(tmp_path: Path) -> None:
    """It prints averages above 0 only, and counts the others."""
    log = SAMPLES["megatron"](tmp_path)
    lines = (
        log.read_text().replace("lm loss:", "load_balancing_loss: 1.0E-02 | lm loss:").split("\n")
    )
    lines[-2] = lines[-2].replace("nan iterations: 0", "nan iterations: 1")
    lines[-2] = (
        lines[-2][: lines[-2].index("load_bal")] + lines[-2][lines[-2].index("loss scale") :]
    )
    rows = read(written(log, *lines)).rows
    assert rows.loss[:-1].tolist() == pytest.approx(LOSSES[:-1])
    assert rows.loss_seen.all()
    assert math.isnan(rows.loss[-1])


def test_a_validation_of_torchtitan_is_not_the_loss_of_its_step(tmp_path: Path) -> None:
    log = SAMPLES["torchtitan"](tmp_path)
    validated = (
        "[titan] \x1b[33mvalidate step: 400  \x1b[32mloss:  9.0000  \x1b[36mmemory: 1.0GiB(1%)"
    )
    rows = read(written(log, log.read_text(), validated)).rows
    assert rows.loss.tolist() == pytest.approx(LOSSES, abs=1e-5)
    assert rows.extra["val_loss"][-1] == 9


def test_numbers_of_a_console_that_are_no_columns_of_ours_keep_away(tmp_path: Path) -> None:
    lines = [f"step={i} loss={9 - i} skipped={i} time=1.5 Loss=3" for i in range(5)]
    log = read(written(tmp_path / "x.log", *lines))
    assert not log.rows.skipped.any()
    assert log.rows.extra["logged_skipped"].tolist() == [0, 1, 2, 3, 4]


def test_a_search_keeps_to_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    SAMPLES["table"](outside)
    folder = tmp_path / "logs"
    deep = folder / "/".join("abcdefghijkl")
    deep.mkdir(parents=True)
    SAMPLES["keras"](deep)
    (folder / "link").symlink_to(outside)
    (folder / "log.csv").symlink_to(outside / "log.csv")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.csv")
    (folder / ".hidden.csv").write_text("step,loss\n0,1\n1,2\n")
    assert found_logs(folder) == []
    assert len(found_logs(outside)) == 1


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(OSError, match="not a plain file"):
        recognised(tmp_path / "pipe.csv")
    with pytest.raises(RunUnreadable, match="cannot be read"):
        importer_named("table").read(tmp_path / "pipe.csv", Choice())


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="there are no shared samples")
def test_logs_of_strangers_are_read() -> None:
    found = {log.path.relative_to(SHARED).parts[0]: log for log in found_logs(SHARED)}
    kinds = {name: log.importer.name for name, log in found.items()}
    assert kinds == {
        "detectron2_metrics": "detectron2",
        "hf_trainer_state": "huggingface",
        "lightning_csv": "lightning",
        "llamafactory_log": "llamafactory",
        "text": "modded-nanogpt",
        "tfevents": "tensorboard",
        "wandb_history_csv": "wandb-csv",
        "wandb_output": "nanogpt",
    }
    rows = {name: read(log.path).rows for name, log in found.items()}
    n_losses = {name: int(np.isfinite(each.loss).sum()) for name, each in rows.items()}
    assert n_losses == {
        "detectron2_metrics": 15,  # one of 16 was written twice
        "hf_trainer_state": 435,
        "lightning_csv": 20,
        "llamafactory_log": 435,
        "text": 48,
        "tfevents": 38,
        "wandb_history_csv": 501,
        "wandb_output": 45,
    }
    assert rows["hf_trainer_state"].loss[:3].tolist() == [2.3475, 2.2964, 2.2553]


@pytest.mark.parametrize(
    "lines",
    [
        ["runs/a: Keras CSVLogger, 10 rows, loss averaged over 10 steps", "runs/b: x, y, z"],
        ["the loss fell, as it should", "and then, it rose"],
        ["loss=1, lr=2", "loss=3, lr=4"],
    ],
)
def test_sentences_with_commas_are_no_table(lines: list[str], tmp_path: Path) -> None:
    log = written(tmp_path / "notes.txt", *lines)
    assert recognised(log) == (None, 0.0)


def test_a_run_is_named_after_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "job-7"
    folder.mkdir()
    SAMPLES["llamafactory"](folder)
    monkeypatch.chdir(folder)
    assert read(Path("trainer_log.jsonl")).run.name == "job-7"


@pytest.mark.slow
def test_a_folder_of_events_hides_no_run_below_it(tmp_path: Path) -> None:
    for name in ("", "a", "a/b"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        SAMPLES["tensorboard"](folder)
        SAMPLES["llamafactory"](folder)  # the same run, written twice
    found = [log.path.relative_to(tmp_path).as_posix() for log in found_logs(tmp_path)]
    assert found == [".", "a", "a/b"]


def test_what_mlflow_keeps_in_the_folder_of_a_run_is_that_run(tmp_path: Path) -> None:
    run = SAMPLES["mlflow-files"](tmp_path)
    (run / "artifacts").mkdir()
    SAMPLES["table"](run / "artifacts")
    assert [log.path for log in found_logs(tmp_path)] == [run]


def test_several_rows_of_one_step_are_one(tmp_path: Path) -> None:
    """As Lightning writes them at the end of an epoch: each metric in a row of its own."""
    lines = ["epoch,lr-SGD,step,train_loss_epoch,train_loss_step,val_loss"]
    for step in range(4, 24, 5):
        lines += [f",0.1,{step},,,", f"0,,{step},,{30 - step},"]
        lines += [f"0,,{step},,,1.5", f"0,,{step},2.5,,"] if step % 2 else []
    log = read(written(tmp_path / "metrics.csv", *lines))
    assert log.rows.step.tolist() == [4, 9, 14, 19]
    assert log.rows.loss.tolist() == [26, 21, 16, 11]
    assert log.rows.lr.tolist() == [0.1] * 4
    np.testing.assert_equal(log.rows.extra["val_loss"], [math.nan, 1.5, math.nan, 1.5])
    np.testing.assert_equal(log.rows.extra["train_loss_epoch"], [math.nan, 2.5, math.nan, 2.5])


def test_a_loss_that_is_not_found_can_be_named(tmp_path: Path) -> None:
    events = SAMPLES["tensorboard"](tmp_path)
    assert read(events, Choice(loss="lr")).rows.loss.tolist() == pytest.approx(RATES)
    log = written(tmp_path / "log.csv", "step,cost", *(f"{i},{9 - i}" for i in range(9)))
    with pytest.raises(InvalidArgument, match="missing among: step, cost; name the column of the"):
        read(log)
    assert read(log, Choice(loss="cost")).rows.loss[0] == 9
    words = written(tmp_path / "words.csv", "step,a,loss", *(f"{i},x,{9 - i}" for i in range(9)))
    with pytest.raises(InvalidArgument, match=r"^column loss must hold numbers: [^;]*$"):
        read(words, Choice(loss="a"))


def test_a_damaged_record_of_wandb_costs_the_rest_of_its_block(tmp_path: Path) -> None:
    source = SAMPLES["wandb"](tmp_path)
    whole = read(source).rows
    content = bytearray(source.read_bytes())
    place = content.rindex(str(LOSSES[35]).encode())
    content[place] = ord("9")
    source.write_bytes(content)
    log = read(source)
    assert 5 < len(log.rows) < len(whole)
    assert log.rows.loss.tolist() == whole.loss[: len(log.rows)].tolist()
    (said,) = map(str, log.run.troubles)
    assert said.endswith("its checksum is wrong; the rest of its block is left out")
