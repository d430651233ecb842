"""One bad entry of a store never takes down the rest, and makes nobody wait."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hostile_stores import GOOD_RUNS, GOOD_STEPS, HOSTILE, make_hostile_store

from lrwatch.errors import LrwatchError
from lrwatch.store import Catalog, RunEntry, RunReader, read, writer_is_gone

pytestmark = pytest.mark.slow  # `make test` runs it, `make check` does not


def read_all(store: Path) -> dict[str, tuple[RunEntry, int | None]]:
    """Return each run's entry and its number of rows; whatever else is raised fails the test."""
    found: dict[str, tuple[RunEntry, int | None]] = {}
    runs = Catalog(store)
    assert len(runs.list_runs()) == len(runs.list_runs())
    for entry in runs.list_runs():
        n_rows = None
        problem = entry.problem
        try:
            n_rows = len(RunReader(entry.path).read_new())
            assert len(read(entry.path, raw=True)) == n_rows
            read(entry.path)
        except LrwatchError as error:
            problem = str(error).removeprefix(f"{entry.path}: ")
        writer_is_gone(entry.path)
        assert str(store) not in problem
        assert (entry.info is None) == bool(entry.problem)
        found[entry.key] = (entry, n_rows)
    return found


def check_good_runs(found: dict[str, tuple[RunEntry, int | None]]) -> None:
    for name in GOOD_RUNS:
        entry, n_rows = found[name]
        assert (entry.problem, n_rows) == ("", GOOD_STEPS)


@pytest.mark.parametrize("seed", range(60))
def test_in_a_hostile_store_all_good_runs_are_read(tmp_path: Path, seed: int) -> None:
    make_hostile_store(tmp_path / "store", seed)
    check_good_runs(read_all(tmp_path / "store"))


def test_every_kind_at_once(tmp_path: Path) -> None:
    store = tmp_path / "store"
    taken = make_hostile_store(store, 0)
    for kind in sorted(HOSTILE.keys() - taken):
        HOSTILE[kind](store, random.Random(0))
    found = read_all(store)
    check_good_runs(found)
    assert sum(entry.info is None for entry, _ in found.values()) > 30
