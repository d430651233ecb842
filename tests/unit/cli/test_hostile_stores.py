"""Hostile stores go through every command.

Nothing ends in a traceback, every good run is listed, and no store takes more than ten seconds:
that is no measure of speed, of which all together need few, but of what would never end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_rounds import MARKS, ROUNDS, check_round
from hostile_stores import GOOD_RUNS

import lrwatch
from lrwatch.cli import main
from lrwatch.store import list_runs

Captured = pytest.CaptureFixture[str]

pytestmark = MARKS


EACH_RUN = (["check"], ["alert", "why"], ["alert", "replay"], ["export"])
"""Commands on a run; a store has its turn with one of them, and so with one of the store's."""


def commands(store: Path, elsewhere: Path, seed: int) -> Iterator[tuple[list[str], set[int]]]:
    """Yield what is called on a store, and the exit statuses that are a plain answer."""
    yield ["ls", str(store), "--json"], {0}
    yield ["check", str(store), "--json"], {0, 1, 2}
    sent = ["--to", f"jsonl:{elsewhere / 'sent.jsonl'}"]
    of_stores = (["ls"], ["alert", *sent, "--once"], ["suggest", "--json"])
    name, *options = of_stores[seed % len(of_stores)]
    yield [name, str(store), *options], {0}
    if name == "alert":
        yield ["alert", "list", str(store)], {0}
    command = EACH_RUN[seed % len(EACH_RUN)]
    target = elsewhere / "rows.csv"
    for entry in list_runs(store):
        target.unlink(missing_ok=True)
        options = ["--to", str(target)] if command == ["export"] else []
        yield [*command, str(entry.path), *options], {0, 1, 2}


def check_commands(store: Path, elsewhere: Path, capsys: Captured, seed: int) -> None:
    for command, allowed in commands(store, elsewhere, seed):
        status = main(command)
        out, err = capsys.readouterr()
        assert status in allowed, (command, err)
        assert "Traceback" not in err
        if command[0] == "ls" and command[-1] == "--json":
            verdicts = {run["run"]: run["verdict"] for run in json.loads(out)}
            assert all(verdicts[name] for name in GOOD_RUNS)
    comparison = lrwatch.compare(store)
    assert set(GOOD_RUNS) <= set(comparison.verdicts)


@pytest.mark.parametrize("first", ROUNDS)
def test_no_store_takes_anything_down(
    tmp_path: Path,
    first: int,
    capsys: Captured,
    caplog: pytest.LogCaptureFixture,
) -> None:
    check_round(
        tmp_path, first, caplog, lambda store, seed: check_commands(store, tmp_path, capsys, seed)
    )
