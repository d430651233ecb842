"""A signal comes amid a write, on the thread that makes it: what a handler does, or raises."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from every_line import at_line

import lrwatch

KINDS = ("open_run", "watch")

Step = Callable[..., None]


def begin(kind: str, folder: Path) -> tuple[lrwatch.Run, Step]:
    """Begin a run with a row; return it and what makes the next, with own numbers if any."""
    if kind == "open_run":
        run = lrwatch.open_run(dir=folder, name="run", system=False)

        def step(**own: float) -> None:
            run.record(loss=1.0, lr=0.1, **own)

    else:
        weight = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)
        run = lrwatch.watch(optimizer, dir=folder, name="run", system=False)

        def step(**own: float) -> None:
            optimizer.zero_grad()
            weight.square().sum().backward()
            run.log(**own)
            optimizer.step()

    step()
    return run, step


@pytest.fixture(params=KINDS)
def begun(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[lrwatch.Run, Step]:
    """A run with a row, and what makes the next."""
    return begin(request.param, tmp_path)


@contextlib.contextmanager
def ctrl_c_at_line(n: int) -> Iterator[Callable[[], bool]]:
    """Raise `KeyboardInterrupt` at the n-th line; yields what tells whether it came."""

    def press() -> None:
        raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt), at_line(n, press) as was_pressed:
        yield was_pressed
    torch.set_grad_enabled(True)  # torch's own hooks leave it off


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
    begun: tuple[lrwatch.Run, Step],
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


def test_a_handler_may_end_the_run(begun: tuple[lrwatch.Run, Step]) -> None:
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
    begun: tuple[lrwatch.Run, Step],
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


@pytest.mark.parametrize(("kind", "every"), [("open_run", 1), ("watch", 5)])
def test_ctrl_c_at_any_line_of_a_row_costs_that_row_alone(
    tmp_path: Path, kind: str, every: int
) -> None:
    for n in itertools.count(1, every):
        run, step = begin(kind, tmp_path / str(n))
        with ctrl_c_at_line(n) as was_pressed:
            step(own=2.0)
        step(own=3.0)
        step()
        run.finish()
        frame = lrwatch.read(run)
        assert len(frame) in (3, 4)
        assert frame["step"].tolist() == list(range(len(frame)))
        assert frame["loss"].notna().all()
        assert frame["own"].tolist()[-2] == 3.0
        if not was_pressed():
            break
    assert n > 100


@pytest.mark.parametrize("kind", KINDS)
def test_an_end_that_ctrl_c_interrupts_is_made_when_asked_for_again(
    tmp_path: Path, kind: str
) -> None:
    for n in itertools.count(10, 13):
        run, _ = begin(kind, tmp_path / str(n))
        with ctrl_c_at_line(n) as was_pressed:
            run.finish()
        run.end("interrupted")  # as the end of the program does
        assert len(lrwatch.read(run)) == 1
        assert json.loads((run.path / "run.json").read_text())["status"] == "finished"
        assert len(list((run.path / "steps").iterdir())) == 1  # nothing half written is left
        if not was_pressed():
            break
    assert n > 100
