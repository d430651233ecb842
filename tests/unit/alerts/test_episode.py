from __future__ import annotations

import numpy as np

from lrwatch.alert import State
from lrwatch.alerts.episode import Episode
from lrwatch.alerts.rules import Rule

SECONDS_A_STEP = 0.5


def episode(
    *, for_steps: int = 0, for_seconds: float = 0, keep_steps: int = 0, keep_seconds: float = 0
) -> Episode:
    rule = Rule(
        "rule",
        "page",
        frozenset({"diverging"}),
        for_steps=for_steps,
        for_seconds=for_seconds,
        keep_steps=keep_steps,
        keep_seconds=keep_seconds,
    )
    return Episode(rule)


def saw(life: Episode, step: int, *, flagged: bool, sure: bool = True) -> list[State]:
    time = 1e9 + SECONDS_A_STEP * step
    return list(life.see(step, time, is_flagged=flagged, is_sure=flagged and sure))


def passed(life: Episode, first: int, last: int) -> State | None:
    steps = np.arange(first, last + 1)
    return life.pass_rows(steps, np.asarray(1e9 + SECONDS_A_STEP * steps, np.float64))


def test_a_sure_condition_that_need_not_hold_fires_at_once() -> None:
    life = episode()
    assert saw(life, 10, flagged=True) == ["pending", "firing"]
    assert (life.number, life.step, life.since_step) == (1, 10, 10)


def test_an_unsure_one_stays_pending() -> None:
    life = episode()
    assert saw(life, 10, flagged=True, sure=False) == ["pending"]
    assert passed(life, 11, 1000) is None
    assert saw(life, 1001, flagged=True) == ["firing"]
    assert life.since_step == 10


def test_a_pending_one_that_is_gone_leaves_no_trace() -> None:
    life = episode(for_steps=20)
    saw(life, 10, flagged=True)
    assert saw(life, 25, flagged=False) == []
    assert life.state is None
    assert life.number == 0


def test_it_fires_at_the_row_at_which_it_has_held_long_enough() -> None:
    life = episode(for_steps=20)
    saw(life, 10, flagged=True)
    assert passed(life, 11, 29) is None
    assert passed(life, 30, 99) == "firing"
    assert life.step == 30


def test_steps_and_seconds_must_both_be_reached() -> None:
    life = episode(for_steps=20, for_seconds=30)
    saw(life, 0, flagged=True)
    assert passed(life, 1, 500) == "firing"
    assert life.step == 60  # 30 seconds on, though 20 steps were over long before


def test_seconds_that_nobody_wrote_down_hold_nothing_up() -> None:
    life = episode(for_steps=2, for_seconds=30)
    saw(life, 0, flagged=True)
    assert life.pass_rows(np.array([1, 2]), np.zeros(2)) == "firing"


def test_a_clock_that_goes_back_does_not_fire_it_early() -> None:
    life = episode(for_seconds=30)
    saw(life, 100, flagged=True)
    assert life.pass_rows(np.array([101]), np.array([5.0])) is None


def test_it_recovers_before_it_is_resolved() -> None:
    life = episode(keep_steps=20)
    saw(life, 10, flagged=True)
    assert saw(life, 50, flagged=False) == ["recovering"]
    assert passed(life, 51, 69) is None
    assert passed(life, 70, 70) == "resolved"


def test_flapping_is_one_episode() -> None:
    life = episode(keep_steps=20)
    saw(life, 10, flagged=True)
    saw(life, 20, flagged=False)
    assert saw(life, 30, flagged=True) == ["firing"]
    assert life.number == 1


def test_after_it_was_resolved_it_fires_as_another_episode() -> None:
    life = episode()
    saw(life, 10, flagged=True)
    assert saw(life, 20, flagged=False) == ["recovering", "resolved"]
    assert saw(life, 30, flagged=True) == ["pending", "firing"]
    assert (life.number, life.since_step) == (2, 30)


def test_the_end_of_the_run_closes_what_fires_and_drops_what_is_pending() -> None:
    firing, pending, quiet = episode(), episode(for_steps=9), episode()
    saw(firing, 10, flagged=True)
    saw(pending, 10, flagged=True)
    assert [life.close(12, 1e9) for life in (firing, pending, quiet)] == ["closed", None, None]
    assert [life.state for life in (firing, pending, quiet)] == ["closed", None, None]


def test_flagged_again_after_its_steps_were_undone_is_another_episode() -> None:
    life = episode(keep_steps=20)
    saw(life, 10, flagged=True)
    life.go_back(5, 1e9)
    assert saw(life, 6, flagged=True) == []  # seen for a while yet
    assert saw(life, 8, flagged=False) == ["recovering"]
    assert saw(life, 12, flagged=True) == ["pending", "firing"]
    assert (life.number, life.since_step) == (2, 12)


def test_steps_made_again_after_it_was_flagged_belong_to_the_same_episode() -> None:
    life = episode(keep_steps=20)
    saw(life, 10, flagged=True)
    saw(life, 30, flagged=True)
    life.go_back(20, 1e9)
    saw(life, 21, flagged=False)
    assert saw(life, 25, flagged=True) == ["firing"]
    assert life.number == 1


def test_what_was_pending_when_its_steps_were_undone_waits_anew() -> None:
    life = episode(for_steps=20)
    saw(life, 10, flagged=True)
    life.go_back(5, 1e9)
    assert saw(life, 8, flagged=True) == ["pending"]
    assert passed(life, 9, 27) is None
    assert passed(life, 28, 28) == "firing"


def test_what_was_recovering_when_its_steps_were_undone_is_kept_from_there() -> None:
    life = episode(keep_steps=20)
    saw(life, 10, flagged=True)
    saw(life, 50, flagged=False)
    life.go_back(5, 1e9)
    assert passed(life, 6, 24) is None
    assert passed(life, 25, 25) == "resolved"
