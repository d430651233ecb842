"""``lrwatch top`` and ``lrwatch show``: runs in a terminal of any width, and without colour."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console
from stores import new_writer, row, write_run

from lrwatch.cli import main
from lrwatch.cli.live_list import LiveList, picture
from lrwatch.cli.plot import curve_lines, small_curve
from lrwatch.store.trash import throw_away

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("top") / "runs"
    loss = [2.0 - i / 200 for i in range(100)] + [math.nan] * 100
    write_run(
        folder, "a-name-that-is-long-and-ends-in-lr-1", steps=range(200), values={"loss": loss}
    )
    write_run(folder, "short", steps=range(5), config={"width": 16}, status="failed")
    return folder


def _drawn(live: LiveList, width: int, height: int | None, *, colour: bool = False) -> list[str]:
    system: Literal["truecolor"] | None = "truecolor" if colour else None
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system=system, highlight=False
    )
    with console.capture() as captured:
        console.print(picture(live, width, height, is_plain=False))
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_table_fits_the_terminal_and_says_what_is_wrong(runs: Path, width: int) -> None:
    live = LiveList(runs)
    assert live.look(60)
    lines = _drawn(live, width, None)
    assert max(cell_len(line) for line in lines) <= width
    text = "\n".join(lines)
    assert "2 runs: 1 too high, 1 cannot tell, 0 running" in lines[0]
    assert "✗ diverging" in lines[2]
    assert "lr-1" in lines[2]  # a name gives way in its middle
    assert "Loss is not finite from step 100" in text
    assert "failed" in text
    assert "\x1b" not in text


def test_a_run_that_is_still_to_be_judged_says_so(runs: Path) -> None:
    live = LiveList(runs)
    assert not live.look(-1.0)  # time for one run only
    assert {run.verdict for run in live.runs} & {"judging"}
    assert ", judging 1" in _drawn(live, 80, None)[0]


def test_only_as_many_runs_are_shown_as_there_is_room_for(runs: Path) -> None:
    live = LiveList(runs)
    live.look(60)
    assert _drawn(live, 80, 5)[-1] == "and 1 more"
    assert "\x1b" in "".join(_drawn(live, 80, 24, colour=True))


def test_what_is_new_is_shown_and_what_is_gone_is_not(tmp_path: Path) -> None:
    writer = new_writer(tmp_path, "live")
    live = LiveList(tmp_path)
    live.look(60)
    for step in range(3):
        writer.append(row(step, writer))
    gone = write_run(tmp_path, "gone")
    live.look(60)
    assert {run.run: run.summary.n_steps for run in live.runs} == {"gone": 10, "live": 3}
    throw_away(gone)
    live.look(60)
    assert [run.run for run in live.runs] == ["live"]
    writer.abandon()


def test_in_a_pipe_it_prints_once(runs: Path, capsys: Captured) -> None:
    assert main(["top", str(runs), "--filter", "width:16"]) == 0
    out = capsys.readouterr().out
    assert "short" in out
    assert "a-name" not in out
    assert main(["top", str(runs / "none")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main(["top", str(runs), "--filter", "lr>"]) == 2


def test_a_run_is_shown_with_its_curves(runs: Path, capsys: Captured) -> None:
    run = runs / "a-name-that-is-long-and-ends-in-lr-1"
    assert main(["show", str(run)]) == 0
    out = capsys.readouterr().out
    assert "Loss is not finite from step 100" in out
    assert "learning rate 0.1, constant" in out
    assert "✗" in out.split("\nloss\n")[1].splitlines()[0]
    assert max(map(cell_len, out.splitlines())) <= 80
    assert main(["show", "--json", str(run)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["steps"]) == ("diverging", 200)
    assert said["evidence"]
    assert main(["show", str(runs)]) == 2
    assert "is not a run; `lrwatch ls" in capsys.readouterr().err


def test_a_number_that_has_no_room_is_seen_to_be_cut(runs: Path) -> None:
    live = LiveList(runs)
    assert live.look(60)
    rates = [line for line in _drawn(live, 50, None) if "✗ diverging" in line]
    assert rates
    assert all(line.endswith("…") for line in rates)


def test_a_run_that_is_not_there_is_said_to_be_listed_with_the_others(
    runs: Path, capsys: Captured
) -> None:
    typo = runs / "a name"
    assert main(["show", str(typo)]) == 2
    assert main(["show", str(next(runs.iterdir()) / "run.json")]) == 2
    assert main(["alert", "why", str(typo)]) == 2
    told = f"there is no run at {typo}; `lrwatch ls {runs}` lists those that there are"
    first, second, third = capsys.readouterr().err.splitlines()
    assert (first, third) == (f"lrwatch: {told}", f"lrwatch: {told}")
    assert "run.json; `lrwatch ls" in second


def test_a_run_without_rows_is_shown_without_curves(tmp_path: Path, capsys: Captured) -> None:
    assert main(["show", str(write_run(tmp_path, "empty", steps=()))]) == 0
    out = capsys.readouterr().out
    assert "0 steps" in out
    assert "\nloss\n" not in out


def test_no_spike_is_lost_in_a_curve() -> None:
    steps = np.arange(10_000.0)
    values = np.ones(10_000)
    values[5000] = 9.0
    lines = curve_lines(steps, values, width=40, height=6)
    assert "9 ┤" in lines[0]
    assert lines[0].strip()[-1] != "┤"
    assert [len(line) <= 40 for line in lines] == [True] * 7
    assert lines[-1].split() == ["0", "9,999"]


@pytest.mark.parametrize(
    "values", [[math.nan] * 3, [0.0, 0.0, 0.0], [-1e308, 1e308, 0.0], [5e-324, 1e308, math.inf]]
)
@pytest.mark.parametrize("is_plain", [True, False])
def test_a_curve_of_any_numbers_is_drawn(values: list[float], is_plain: bool) -> None:
    lines = curve_lines(np.arange(3.0), np.array(values), width=30, height=4, is_plain=is_plain)
    assert max(map(len, lines)) <= 30
    assert not is_plain or all(line.isascii() for line in lines)


def test_a_small_curve_has_gaps() -> None:
    assert small_curve((0, None, 7), 7, is_plain=True) == "_ *"
    assert small_curve((), 7) == ""
