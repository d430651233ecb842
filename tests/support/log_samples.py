"""Small logs of other tools, written here in the formats that they document."""

from __future__ import annotations

import json
import math
import sqlite3
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lrwatch.importing.event_files import framed
from lrwatch.importing.wire import bytes_field, double_field, float_field, varint_field

__all__ = ["LOSSES", "SAMPLES", "wandb_file"]

N = 40
LOSSES = [round(2.0 * math.exp(-i / 15) + 0.3, 4) for i in range(N)]
STEPS = [10 * i for i in range(1, N + 1)]
RATES = [0.1 * (1 - i / N) for i in range(N)]


def sample_csv(path: Path, header: str, row: Callable[[int], str]) -> Path:
    path.write_text("\n".join([header, *map(row, range(N))]) + "\n")
    return path


def sample_json_lines(path: Path, row: Callable[[int], Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row(i)) + "\n" for i in range(N)))
    return path


def sample_text(path: Path, row: Callable[[int], str]) -> Path:
    return sample_csv(path, "loading 12 files ...", row)


def huggingface(folder: Path) -> Path:
    rows: list[dict[str, float]] = [
        {"epoch": i / N, "grad_norm": 1.5, "learning_rate": RATES[i], "loss": LOSSES[i],
         "step": STEPS[i]}
        for i in range(N)
    ]  # fmt: skip
    rows.insert(20, {"epoch": 0.5, "eval_loss": 1.2, "step": STEPS[19]})
    rows.append({"epoch": 1.0, "step": STEPS[-1], "train_loss": 0.9, "train_runtime": 10.0})
    state = {"best_metric": None, "log_history": rows, "logging_steps": 10, "max_steps": 400,
             "train_batch_size": 8}  # fmt: skip
    path = folder / "trainer_state.json"
    path.write_text(json.dumps(state, indent=2))
    return path


def llamafactory(folder: Path) -> Path:
    return sample_json_lines(
        folder / "trainer_log.jsonl",
        lambda i: {"current_steps": STEPS[i], "total_steps": 400, "loss": LOSSES[i],
                   "lr": RATES[i], "epoch": i / N, "elapsed_time": "0:00:01"},
    )  # fmt: skip


def detectron2(folder: Path) -> Path:
    return sample_json_lines(
        folder / "metrics.json",
        lambda i: {"data_time": 0.1, "iteration": STEPS[i] - 1, "loss_cls": 0.1, "lr": RATES[i],
                   "total_loss": LOSSES[i]},
    )  # fmt: skip


def mmengine(folder: Path) -> Path:
    return sample_json_lines(
        folder / "scalars.json",
        lambda i: {"lr": RATES[i], "data_time": 0.1, "loss": LOSSES[i], "time": 0.2, "epoch": 1,
                   "iter": STEPS[i], "memory": 100, "step": STEPS[i]},
    )  # fmt: skip


def ultralytics(folder: Path) -> Path:
    (folder / "args.yaml").write_text("task: detect\nepochs: 50\nlr0: 0.01\nmodel: yolo.pt\n")
    return sample_csv(
        folder / "results.csv",
        "                  epoch,         train/box_loss,         train/cls_loss,"
        "   metrics/mAP50(B),       val/box_loss,  lr/pg0,  lr/pg1",
        lambda i: f"{i + 1:>10},{LOSSES[i] / 2:>20},{LOSSES[i] / 2:>20},0.5,1.1,0.01,0.02",
    )


def stable_baselines3(folder: Path) -> Path:
    return sample_csv(
        folder / "progress.csv",
        "time/total_timesteps,train/loss,train/learning_rate,train/n_updates,rollout/ep_rew_mean",
        lambda i: f"{STEPS[i]},{LOSSES[i]},0.0003,{i * 10},{i}",
    )


def fastai(folder: Path) -> Path:
    return sample_csv(
        folder / "history.csv",
        "epoch,train_loss,valid_loss,accuracy,time",
        lambda i: f"{i},{LOSSES[i]},{LOSSES[i] + 0.1},0.5,00:12",
    )


def keras(folder: Path) -> Path:
    return sample_csv(
        folder / "training.csv",
        "epoch,accuracy,loss,val_accuracy,val_loss",
        lambda i: f"{i},0.5,{LOSSES[i]},NA,{LOSSES[i] + 0.1}",
    )


