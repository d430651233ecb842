"""A signal comes amid a write, on the thread that makes it: what a handler does, or raises."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import lrwatch

Loop = Callable[[lrwatch.Run], None]


def watched_step(optimizer: torch.optim.Optimizer) -> None:
    weight = optimizer.param_groups[0]["params"][0]
    optimizer.zero_grad()
    weight.square().sum().backward()
    optimizer.step()


@pytest.fixture(params=["open_run", "watch"])
def begun(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[lrwatch.Run, Callable[[], None]]:
    """A run with a row, and what makes the next."""
    if request.param == "open_run":
        run = lrwatch.open_run(dir=tmp_path, name="run", system=False)

        def step() -> None:
            run.record(loss=1.0, lr=0.1)

    else:
        optimizer = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1)
        run = lrwatch.watch(optimizer, dir=tmp_path, name="run", system=False)

        def step() -> None:
            watched_step(optimizer)

    step()
    return run, step


def amid_the_next_write(run: lrwatch.Run, handler: Callable[[], object]) -> None:
    """Call a handler as a row is about to be written, once."""
    writer: Any = run._writer
    append = writer.append

    def interrupted(row: Any) -> None:
        writer.append = append
        handler()
        append(row)

    writer.append = interrupted


def test_what_a_handler_logs_is_of_the_row_that_is_being_written(
    begun: tuple[lrwatch.Run, Callable[[], None]],
) -> None:
    run, step = begun
    amid_the_next_write(run, lambda: run.log(preempted=1.0, other=2.0))
    step()
    step()
    run.finish()
    frame = lrwatch.read(run)
    assert len(frame) == 3
    assert frame["preempted"].notna().tolist() == [False, True, False]
    assert frame["other"].notna().tolist() == [False, True, False]


def test_a_handler_may_end_the_run(begun: tuple[lrwatch.Run, Callable[[], None]]) -> None:
    run, step = begun

    def handler() -> None:
        run.log(preempted=1.0)
        run.finish()

    amid_the_next_write(run, handler)
    step()
    assert not run.is_recording
    frame = lrwatch.read(run)
    assert frame["preempted"].notna().tolist() == [False, True]
    assert json.loads((run.path / "run.json").read_text())["status"] == "finished"


def test_a_handler_may_end_the_run_and_the_program(
    begun: tuple[lrwatch.Run, Callable[[], None]],
) -> None:
    run, step = begun

    def handler() -> None:
        run.log(preempted=1.0)
        run.finish()
        raise SystemExit

    amid_the_next_write(run, handler)
    with pytest.raises(SystemExit):
        step()
    run.end("interrupted")  # as the end of the program does
    frame = lrwatch.read(run)
    assert frame["preempted"].tolist() == [1.0]
    assert json.loads((run.path / "run.json").read_text())["status"] == "finished"


def test_a_handler_may_record_a_row(tmp_path: Path) -> None:
    run = lrwatch.open_run(dir=tmp_path, system=False)
    amid_the_next_write(run, lambda: run.record(loss=2.0))
    run.record(loss=1.0)
    run.finish()
    assert lrwatch.read(run)["loss"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("place", ["_start_journal", "widen"])
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_ctrl_c_amid_a_new_column_costs_no_later_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, *, is_done: bool
) -> None:
    run = lrwatch.open_run(dir=tmp_path, system=False)
    writer: Any = run._writer
    for loss in (1.0, 2.0):
        run.record(loss=loss)
    was = getattr(writer, place)

    def interrupted(*args: Any, **options: Any) -> None:
        if is_done:
            was(*args, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(writer, place, interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.record(loss=3.0, own=1.0)
    run.record(loss=4.0)
    run.record(loss=5.0, own=5.0)
    run.finish()
    frame = lrwatch.read(run)
    assert frame["loss"].tolist() == [1.0, 2.0, 4.0, 5.0]
    assert frame["own"].isna().tolist() == [True, True, True, False]
