from __future__ import annotations

import math
from pathlib import Path

import pytest
from stores import write_run
from trials import a_trial

import lrwatch
from lrwatch.comparing import Trial, common_ground
from lrwatch.errors import RunNotFound


def trial(lr: float, verdict: str, **settings: object) -> Trial:
    return a_trial(f"{verdict}-{lr}-{settings}", lr, verdict=verdict, settings=settings)


class TestCommonGround:
    def test_a_rate_that_flagged_runs_share_is_named_with_its_counts(self) -> None:
        trials = [trial(lr, "diverging") for lr in (0.3, 0.5, 1.0)]
        trials += [trial(lr, "ok") for lr in (0.01, 0.03, 0.1, 0.4)]
        assert [str(ground) for ground in common_ground(trials)] == [
            "learning rate >= 0.3 in 3 of 3 runs too high, and in 1 of 4 others"
        ]

    def test_low_rates_are_bounded_from_above(self) -> None:
        trials = [trial(lr, "too_low") for lr in (1e-5, 1e-4, 1e-4)]
        trials += [trial(lr, "converged") for lr in (0.01, 0.1)]
        assert common_ground(trials)[0].setting == "learning rate <= 0.0001"

    def test_a_setting_tells_more_than_the_rate(self) -> None:
        trials = [trial(0.1, "oscillating", warmup=0) for _ in range(3)]
        trials += [trial(0.1, "ok", warmup=100) for _ in range(3)]
        assert [ground.setting for ground in common_ground(trials)] == ["warmup = 0"]

    @pytest.mark.parametrize("n_flagged", [0, 1, 2])
    def test_few_flagged_runs_have_nothing_in_common_yet(self, n_flagged: int) -> None:
        trials = [trial(1.0, "diverging")] * n_flagged + [trial(0.1, "ok")] * 5
        assert common_ground(trials) == []

    def test_runs_that_could_not_be_judged_do_not_count(self) -> None:
        trials = [trial(1.0, "diverging")] * 3 + [trial(1.0, "insufficient_data")] * 9
        assert common_ground([*trials, trial(0.1, "ok")])[0].of_others == 1


class TestCompare:
    def sweep(self, folder: Path) -> Path:
        for lr, floor in ((0.001, 3.0), (0.01, 1.0), (0.1, 0.5), (1.0, 2.0)):
            values = {"lr": [lr] * 64, "loss": [floor + 4 * math.exp(-i / 9) for i in range(64)]}
            config = {"lr": lr, "depth": 2}
            write_run(folder, f"lr-{lr}", steps=range(64), values=values, config=config)
        return folder

    @pytest.mark.slow
    def test_the_rate_that_won_is_said(self, tmp_path: Path) -> None:
        comparison = lrwatch.compare(self.sweep(tmp_path))
        assert len(comparison.sweeps) == 1
        assert comparison.sweeps[0].settings == {"depth": 2, "optimizer": ""}
        assert comparison.sweeps[0].choice.best == 0.1
        assert "0.1 is best" in str(comparison)
        assert set(comparison.verdicts) == {"lr-0.001", "lr-0.01", "lr-0.1", "lr-1.0"}

    def test_runs_may_be_chosen(self, tmp_path: Path) -> None:
        self.sweep(tmp_path)
        comparison = lrwatch.compare([tmp_path / "lr-0.01", tmp_path / "lr-0.001"])
        assert comparison.sweeps[0].choice.best == 0.01
        assert comparison.sweeps[0].choice.band is None

    def test_a_run_that_cannot_be_read_is_left_out_and_named(self, tmp_path: Path) -> None:
        self.sweep(tmp_path)
        (tmp_path / "lr-0.1" / "run.json").write_text("garbage")
        comparison = lrwatch.compare(tmp_path)
        assert list(comparison.unreadable) == ["lr-0.1"]
        assert comparison.sweeps[0].choice.best == 0.01

    def test_nothing_to_compare_is_said(self, tmp_path: Path) -> None:
        assert "nothing to compare" in str(lrwatch.compare(tmp_path))
        with pytest.raises(RunNotFound):
            lrwatch.compare(tmp_path / "nowhere")