def lightning(folder: Path) -> Path:
    version = folder / "version_3"
    version.mkdir()
    (version / "hparams.yaml").write_text("lr: 0.1\nbatch_size: 32\nnested:\n  a: 1\n")
    path = version / "metrics.csv"
    lines = ["epoch,lr-SGD,step,train_loss_step,val_loss"]
    for i in range(N):
        lines += [f",{RATES[i]},{STEPS[i]},,", f"0,,{STEPS[i]},{LOSSES[i]},"]
    path.write_text("\n".join(lines) + "\n")
    return path


def wandb_csv(folder: Path) -> Path:
    return sample_csv(
        folder / "history.csv",
        "_step,_runtime,_timestamp,train/loss,train/lr",
        lambda i: f"{i},{i / 10},{1.78e9 + i},{LOSSES[i]},{RATES[i]}",
    )


def wandb_chart(folder: Path) -> Path:
    return sample_csv(
        folder / "wandb_export.csv",
        '"Step","run-a - train/loss","run-a - train/loss__MIN","run-a - train/loss__MAX",'
        '"run b - train/loss"',
        lambda i: f'"{i}","{LOSSES[i]}","0","9","{LOSSES[i]}"',
    )


def trackio_parquet(folder: Path) -> Path:
    columns = {
        "id": range(2 * N),
        "timestamp": [f"2026-11-26T20:50:{i % 40:02d}+00:00" for i in range(2 * N)],
        "run_name": ["a"] * N + ["b"] * N,
        "step": STEPS * 2,
        "train/loss": LOSSES * 2,
        "lr": RATES * 2,
    }
    path = folder / "project.parquet"
    pq.write_table(pa.table({name: list(column) for name, column in columns.items()}), path)
    return path


def table(folder: Path) -> Path:
    return sample_csv(
        folder / "log.csv",
        "iter;my_loss;eta",
        lambda i: f"{STEPS[i]};{LOSSES[i]};{RATES[i]}",
    )


def lrwatch_table(folder: Path) -> Path:
    path = folder / "steps.csv"
    header = "step,time,loss,lr,grad_norm,grad_norm_clipped,param_norm,update_norm,skipped"
    return sample_csv(
        path,
        header,
        lambda i: f"{i},2026-11-26 20:50:{i:02d}.000000Z,{LOSSES[i]},0.1,1,1,,,false",
    )


def keras_history(folder: Path) -> Path:
    path = folder / "history.json"
    path.write_text(json.dumps({"loss": LOSSES, "val_loss": [x + 0.1 for x in LOSSES]}))
    return path


def json_rows(folder: Path) -> Path:
    path = folder / "log.json"
    rows = [{"step": STEPS[i], "loss": LOSSES[i], "lr": RATES[i]} for i in range(N)]
    path.write_text(json.dumps(rows, indent=1))
    return path


def tensorboard(folder: Path) -> Path:
    path = folder / "events.out.tfevents.1780000000.host.1.0"
    records = [double_field(1, 1.78e9) + bytes_field(3, b"brain.Event:2")]
    for i in range(N):
        for tag, value in ((b"Loss/train", LOSSES[i]), (b"lr", RATES[i])):
            scalar = bytes_field(1, tag) + float_field(2, value)
            event = double_field(1, 1.78e9 + i) + varint_field(2, STEPS[i])
            records.append(event + bytes_field(5, bytes_field(1, scalar)))
    path.write_bytes(b"".join(map(framed, records)))
    return path


def wandb_file(records: list[bytes]) -> bytes:
    """Return a LevelDB log with its records in chunks, as wandb writes it."""
    content = bytearray(b":W&B" + struct.pack("<HB", 0xBEE1, 0))
    for record in records:
        rest, is_first = record, True
        while is_first or rest:
            room = 32_768 - len(content) % 32_768
            if room < 7:
                content += bytes(room)
                continue
            part, rest = rest[: room - 7], rest[room - 7 :]
            kind = (1 if not rest else 2) if is_first else (4 if not rest else 3)
            crc = zlib.crc32(part, zlib.crc32(bytes([kind])))
            content += struct.pack("<IHB", crc, len(part), kind) + part
            is_first = False
    return bytes(content)


