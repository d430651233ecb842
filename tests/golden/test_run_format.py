"""Runs of every format so far still read as they did; docs/run-format.md says what the code does.

A run of format 1, killed: a part, a journal after it, columns that came later, a NaN loss, a
null loss, a skipped step.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from lrwatch.records import FLOAT_COLUMNS, RunInfo
from lrwatch.store import RunReader, read_table
from lrwatch.store.journal import JournalWriter
from lrwatch.store.run_info import FORMAT

HERE = Path(__file__).parent
RUN = HERE / "runs" / "format-1"
TEXT = (HERE.parents[1] / "docs" / "run-format.md").read_text(encoding="utf-8")


def test_a_run_of_format_1_reads_as_it_was_written() -> None:
    table = read_table(RUN)
    steps = range(25)
    assert table["step"].to_pylist() == list(steps)
    loss = table["loss"].to_pylist()
    assert loss[:20] == [2.0 * math.exp(-i / 9) for i in range(20)]
    assert math.isnan(loss[20])
    assert loss[21] is None
    assert table["lr"].to_pylist() == [0.1 / (1 + i) for i in steps]
    assert table["grad_norm_clipped"].to_pylist() == [min(1.0 + i / 7, 2.0) for i in steps]
    assert [i for i, v in enumerate(table["update_norm"].to_pylist()) if v is not None] == [
        0, 5, 10, 15, 20,
    ]  # fmt: skip
    assert [i for i, v in enumerate(table["skipped"].to_pylist()) if v] == [17]
    head = table["lr/head"].to_pylist()
    # The row at which a column is added has it, too: it is written again in the new journal.
    assert head[:11] == [None] * 11
    assert head[12:] == [0.01 / (1 + i) for i in steps[12:]]
    times = table["time"].cast("int64").to_pylist()
    assert times == [1_790_000_000_000_000 + 250_000 * i for i in steps]


def test_run_json_of_format_1_reads_as_it_was_written() -> None:
    info = RunReader(RUN).info
    assert (info.id, info.name, info.format) == ("5f0c3a9d1b2e", "format-1", 1)
    assert info.config == {"batch_size": 64, "note": "golden"}
    assert info.parameter_groups == ("body", "head")


def test_every_format_has_a_golden_run() -> None:
    assert {path.name for path in RUN.parent.iterdir()} == {
        f"format-{version}" for version in range(1, FORMAT + 1)
    }


@pytest.mark.parametrize("name", ["step", "time", *FLOAT_COLUMNS, "skipped"])
def test_every_column_is_documented(name: str) -> None:
    assert f"\n| `{name}` |" in TEXT


def test_every_key_of_run_json_is_documented() -> None:
    table = TEXT[TEXT.index("| key | content |") :]
    assert {f"`{key}`" for key in RunInfo.__dataclass_fields__} <= set(
        table.replace("|", " ").replace(",", " ").split()
    )
    # The run was written before there were these.
    later = {"n_parameters", "host", "command", "cwd", "git_commit", "git_dirty", "error"}
    then = set(json.loads((RUN / "run.json").read_text()))
    assert then | later == set(RunInfo.__dataclass_fields__)


def test_the_journals_bytes_are_as_documented(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path / "j", 7, ("loss", "lr"))
    before = (tmp_path / "j").stat().st_size
    journal.append(journal.pack(1, 2, 3, [4.0, 5.0]))
    content = (tmp_path / "j").read_bytes()
    assert f"magic `{content[:8].decode()}`" in TEXT
    length = int.from_bytes(content[8:12], "little")
    assert (length, length % 8) == (before, 0)
    assert json.loads(content[16:length]) == {"first_row": 7, "columns": ["loss", "lr"]}
    assert len(content) - length == journal.record_size == 24 + 8 * 2
    assert content[length + 4 : length + 8] == (1).to_bytes(4, "little")
    assert content[length + 8 : length + 16] == (2).to_bytes(8, "little")
    assert content[length + 16 : length + 24] == (3).to_bytes(8, "little")
