"""The first page comes from the table of verdicts, and what is judged takes its place."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from judged_stores import judged_now, table_of, write_jobs, write_trial
from lrwatch_dashboard.data import RunStore
from lrwatch_dashboard.data.first_look import FirstLook
from lrwatch_dashboard.data.judges import Judging
from lrwatch_dashboard.views import RunView

from lrwatch.following import FollowedStore

RUN = "d2-lr-0.1"
SHOWN = ("verdict", "reason", "suggested_lr", "state", "steps", "lr", "best_loss", "sparkline")
ALSO = ("name", "optimizer", "total_steps", "config", "created_at", "updated_at", "group")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LRWATCH_CACHE_DIR", "")
    folder = write_jobs(tmp_path / "runs")
    judged_now(folder)
    return folder


def rows(source: RunStore) -> dict[str, tuple[Any, ...]]:
    return {row.key: tuple(getattr(row, n) for n in SHOWN + ALSO) for row in source.overview().rows}


@pytest.mark.slow
@pytest.mark.parametrize("alone", [False, True])
def test_the_first_page_is_there_before_the_store_is_listed(
    store: Path, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    whole = RunStore(store, threaded=False, alone=alone)
    whole.refresh()
    source, first = RunStore(store, threaded=False, alone=alone), {}
    relist = FollowedStore.relist

    def seen(self: Any) -> Any:
        first.update(rows(source))
        return relist(self)

    monkeypatch.setattr(FollowedStore, "relist", seen)
    source.refresh()
    assert first == rows(source) == rows(whole)


@pytest.mark.slow
def test_a_verdict_stays_until_the_run_has_its_own_here(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_trial(store, "new", 0.3)
    source = RunStore(store, threaded=False)
    monkeypatch.setattr(Judging, "hand_out", lambda self, waiting, wanted: [])
    source.refresh()
    shown = {row.key: row.verdict for row in source.overview().rows}
    assert shown.pop("new") == "judging"
    assert "judging" not in shown.values()


def test_a_run_that_went_on_or_is_gone_is_not_shown_as_it_was(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(store / RUN)
    write_trial(store, RUN, 0.1, n_steps=90)
    shutil.rmtree(store / "d5-lr-0.1")
    source = RunStore(store, threaded=False)
    monkeypatch.setattr(Judging, "hand_out", lambda self, waiting, wanted: [])
    source.refresh()
    shown = {row.key: row.verdict for row in source.overview().rows}
    assert shown[RUN] == "judging"
    assert "d5-lr-0.1" not in shown


@pytest.mark.slow
def test_what_is_judged_is_shown_in_full(store: Path) -> None:
    source = RunStore(store, threaded=False)
    assert source.refresh()
    view = source.run(RUN)
    assert view is not None
    assert view.evidence
    assert view.clock


@pytest.mark.slow
def test_without_a_table_there_is_nothing_to_begin_with(store: Path) -> None:
    table_of(store).unlink()
    look = FirstLook(store, alone=False)
    assert look.read() == {}
    view = RunView(RUN, RUN, "finished")
    assert look.filled(view) is view