def wandb(folder: Path) -> Path:
    def item(key: str, value: str) -> bytes:
        return bytes_field(1, bytes_field(2, key.encode()) + bytes_field(16, value.encode()))

    run = bytes_field(1, b"abc123") + bytes_field(8, b"brave-run")
    run += bytes_field(4, item("lr", "0.1") + item("_wandb", "{}"))
    records = [bytes_field(17, run)]
    for i in range(N):
        loss = "NaN" if i == N - 1 else str(LOSSES[i])
        items = item("train/loss", loss) + item("_step", str(i)) + item("lr", str(RATES[i]))
        items += item("_timestamp", str(1.78e9 + i))
        if i == 5:  # a record that is longer than a block
            items += item("note", json.dumps("x" * 70_000))
        records.append(bytes_field(2, items))
    records.append(bytes_field(18, varint_field(1, 0)))
    path = folder / "run-abc123.wandb"
    path.write_bytes(wandb_file(records))
    return path


def mlflow(folder: Path) -> Path:
    path = folder / "mlflow.db"
    database = sqlite3.connect(path)
    database.executescript(
        "CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time BIGINT,"
        " lifecycle_stage TEXT);"
        "CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT,"
        " is_nan BOOLEAN);"
        "CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);"
    )
    for run, stage in (("r1", "active"), ("r2", "active"), ("r3", "deleted")):
        row = (run, f"run-{run}", "FINISHED", 1_780_000_000_000, stage)
        database.execute("INSERT INTO runs VALUES (?,?,?,?,?)", row)
        database.execute("INSERT INTO params VALUES ('lr', '0.1', ?)", (run,))
        for i in range(N):
            is_nan = i == N - 1
            for key, value in (("loss", 0.0 if is_nan else LOSSES[i]), ("lr", RATES[i])):
                moment = 1_780_000_000_000 + 1000 * i
                cells = (key, value, moment, run, STEPS[i], is_nan and key == "loss")
                database.execute("INSERT INTO metrics VALUES (?,?,?,?,?,?)", cells)
    database.commit()
    database.close()
    return path


def mlflow_files(folder: Path) -> Path:
    run = folder / "mlruns" / "1" / "0123abcd"
    (run / "metrics" / "train").mkdir(parents=True)
    (run / "params").mkdir()
    (run / "meta.yaml").write_text("run_id: 0123abcd\nrun_name: swift-run\nstatus: 3\n")
    (run / "params" / "lr").write_text("0.1")
    for name, values in (("train/loss", LOSSES), ("lr", RATES)):
        lines = [f"{1_780_000_000_000 + i} {values[i]} {STEPS[i]}\n" for i in range(N)]
        (run / "metrics" / name).write_text("".join(lines))
    return run


def trackio(folder: Path) -> Path:
    path = folder / "project.db"
    database = sqlite3.connect(path)
    database.executescript(
        "CREATE TABLE metrics (id INTEGER PRIMARY KEY, run_id TEXT, timestamp TEXT, run_name TEXT,"
        " step INTEGER, metrics TEXT);"
        "CREATE TABLE configs (id INTEGER PRIMARY KEY, run_id TEXT, run_name TEXT, config TEXT);"
    )
    database.execute("INSERT INTO configs VALUES (1, 'x', 'a', '{\"lr\": 0.1, \"_Group\": null}')")
    for i in range(N):
        metrics = json.dumps({"train/loss": LOSSES[i], "lr": RATES[i]})
        row = ("x", f"2026-11-26T20:50:{i:02d}+00:00", "a", STEPS[i], metrics)
        database.execute(
            "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) VALUES (?,?,?,?,?)",
            row,
        )
    database.commit()
    database.close()
    return path


def neptune(folder: Path) -> Path:
    n = 2 * N
    columns = {
        "run_id": ["RUN-1"] * n,
        "attribute_path": ["metrics/train/loss"] * N + ["metrics/lr"] * N,
        "step": [float(step) for step in STEPS * 2],
        "float_value": LOSSES + RATES,
        "timestamp": pa.array([1_780_000_000_000 + i for i in range(N)] * 2, pa.timestamp("ms")),
    }
    path = folder / "run.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def megatron(folder: Path) -> Path:
    return sample_text(
        folder / "megatron.log",
        lambda i: (
            f" iteration {STEPS[i]:>8}/     400 | consumed samples: {i} | elapsed time per "
            f"iteration (ms): 1811.8 | learning rate: {RATES[i]:.3E} | global batch size: 128 | "
            f"lm loss: {LOSSES[i]:.6E} | loss scale: 1.0 | grad norm: 0.493 | number of skipped "
            "iterations: 0 | number of nan iterations: 0 |"
        ),
    )


