"""A function that is recorded in the process that calls it."""

from __future__ import annotations

import multiprocessing
import pickle
import sys
import traceback
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch_models import small_net, train

from lrwatch.autowatch import launchers, processes
from lrwatch.autowatch.beginning import why_nothing
from lrwatch.autowatch.processes import RecordedCall, arrive, follow_processes
from lrwatch.autowatch.settings import Settings
from lrwatch.store import list_runs

INITIALIZE = torch.optim.Optimizer.__init__


def settings(folder: Path, **options: Any) -> Settings:
    return Settings(str(folder), "shown", "", "train", "train.py", None, alerts=False, **options)


def training(error: BaseException | None) -> int:
    net = small_net()
    train(net, torch.optim.SGD(net.parameters(), lr=0.1), 3)
    if error is not None:
        raise error
    return 5


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, "finished"),
        (SystemExit(), "finished"),
        (SystemExit(0), "finished"),
        (SystemExit(3), "failed"),
        (SystemExit("a text"), "failed"),
        (ValueError("of the script"), "failed"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_a_process_says_by_its_end_how_its_runs_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: BaseException | None, status: str
) -> None:
    call = RecordedCall(training, settings(tmp_path, config={"width": 64}, total_steps=9))
    if error is None:
        assert call(None) == 5
    else:
        with pytest.raises(type(error)) as caught:
            call(error)
        files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert files == [__file__, __file__]  # nothing of lrwatch between them
    [run] = list_runs(tmp_path)
    assert run.info is not None
    assert (run.key, run.info.status, run.info.total_steps) == ("train-sgd-0.1", status, 9)
    assert run.info.config == {"command": "train.py", "width": 64}
    assert capsys.readouterr().err == "lrwatch: 3 steps recorded in shown/train-sgd-0.1\n"
    assert torch.optim.Optimizer.__init__ is INITIALIZE


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("start", "_bootstrap"):
        monkeypatch.setattr(BaseProcess, name, getattr(BaseProcess, name))
    monkeypatch.setattr(processes, "started", [])
    started = lambda process: None  # noqa: E731
    monkeypatch.setattr(BaseProcess, "start", started)
    follow_processes(settings(tmp_path))


@pytest.mark.usefixtures("followed")
def test_a_process_carries_its_settings_unless_it_only_loads_data() -> None:
    from torch.utils.data._utils.worker import _worker_loop

    trains = multiprocessing.Process(target=training)
    loads = multiprocessing.Process(target=_worker_loop)
    for process in (trains, loads):
        process.start()
    assert processes.started == [trains.name]
    assert not hasattr(loads, "_lrwatch")
    follow = BaseProcess.start
    pickle.loads(pickle.dumps(vars(trains)["_lrwatch"]))  # as in a new process
    assert BaseProcess.start is follow  # here it is followed already


def test_a_process_that_cannot_be_followed_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "multiprocessing.process", None)
    arrive(settings(tmp_path))
    assert capsys.readouterr().err.startswith("lrwatch: nothing is recorded: import of multi")


class TestNothing:
    """Who says that nothing was recorded, and who does not."""

    @pytest.fixture(autouse=True)
    def _alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(processes, "started", [])
        monkeypatch.setattr(launchers, "started", set())
        monkeypatch.setitem(sys.modules, "lrwatch", SimpleNamespace())

    def why(self, folder: Path, **job: Any) -> str | None:
        known = {"recorded": [], "is_explained": False, "n_made": 2} | job
        return why_nothing(SimpleNamespace(**known), settings(folder), None)  # type: ignore[arg-type]

    def test_what_was_made_and_did_not_step(self, tmp_path: Path) -> None:
        said = "of 2 torch optimizers that it made, none made a step"
        assert self.why(tmp_path) == said
        assert self.why(tmp_path, recorded=[1]) is None
        assert self.why(tmp_path, is_explained=True) is None

    @pytest.mark.parametrize(("rank", "is_said"), [("", True), ("0", True), ("1", False)])
    def test_the_first_process_says_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rank: str, *, is_said: bool
    ) -> None:
        monkeypatch.setenv("RANK", rank)
        assert (self.why(tmp_path) is not None) == is_said

    def test_a_run_of_a_child_is_no_surprise(self, tmp_path: Path) -> None:
        processes.started.append("Process-1")
        assert self.why(tmp_path / "absent") is not None
        (tmp_path / "run").mkdir()
        assert self.why(tmp_path) is None
