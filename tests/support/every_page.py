"""A store with runs of many kinds, and how each page of it is looked at, wide and narrow."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from accessibility import SERIOUS, SIDEWAYS
from alert_boards import known, watched
from browser import until
from stores import new_writer, row, write_run

from lrwatch.store.labels import change_labels

__all__ = [
    "LINES",
    "LONG",
    "OUT_OF_MEMORY",
    "RUNS",
    "a_failure",
    "a_sweep_to_go_on",
    "fill",
    "look",
    "nothing_more",
]

WIDTHS = (1400, 1000, 420)
LAYER = "layer_grad_norm/blocks."
RATES = (0.01, 0.1, 1.0)
LONG = "meta-llama-Llama-3.1-8B-Instruct_lora_r16_alpha32_" + "dropout0.05_" * 6
METRICS = ("train/acc", "val/acc", "val_loss", "epoch", "gpu/memory_bytes", "gpu/reserved_bytes")
OUT_OF_MEMORY = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. " * 3

RUNS = "() => [...document.querySelectorAll('.run-link')].length"
LINES = """() => [...document.querySelectorAll('.js-plotly-plot')]
    .flatMap(chart => (chart.data || []).map(trace => trace.name)).filter(Boolean)"""
THEME = "() => document.documentElement.dataset.theme"
BEYOND = """() => [...document.querySelectorAll('main :is(.card, .chart, h1, select, button)')]
    .filter(part => part.offsetParent && part.getBoundingClientRect().right > innerWidth + 1)
    .map(part => part.id || part.className || part.tagName)"""
COVERED = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(chart => {
    const boxes = [...chart.querySelectorAll('.infolayer .annotation-text, .infolayer .legendtext')]
        .map(text => [text.textContent, text.getBoundingClientRect()]);
    const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
    return boxes.flatMap(([name, box], i) => boxes.slice(i + 1)
        .filter(([, other]) => meet(box, other)).map(([other]) => `${name} and ${other}`));
})"""


def a_run(store: Path, rate: float) -> None:
    """Write 60 steps with metrics of every kind, norms by layer, and checkpoints."""
    config = {"lr": rate, "depth": 2}
    writer = new_writer(store, f"sgd-{rate:g}", config=config, total_steps=60, optimizer="SGD")
    writer.widen([*METRICS, f"{LAYER}0", f"{LAYER}1", "event/checkpoint"])
    for step in range(60):
        loss = (0.8 if rate == max(RATES) else 0.3) + 2 * math.exp(-step * rate)
        own = {"train/acc": 1 / (1 + loss), "epoch": step // 6, f"{LAYER}0": 1.0, f"{LAYER}1": 0.1}
        own |= {"gpu/memory_bytes": 2e10 + step, "gpu/reserved_bytes": 3e10}
        if step % 10 == 9:
            own |= {"val/acc": 0.9 / (1 + loss), "val_loss": loss + 0.1, "event/checkpoint": 1.0}
        norms = {"grad_norm": 1.0, "grad_norm_clipped": 0.5, "param_norm": 9.0, "update_norm": rate}
        writer.append(row(step, writer, loss=loss, lr=rate * (1 - step / 60), **norms, **own))
    writer.close("finished")


def a_failure(store: Path) -> None:
    """Write a run that says where, by what command and of what it ended."""
    job: dict[str, Any] = {"host": "gpu-7", "command": "python train.py --width 16"}
    job |= {"git_commit": "0123456789abcdef", "git_dirty": True}
    job |= {"config": {"width": 64, "lr": 0.1}, "optimizer": "AdamW"}
    writer = new_writer(store, "out-of-memory", **job)
    for step in range(30):
        writer.append(row(step, writer))
    writer.close("failed", OUT_OF_MEMORY)


def a_sweep_to_go_on(store: Path) -> None:
    """Write runs of which the one with the highest rate is the best."""
    for rate, end in ((1e-4, 2.6), (1e-3, 2.2), (1e-2, 1.2)):
        loss = [end + (2.8 - end) * (1 - s / 200) + 0.01 * math.sin(9.0 * s) for s in range(200)]
        values = {"loss": loss, "lr": [rate] * 200, "update_norm": [rate] * 200}
        values |= {"grad_norm": [1.0] * 200, "param_norm": [9.0] * 200}
        how: dict[str, Any] = {"config": {"lr": rate, "task": "lm"}, "optimizer": "Lion"}
        write_run(store, f"lion-{rate:g}", steps=range(200), values=values, total_steps=200, **how)


def fill(store: Path) -> None:
    """Write runs of many kinds, and what a watcher told of two of them."""
    for rate in RATES:
        a_run(store, rate)
    broken = {"loss": [1.0] * 10 + [math.nan] * 20}
    write_run(store, "broken", steps=range(30), values=broken, config={"width": 16})
    how: dict[str, Any] = {"optimizer": "AdamW", "config": {"width": 16}}
    write_run(store, LONG, steps=range(30), status="failed", **how)
    (store / "team").mkdir()
    write_run(store / "team", "bert", steps=range(30), status="interrupted")
    damaged = write_run(store, "damaged", steps=range(5))
    (damaged / "run.json").write_text("{ nonsense", encoding="utf-8")
    said: dict[str, Any] = {"tags": ("keep", "paper"), "note": "**fine**", "pinned": True}
    change_labels(store / "sgd-0.1", lambda labels: dataclasses.replace(labels, **said))
    now = time.time()
    told = [known("broken", time=now - 180), known("team/bert", rule="too_low", severity="ticket")]
    watched(store, *told, looked_at=now + 3600)


def nothing_more(page: Any) -> None:
    """Ask nothing of a page that only says something."""


def look(page: Any, url: str, part: str, offers: Callable[[Any], None]) -> list[str]:
    """Open a page, try it in every combination, and return what is wrong."""
    page.goto(url)
    page.locator(part).first.wait_for()
    wrong = []
    for theme in ("light", "dark"):
        if page.evaluate(THEME) != theme:
            page.locator("#theme-toggle").click()
            until(page, THEME, theme.__eq__)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            until(page, SIDEWAYS, lambda over: over <= 0)  # once charts have followed
            offers(page)
            for question in (SERIOUS, BEYOND, COVERED):
                where = f"{url} {theme} {width}"
                wrong += [f"{where}: {said}" for said in page.evaluate(question)]
    return wrong