def torchtitan(folder: Path) -> Path:
    return sample_text(
        folder / "titan.log",
        lambda i: (
            f"[titan] 2026-11-26 20:50:00 - root - INFO - \x1b[31mstep: {STEPS[i]:2}  "
            f"\x1b[32mloss: {LOSSES[i]:7.5f}  \x1b[38;2;180;60;0mgrad_norm: 1.2345  "
            "\x1b[33mmemory: 12.34GiB(15.58%)  \x1b[34mtps: 1,234  \x1b[35mmfu: 3.21%\x1b[39m"
        ),
    )


def torchtune(folder: Path) -> Path:
    return sample_text(
        folder / "log_1780000000.txt",
        lambda i: f"Step {STEPS[i]} | loss:{LOSSES[i]} lr:{RATES[i]} grad_norm:1.5 tokens:12.5 ",
    )


def nanogpt(folder: Path) -> Path:
    def line(i: int) -> str:
        evaluated = f"step {STEPS[i]}: train loss {LOSSES[i]}, val loss 1.5\n"
        line = f"iter {STEPS[i]}: loss {LOSSES[i]}, time 1516.68ms, mfu 22.20%"
        return evaluated * (i % 10 == 0) + line

    return sample_text(folder / "out.log", line)


def modded_nanogpt(folder: Path) -> Path:
    return sample_text(
        folder / "run.txt",
        lambda i: f"step:{STEPS[i]}/400 train_loss:{LOSSES[i]} train_time:2624ms step_avg:26.8ms",
    )


def huggingface_console(folder: Path) -> Path:
    return sample_text(
        folder / "train.log",
        lambda i: (
            f" {i}%|##    | {i}/40 [00:01<00:01]\r"
            f"{{'loss': '{LOSSES[i]}', 'grad_norm': 1.5, 'learning_rate': {RATES[i]}, 'epoch': 1}}"
        ),
    )


def pytorch_examples(folder: Path) -> Path:
    return sample_text(
        folder / "imagenet.log",
        lambda i: (
            f"Epoch: [{i // 20}][{10 * (i % 20):>4}/200]\tTime  0.1 ( 0.2)\t"
            f"Loss {LOSSES[i]:.4e} (2.0e+00)\tAcc@1   1.00 (  0.50)"
        ),
    )


def progress_bar(folder: Path) -> Path:
    path = folder / "bars.log"
    bars = [
        f"Epoch {i // 20}: {5 * (i % 20):>3}%|##        | {i % 20}/20 [00:01<00:02, 12.34it/s, "
        f"v_num=3, train_loss={LOSSES[i]}, lr=0.001]"
        for i in range(N)
    ]
    path.write_text("\r".join(bars) + "\n")
    return path


def deepspeed(folder: Path) -> Path:
    return sample_text(
        folder / "ds.log",
        lambda i: (
            f"[2026-11-26] [INFO] [logging.py:96:log_dist] [Rank 0] step={STEPS[i]}, skipped=0, "
            f"lr=[{RATES[i]}, 3e-05], mom=[(0.9, 0.999)]\nstep: {STEPS[i]} loss: {LOSSES[i]}"
        ),
    )


def text(folder: Path) -> Path:
    return sample_text(
        folder / "own.log",
        lambda i: f"INFO Iteration {STEPS[i]}: training loss = {LOSSES[i]}, lr = {RATES[i]}",
    )


SAMPLES: Mapping[str, Callable[[Path], Path]] = {
    "deepspeed": deepspeed,
    "detectron2": detectron2,
    "fastai": fastai,
    "huggingface": huggingface,
    "huggingface-console": huggingface_console,
    "json": json_rows,
    "keras": keras,
    "keras-history": keras_history,
    "lightning": lightning,
    "llamafactory": llamafactory,
    "lrwatch-table": lrwatch_table,
    "megatron": megatron,
    "mlflow": mlflow,
    "mlflow-files": mlflow_files,
    "mmengine": mmengine,
    "modded-nanogpt": modded_nanogpt,
    "nanogpt": nanogpt,
    "neptune": neptune,
    "progress-bar": progress_bar,
    "pytorch-examples": pytorch_examples,
    "stable-baselines3": stable_baselines3,
    "table": table,
    "tensorboard": tensorboard,
    "text": text,
    "torchtitan": torchtitan,
    "torchtune": torchtune,
    "trackio": trackio,
    "trackio-parquet": trackio_parquet,
    "ultralytics": ultralytics,
    "wandb": wandb,
    "wandb-chart": wandb_chart,
    "wandb-csv": wandb_csv,
}
"""For each kind, what writes a log of it into a folder."""
