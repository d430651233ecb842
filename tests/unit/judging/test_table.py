"""The table of verdicts: only what is new is judged, and what is in the way is no table."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from judged_stores import judged_now, said, table_of, write_trial

from lrwatch.comparing import sibling_verdicts, store_verdicts
from lrwatch.judging import VerdictTable, judged_runs, judges, table
from lrwatch.store import list_runs

pytestmark = pytest.mark.slow

RUN = "d2-lr-0.1"


def test_only_what_is_new_is_judged(store: Path) -> None:
    fresh = said(store, writes=False)
    assert not table_of(store).exists()
    assert judged_now(store) == 6
    assert judged_now(store) == 0
    assert said(store) == fresh
    write_trial(store, "d2-lr-0.3", 0.3)
    assert judged_now(store) == 1
    assert judged_now(store) == 0
    assert said(store) == said(store, anew=True)


def test_a_run_that_has_changed_is_judged_and_one_that_is_gone_leaves(store: Path) -> None:
    judged_now(store)
    shutil.rmtree(store / RUN)
    write_trial(store, RUN, 0.1, n_steps=80)
    shutil.rmtree(store / "d5-lr-1.0")
    assert judged_now(store) == 1
    names = pq.read_table(table_of(store), columns=["key"])["key"].to_pylist()
    assert sorted(names) == sorted(entry.key for entry in list_runs(store))
    assert said(store) == said(store, anew=True)


def test_a_new_run_has_its_own_job_judged_and_no_other(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_now(store)
    write_trial(store, "d2-lr-0.3", 0.3)
    jobs: list[set[str]] = []
    whole = sibling_verdicts.judged_together

    def noted(trials: Any, own: Any) -> Any:
        jobs.append({trial.key for trial in trials})
        return whole(trials, own)

    monkeypatch.setattr(sibling_verdicts, "judged_together", noted)
    judged_now(store)
    assert jobs == [{"d2-lr-0.001", "d2-lr-0.1", "d2-lr-0.3", "d2-lr-1.0"}]
    jobs.clear()
    judged_now(store)
    assert not jobs


def test_a_store_that_was_copied_is_known(store: Path, tmp_path: Path) -> None:
    judged_now(store)
    shutil.copytree(store, tmp_path / "copy", copy_function=shutil.copy)
    assert judged_now(tmp_path / "copy") == 0


def test_a_run_that_cannot_be_read_is_tried_again_and_in_the_table(store: Path) -> None:
    part = next((store / RUN / "steps").iterdir())
    content = part.read_bytes()
    judged_now(store)
    part.write_bytes(content[:-1])
    judged_now(store)
    before = table_of(store).stat().st_ino
    assert judged_now(store) == 1
    assert table_of(store).stat().st_ino == before  # nothing new to say
    part.write_bytes(content)
    assert judged_now(store) == 1
    assert judged_now(store) == 0


def no_table(path: Path, what: str) -> None:
    """Put something else in the place of a table."""
    content = path.read_bytes()
    path.unlink()
    victim = path.parents[2] / "victim"
    victim.write_bytes(content)
    put: dict[str, Callable[[], object]] = {
        "garbage": lambda: path.write_bytes(b"garbage"),
        "cut": lambda: path.write_bytes(content[:-100]),
        "foreign": lambda: pq.write_table(pa.table({"key": ["a"], "source": ["b"]}), path),
        "fifo": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "link": lambda: path.symlink_to(victim),
    }
    put[what]()


@pytest.mark.parametrize("what", ["garbage", "cut", "foreign", "fifo", "folder", "link"])
def test_what_is_no_table_is_made_anew(store: Path, what: str) -> None:
    fresh = said(store)
    judged_now(store)
    no_table(table_of(store), what)
    assert judged_now(store) == 6
    assert said(store) == fresh


def test_a_bit_that_flipped_is_noticed(store: Path) -> None:
    fresh = said(store)
    judged_now(store)
    content = bytearray(table_of(store).read_bytes())
    for place in range(4, len(content), len(content) // 40):
        table_of(store).write_bytes(
            content[:place] + bytes([content[place] ^ 8]) + content[place + 1 :]
        )
        assert said(store, writes=False) == fresh


def test_another_version_judges_anew(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged_now(store)
    for module in (table, judged_runs, judges):
        if hasattr(module, "judges"):
            monkeypatch.setattr(module, "judges", lambda: "another")
    assert judged_now(store) == 6


def test_kept_rows_that_were_tampered_with_are_judged_anew(store: Path) -> None:
    judged_now(store)
    rows = pq.read_table(table_of(store))
    place = rows.schema.get_field_index("kept")
    torn = [b"\x93" + content[:40] for content in rows["kept"].to_pylist()]
    torn[0] = b"\xc0"
    rows = rows.set_column(place, rows.schema.field(place), [torn])
    pq.write_table(rows, table_of(store))
    assert judged_now(store) == 6


def test_a_store_that_cannot_be_written_has_its_table_in_the_cache(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store / ".lrwatch-verdicts").write_text("in the way")
    monkeypatch.setenv("LRWATCH_CACHE_DIR", str(tmp_path / "cache"))
    assert judged_now(store) == 6
    assert judged_now(store) == 0
    assert VerdictTable(store).found() == next((tmp_path / "cache").iterdir())


def test_where_nothing_can_be_kept_it_is_said_once(
    store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (store / ".lrwatch-verdicts").write_text("in the way")
    assert store_verdicts(store, writes=True).table is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_runs_share_in_memory_the_evidence_that_is_the_same(store: Path) -> None:
    judged_now(store)
    found = [run.diagnosis for run in store_verdicts(store).runs.values()]
    evidence = [each for one in found if one is not None for each in one.evidence]
    firsts = {each: each for each in reversed(evidence)}
    texts = {each.note: each.note for each in firsts.values()}
    assert len(firsts) < len(evidence)
    assert all(firsts[each] is each for each in evidence)
    assert all(texts[each.note] is each.note for each in evidence)


def test_few_runs_leave_no_table_unless_there_is_one(store: Path) -> None:
    store_verdicts(store)
    assert not table_of(store).exists()
    store_verdicts(store, writes=True)
    write_trial(store, "d2-lr-0.3", 0.3)
    assert store_verdicts(store).n_judged == 1
    assert store_verdicts(store).n_judged == 0


def test_nothing_is_written_into_a_run(store: Path) -> None:
    store_verdicts(store / RUN, writes=True)
    assert sorted(path.name for path in (store / RUN).iterdir()) == ["run.json", "steps"]


def test_duckdb_reads_what_lists_show(store: Path) -> None:
    found = store_verdicts(store, writes=True)
    rows = duckdb.sql(
        f"select key, verdict, verdict_alone, job, config from '{table_of(store)}'"
    ).fetchall()
    assert {row[0]: row[1] for row in rows} == {k: d.verdict for k, d in found.together.items()}
    assert {row[0]: row[2] for row in rows} == {k: d.verdict for k, d in found.own.items()}
    assert {row[3] for row in rows} == {"d2-lr-0.001", "d5-lr-0.001"}
    assert json.loads(rows[0][4])["depth"] in (2, 5)
