"""Who judges is seen nowhere: this process, others, and a Dask cluster say the same."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from judged_stores import said, write_trial

from lrwatch.comparing import store_verdicts
from lrwatch.errors import InvalidArgument
from lrwatch.judging import Workers, on_dask, workers
from lrwatch.judging.judges import judges
from lrwatch.store import list_runs


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from distributed import LocalCluster

        with LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as local:
            yield local.scheduler_address


def hurt(store: Path) -> None:
    (store / "d2-lr-0.1" / "run.json").write_text("garbage")
    next((store / "d5-lr-0.1" / "steps").iterdir()).write_bytes(b"garbage")
    write_trial(store, "broke", 10.0, n_steps=30)


@pytest.mark.slow
def test_dask_finds_what_this_process_finds(store: Path, cluster: str) -> None:
    hurt(store)
    assert said(store, workers=Workers(dask=cluster)) == said(store)


@pytest.mark.slow
def test_an_address_without_a_scheduler_is_refused(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_dask, "_WAIT", "1s")
    for address in ("tcp://127.0.0.1:1", "nonsense", "ftp://host"):
        with pytest.raises(InvalidArgument, match="scheduler"):
            store_verdicts(store, workers=Workers(dask=address))


def test_workers_of_another_version_or_place_are_refused(
    store: Path, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_dask, "_seen", lambda path: ("another", True))
    with pytest.raises(InvalidArgument, match="another version"):
        store_verdicts(store, workers=Workers(dask=cluster))
    version = judges()
    monkeypatch.setattr(on_dask, "_seen", lambda path: (version, False))
    with pytest.raises(InvalidArgument, match="does not see"):
        store_verdicts(store, workers=Workers(dask=cluster))


@pytest.mark.parametrize("answers", [[b"", b""], []])
def test_what_no_process_could_send_is_judged_here(store: Path, answers: list[bytes]) -> None:
    entries = list_runs(store)[: len(answers)]
    found = list(workers.read_all(entries, answers))
    assert [entry for entry, _ in found] == entries
    assert all(kept.diagnosis for _, kept in found)


@pytest.mark.e2e
def test_processes_find_what_this_process_finds(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurt(store)
    monkeypatch.setattr(workers, "MANY_RUNS", 2)
    monkeypatch.setattr(workers, "_AT_ONCE", 2)
    assert said(store, workers=Workers(2)) == said(store)
