from __future__ import annotations

from dashboard_views import a_diagnosis, run_view
from lrwatch_dashboard.data.sweeps import shared_trouble
from lrwatch_dashboard.views import RunView


def runs(verdict: str, n: int, lr: float, **config: object) -> list[RunView]:
    return [
        run_view(
            f"{verdict}-{lr}-{i}",
            diagnosis=a_diagnosis(verdict),
            lr=lr,
            config={**config, "seed": i},
        )
        for i in range(n)
    ]


def test_the_rate_that_tells_flagged_runs_from_the_others_is_said_with_numbers() -> None:
    said = shared_trouble([*runs("diverging", 4, 1.0), *runs("ok", 5, 0.1)])
    assert said == "learning rate >= 1 in 4 of 4 runs too high, and in 0 of 5 others"


def test_a_setting_that_tells_them_apart_is_said_when_the_rate_does_not() -> None:
    deep, flat = runs("oscillating", 4, 0.1, depth=12), runs("ok", 5, 0.1, depth=2)
    assert shared_trouble([*deep, *flat]).startswith("depth = 12 in 4 of 4 runs too high")


def test_nothing_is_said_of_a_few_runs_or_of_what_all_share() -> None:
    assert not shared_trouble([*runs("diverging", 2, 1.0), *runs("ok", 5, 0.1)])
    assert not shared_trouble([*runs("diverging", 4, 0.1), *runs("ok", 4, 0.1)])
    assert not shared_trouble([])


def test_runs_that_could_not_be_judged_do_not_count() -> None:
    unsure = runs("insufficient_data", 3, 1.0)
    said = shared_trouble([*runs("too_low", 3, 0.01), *runs("ok", 3, 0.1), *unsure])
    assert "in 0 of 3 others" in said
