from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from lrwatch.following.absence import Gaps
from lrwatch.records import StepBlock
from lrwatch.tables import step_block

LEAST = 300.0


def rows(times: Iterable[float], *, first: int = 0) -> StepBlock:
    seconds = np.array(list(times))
    n = len(seconds)
    block = step_block({"step": np.arange(first, first + n), "loss": np.ones(n), "lr": np.ones(n)})
    block.time[:] = np.round(seconds * 1e6).astype(np.int64)
    return block


def evenly(n: int, gap: float, *, since: float = 1e9) -> list[float]:
    return [since + gap * i for i in range(n)]


def test_a_quick_run_is_waited_for_the_least_time() -> None:
    gaps = Gaps(LEAST)
    gaps.add(rows(evenly(100, 0.1)))
    assert gaps.usual == pytest.approx(0.1)
    assert gaps.patience(is_dead=False) == LEAST


def test_a_slow_run_is_waited_for_many_of_its_gaps() -> None:
    gaps = Gaps(LEAST)
    gaps.add(rows(evenly(100, 60.0)))
    assert gaps.patience(is_dead=False) == pytest.approx(1200.0)


def test_evaluation_now_and_then_is_no_silence() -> None:
    gaps = Gaps(LEAST)
    gaps.add(rows([*evenly(50, 0.1), *evenly(50, 0.1, since=1e9 + 1200)]))
    assert gaps.patience(is_dead=False) > 3000


def test_an_outage_does_not_make_it_wait_for_days() -> None:
    gaps = Gaps(LEAST)
    gaps.add(rows([*evenly(50, 0.1), *evenly(50, 0.1, since=1e9 + 30 * 86400)]))
    assert gaps.patience(is_dead=False) <= 3 * 10 * LEAST


def test_a_resumed_run_and_a_clock_set_back_are_no_gaps() -> None:
    gaps = Gaps(LEAST)
    gaps.add(rows(evenly(50, 0.1)))
    gaps.add(rows(evenly(50, 0.1, since=1e9 + 90_000), first=20))
    gaps.add(rows(evenly(50, 0.1, since=1e8), first=70))
    assert gaps.longest == pytest.approx(0.1)


def test_a_run_that_has_hardly_begun_may_compile() -> None:
    gaps = Gaps(LEAST)
    assert gaps.patience(is_dead=False) == 1800.0
    gaps.add(rows(evenly(3, 0.1)))
    assert gaps.patience(is_dead=False) == 1800.0


def test_rows_without_a_time_tell_nothing() -> None:
    gaps = Gaps(LEAST)
    gaps.add(rows([0.0] * 100))
    assert (gaps.n_rows, gaps.usual) == (100, 0.0)
    assert gaps.patience(is_dead=False) == 1800.0


def test_a_process_that_is_gone_is_waited_for_shortly() -> None:
    gaps = Gaps(LEAST)
    gaps.add(rows(evenly(100, 0.1)))
    assert gaps.patience(is_dead=True) == 30.0


def test_it_does_not_matter_how_rows_are_cut() -> None:
    whole, cut = Gaps(LEAST), Gaps(LEAST)
    times = evenly(200, 0.5)
    whole.add(rows(times))
    for i in range(200):
        cut.add(rows(times[i : i + 1], first=i))
    assert cut.patience(is_dead=False) == whole.patience(is_dead=False)
    assert cut.usual == pytest.approx(whole.usual)
