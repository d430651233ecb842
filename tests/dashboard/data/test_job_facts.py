"""What the Run page says of a job: how fast it went, and whatever else it recorded of itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lrwatch_dashboard.data.job_facts import job_facts, speed
from lrwatch_dashboard.views import StepTimes

from lrwatch.records import RunInfo


def clock(seconds: list[float]) -> StepTimes:
    return StepTimes(np.arange(float(len(seconds))), np.cumsum([0.0, *seconds[1:]]))


def test_a_run_that_slowed_says_since_when() -> None:
    assert speed(clock([0.2] * 101)) == "5 steps/s"
    assert speed(clock([0.2] * 161 + [0.5] * 40)) == "5 steps/s; 2 since step 160"
    assert speed(clock([0.2] * 40 + [0.5] * 20 + [0.2] * 100)) == "5 steps/s"  # it recovered


@pytest.mark.parametrize("seconds", [[], [1.0], [0.0] * 9])
def test_without_times_nothing_is_said_of_speed(seconds: list[float]) -> None:
    assert speed(clock(seconds)) == ""


def test_what_is_recorded_is_said_and_the_rest_left_out() -> None:
    plain = job_facts(RunInfo("id", "a", created_at=1.7e9), clock([1.0]))
    assert plain == {"started": "2023-11-14 22:13 UTC"}
    said: dict[str, Any] = {"created_at": 0.0, "ended_at": 1.7e300, "host": "gpu-7"}
    said |= {"command": "train.py <b>", "git_commit": "0123456789abcdef", "git_dirty": True}
    said |= {"error": "ValueError: no"}
    full = job_facts(RunInfo("id", "a", **said), clock([0.1] * 101))
    assert full == {
        "trained for": "10 s",
        "speed": "10 steps/s",
        "host": "gpu-7",
        "command": "train.py <b>",
        "commit": "0123456789ab, with changes that are not committed",
        "error": "ValueError: no",
    }
