"""What the machine does, as columns of a run; and the thread on which that is asked."""

from __future__ import annotations

import gc
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import lrwatch
from lrwatch.recording import system_metrics
from lrwatch.recording.system_metrics import NO_SYSTEM, sampler
from lrwatch.side_thread import now_and_then

ON_EVERY_MACHINE = {
    "system/cpu_percent",
    "system/memory_used",
    "system/process_cpu_percent",
    "system/process_memory",
}


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv(NO_SYSTEM)  # which other tests have: theirs may be slower than 10 seconds
    sampler.cache_clear()
    yield
    sampler.cache_clear()


@pytest.fixture
def chores(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be done on the side thread."""
    found: list[Any] = []
    monkeypatch.setattr(
        "lrwatch.recording.run.now_and_then", lambda chore, seconds: found.append(chore)
    )
    return found


TWO_GPUS = SimpleNamespace(
    nvmlInit=lambda: None,
    nvmlDeviceGetCount=lambda: 2,
    nvmlDeviceGetHandleByIndex=lambda index: index,
    nvmlDeviceGetHandleByUUID={"GPU-b": 1}.__getitem__,
    nvmlDeviceGetUtilizationRates=lambda gpu: SimpleNamespace(gpu=10 + gpu),
    nvmlDeviceGetMemoryInfo=lambda gpu: SimpleNamespace(used=1_000 + gpu),
)


def test_the_row_that_is_current_has_it_and_others_have_not(
    tmp_path: Path, chores: list[Any]
) -> None:
    with lrwatch.open_run(dir=tmp_path, alerts=None) as run:
        run.record(loss=1.0, lr=0.1)
        assert chores[0]() == system_metrics.SECONDS
        for _ in range(2):
            run.record(loss=1.0, lr=0.1)
    assert chores[0]() is None  # the run has ended
    frame = lrwatch.read(run.path)
    assert {*frame.columns} >= ON_EVERY_MACHINE
    for name in ON_EVERY_MACHINE:
        assert frame[name].notna().tolist() == [False, True, False], name
    assert 2**20 < frame["system/process_memory"][1] < frame["system/memory_used"][1] * 10
    assert 0 <= frame["system/cpu_percent"][1] <= 100


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, {"gpu0": 10, "gpu1": 11}),
        ("1", {"gpu0": 11}),
        ("GPU-b, 0", {"gpu0": 11, "gpu1": 10}),
        ("", {}),
        ("GPU-of-another-machine", {}),
    ],
)
def test_gpus_are_those_that_the_process_sees(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, expected: dict[str, float]
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", TWO_GPUS)
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    take = sampler()
    assert take is not None
    found = take()
    names = {*found} - ON_EVERY_MACHINE
    assert {n.split("/")[1].removesuffix("_percent"): found[n] for n in names if "perc" in n} == (
        expected
    )
    assert sum(name.endswith("_memory_used") for name in names) == len(expected)


def test_without_psutil_or_where_nobody_wants_it_nothing_is_asked(
    tmp_path: Path, chores: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with lrwatch.open_run(dir=tmp_path, alerts=None, system=False):
        assert not chores
    with monkeypatch.context() as without:
        without.setenv(NO_SYSTEM, "1")
        with lrwatch.open_run(dir=tmp_path, alerts=None):
            assert not chores
    monkeypatch.setitem(sys.modules, "psutil", None)
    with lrwatch.open_run(dir=tmp_path, alerts=None):
        assert not chores


@pytest.mark.slow
def test_a_run_that_nobody_holds_is_not_kept_alive(tmp_path: Path, chores: list[Any]) -> None:
    run = lrwatch.open_run(dir=tmp_path, alerts=None)
    del run
    gc.collect()
    assert chores[0]() is None


class TestSideThread:
    def test_a_chore_is_done_again_until_it_is_over(self) -> None:
        done, n = threading.Event(), []

        def chore() -> float | None:
            n.append(threading.current_thread().name)
            if len(n) < 3:
                return 0.0
            done.set()
            return None

        now_and_then(chore)
        assert done.wait(60)
        assert n == ["lrwatch beside"] * 3

    def test_one_that_fails_ends_no_other(self) -> None:
        done = threading.Event()

        def fails() -> float:
            raise ValueError

        now_and_then(fails)
        now_and_then(done.set)
        assert done.wait(60)
