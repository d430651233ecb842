"""Runs on their way to an address: what is sent, what is claimed, what is merged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from failing_storages import FailingStorage

import lrwatch
from lrwatch.errors import RunBusy, StorageUnavailable
from lrwatch.storage import Storage, open_storage
from lrwatch.uploading import run_upload
from lrwatch.uploading.carrying import fetch_run
from lrwatch.uploading.run_upload import RunUpload
from lrwatch.uploading.tiers import Span, due_for_merging


@pytest.fixture
def there(tmp_path: Path) -> Storage:
    return open_storage(tmp_path / "there")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[lrwatch.Run]:
    run = lrwatch.open_run(dir=tmp_path / "here", name="a", config={"x": 1}, alerts=False)
    yield run
    run.finish()


def record(run: lrwatch.Run, n: int, **own: float) -> None:
    for _ in range(n):
        run.record(loss=1.0 / (run.next_step + 1), lr=0.1, **own)


def keys(there: Storage, below: str = "a/") -> list[str]:
    return [stored.key for stored in there.list(below)]


def arrived(there: Storage, name: str = "a") -> pd.DataFrame:
    return lrwatch.read(Path(there.address) / name)


def test_what_is_new_is_sent_and_nothing_twice(there: Storage, run: lrwatch.Run) -> None:
    upload = RunUpload(run.path, there)
    record(run, 30)
    assert not upload.send()
    record(run, 5, accuracy=0.5)
    upload.send()
    upload.send()
    assert keys(there) == [
        "a/run.json",
        "a/steps/part-000000000000-000000000029.parquet",  # the last one may still change
        "a/steps/part-000000000029-000000000034.parquet",
    ]
    assert arrived(there)["step"].tolist() == list(range(34))
    run.finish()
    assert upload.send()
    assert keys(there) == ["a/run.json", "a/steps/part-000000000000-000000000035.parquet"]
    assert arrived(there).equals(lrwatch.read(run.path))
    told = json.loads(there.read("a/run.json"))
    here = json.loads((run.path / "run.json").read_text())
    assert told.pop("writer")
    assert told == here


def test_a_value_logged_late_is_sent(there: Storage, run: lrwatch.Run) -> None:
    upload = RunUpload(run.path, there)
    record(run, 10)
    upload.send()
    run.log(val=7.0)
    run.finish()
    upload.send()
    assert arrived(there)["val"].iloc[-1] == 7.0


def test_a_name_that_is_taken_gets_a_number(there: Storage, run: lrwatch.Run) -> None:
    there.write("a/run.json", b'{"format": 1, "id": "other"}')
    upload = RunUpload(run.path, there)
    record(run, 3)
    upload.send()
    assert upload.address == f"{there.address}/a-2"
    assert json.loads(there.read("a-2/run.json"))["name"] == "a-2"
    assert keys(there) == ["a/run.json"]
    assert there.read("a/run.json") == b'{"format": 1, "id": "other"}'


@pytest.mark.slow
@pytest.mark.parametrize("is_done", [True, False])
def test_every_call_may_fail_before_or_after_it_is_done(
    there: Storage, run: lrwatch.Run, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    monkeypatch.setattr(run_upload, "_FIRST_ROWS", 7)
    failing = FailingStorage(there, is_done=is_done)
    record(run, 100)
    upload, tries = RunUpload(run.path, failing), 0
    for n in range(1, 200):
        failing.fail_in(n % 5 + 1)
        tries += 1
        if n == 10:
            run.finish()
        if n % 3 == 0:  # as if the process had been killed
            upload.close()
            upload = RunUpload(run.path, failing)
        try:
            if upload.send():
                break
        except StorageUnavailable:
            continue
    failing.fail_in(0)
    assert upload.is_done or upload.send()
    assert keys(there) == ["a/run.json", "a/steps/part-000000000000-000000000100.parquet"]
    assert arrived(there).equals(lrwatch.read(run.path))
    assert keys(there, "") == keys(there)
    assert tries > 5


@pytest.mark.slow
def test_a_long_run_has_few_parts(
    there: Storage, run: lrwatch.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.uploading.tiers._TIERS", (64, 1024))
    upload = RunUpload(run.path, there)
    most = 0
    for _ in range(200):
        record(run, 4, **({"late": 1.0} if run.next_step > 300 else {}))
        upload.send()
        most = max(most, len(keys(there, "a/steps/")))
        assert arrived(there)["step"].tolist() == list(range(upload.sent))
    assert most <= 31
    run.finish()
    upload.send()
    assert arrived(there).equals(lrwatch.read(run.path))


@pytest.mark.slow
def test_parts_wait_for_sixteen_of_their_size() -> None:
    parts: list[Span] = []
    sent = merged = 0
    for i in range(3000):
        parts.append(Span(i * 300, (i + 1) * 300))
        sent += 300
        while group := due_for_merging(parts):
            parts[-len(group) :] = [Span(group[0].first, group[-1].stop)]
            merged += parts[-1].n_rows
        assert len(parts) <= 3 * 16
    assert all(one.stop == other.first for one, other in pairwise(parts))
    assert merged < 6 * sent


def test_the_one_who_claims_last_writes(there: Storage, run: lrwatch.Run, tmp_path: Path) -> None:
    upload = RunUpload(run.path, there)
    record(run, 50)
    upload.send()
    other = tmp_path / "elsewhere" / "a"
    other.parent.mkdir()
    assert fetch_run(there, other)
    gone_on = lrwatch.open_run(dir=other.parent, name="a", resume=True, alerts=False)
    record(run, 10)
    with pytest.raises(RunBusy, match="is written by another process"):
        upload.send()
    with pytest.raises(RunBusy, match=f"stays in {run.path}: keep it, or remove that folder"):
        upload.send()
    assert gone_on.next_step == 49
    record(gone_on, 2)
    second = RunUpload(other, there)
    second.send()
    gone_on.finish()
    second.send()
    assert arrived(there)["step"].tolist() == list(range(51))
    assert keys(there) == ["a/run.json", "a/steps/part-000000000000-000000000051.parquet"]


def test_a_part_that_came_after_the_claim_does_not_count_in_the_end(
    there: Storage, run: lrwatch.Run, tmp_path: Path
) -> None:
    """The first writer has checked, is held up, and writes its part when it is too late."""
    upload = RunUpload(run.path, there)
    record(run, 50)
    upload.send()
    other = tmp_path / "elsewhere" / "a"
    other.parent.mkdir()
    fetch_run(there, other)
    part = "a/steps/part-000000000049-000000000099.parquet"
    there.write(part, there.read("a/steps/part-000000000000-000000000049.parquet"))
    with lrwatch.open_run(dir=other.parent, name="a", resume=True, alerts=False) as gone_on:
        record(gone_on, 2)
        second = RunUpload(other, there)
        second.send()
    second.send()
    assert keys(there) == ["a/run.json", "a/steps/part-000000000000-000000000051.parquet"]


def test_a_run_that_somebody_removed_is_not_made_again(there: Storage, run: lrwatch.Run) -> None:
    upload = RunUpload(run.path, there)
    record(run, 5)
    upload.send()
    there.remove(keys(there))
    record(run, 5)
    with pytest.raises(RunBusy, match="was removed"):
        upload.send()
    assert keys(there) == []


def test_two_processes_do_not_send_one_run(there: Storage, run: lrwatch.Run) -> None:
    first, second = (RunUpload(run.path, there) for _ in range(2))
    record(run, 5)
    first.send()
    with pytest.raises(RunBusy, match="sends its rows"):
        second.send()
    assert not second.is_settled
    first.close()
    second.send()


def test_a_damaged_record_leaves_a_gap_there_too(there: Storage, run: lrwatch.Run) -> None:
    record(run, 40)
    journal = next(run.path.glob("journal-*.bin"))
    content = bytearray(journal.read_bytes())
    content[-20 * 72 - 5] ^= 1
    journal.write_bytes(content)
    upload = RunUpload(run.path, there)
    upload.send()
    run.finish()
    upload.send()
    assert len(keys(there, "a/steps/")) == 2
    assert len(arrived(there)) == 39
    assert arrived(there).equals(lrwatch.read(run.path))


def test_a_folder_that_forgot_goes_on(there: Storage, run: lrwatch.Run) -> None:
    record(run, 20)
    first = RunUpload(run.path, there)
    first.send()
    first.close()
    (run.path / ".upload.json").unlink()
    record(run, 20)
    run.finish()
    RunUpload(run.path, there).send()
    assert keys(there) == ["a/run.json", "a/steps/part-000000000000-000000000040.parquet"]
    assert arrived(there).equals(lrwatch.read(run.path))


def test_a_part_of_the_same_rows_by_an_earlier_writer_is_written_over(
    there: Storage, run: lrwatch.Run
) -> None:
    upload = RunUpload(run.path, there)
    record(run, 2)
    upload.send()
    there.write("a/steps/part-000000000001-000000000009.parquet", b"rows of one that lost")
    record(run, 8)
    upload.send()
    assert upload.sent == 9
    assert arrived(there).equals(lrwatch.read(run.path).head(9))


@pytest.mark.slow
def test_after_an_outage_many_rows_go_up_by_few_requests(there: Storage, run: lrwatch.Run) -> None:
    counting = FailingStorage(there)
    upload = RunUpload(run.path, counting)
    record(run, 100_000)
    upload.send()
    assert upload.sent == 99_999
    assert counting.calls["write"] == 3  # run.json and two parts


def test_a_process_that_begins_anew_does_not_take_a_run_back(
    there: Storage, run: lrwatch.Run, tmp_path: Path
) -> None:
    upload = RunUpload(run.path, there)
    record(run, 5)
    upload.send()
    upload.close()
    other = tmp_path / "elsewhere" / "a"
    other.parent.mkdir()
    fetch_run(there, other)
    claimed = there.read("a/run.json")
    record(run, 5)
    anew = RunUpload(run.path, there)
    with pytest.raises(RunBusy, match="is written by another process"):
        anew.send()
    assert anew.is_settled
    assert there.read("a/run.json") == claimed
