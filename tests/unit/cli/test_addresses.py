"""Every command on a store at an address: what it prints names the address, never the copy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from alert_samples import diverge
from buckets import Bucket
from rich.console import Console
from stores import write_run

from lrwatch.cli import main
from lrwatch.cli.live_list import LiveList, picture
from lrwatch.errors import StorageUnavailable
from lrwatch.store import Catalog
from lrwatch.store.mirroring.places import local_folder, mirror_of

STORE = "s3://bucket/runs"
Said = Callable[..., str]


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    found = Bucket()
    found.use(monkeypatch, tmp_path / "cache")
    diverge(tmp_path / "there", status="finished")
    write_run(tmp_path / "there", "fine", values={"loss": [1 / (1 + i) for i in range(10)]})
    found.upload(tmp_path / "there", "runs")
    return found


@pytest.fixture
def lrwatch(
    bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run a command that must exit so, and return all that it said."""

    def run(*arguments: str, status: int = 0) -> str:
        assert main(list(arguments)) == status
        found = capsys.readouterr()
        said = found.out + found.err
        assert str(tmp_path / "cache") not in said
        return said

    return run


@pytest.mark.slow
def test_lists_and_verdicts(lrwatch: Said) -> None:
    assert "bad" in lrwatch("ls", STORE)
    listed = json.loads(lrwatch("ls", STORE, "--json"))
    assert {run["path"] for run in listed} == {f"{STORE}/bad", f"{STORE}/fine"}
    assert "diverging  bad" in lrwatch("show", f"{STORE}/bad")
    judged = json.loads(lrwatch("check", f"{STORE}/bad", f"{STORE}/fine", "--json", status=1))
    assert [run["path"] for run in judged] == [f"{STORE}/bad", f"{STORE}/fine"]
    assert f"0 running  {STORE}" in lrwatch("top", STORE, "--once")
    assert "Cannot tell yet" in lrwatch("suggest", STORE)
    assert "nobody has changed anything in s3://bucket/runs yet" in lrwatch("log", STORE)
    table = f"{STORE}/.lrwatch-verdicts/verdicts.parquet"
    assert lrwatch("judge", STORE) == f"2 runs: 2 judged, 0 unchanged; {table}\n"
    assert lrwatch("judge", STORE) == f"2 runs: 0 judged, 2 unchanged; {table}\n"


def test_a_run_as_a_file(lrwatch: Said, tmp_path: Path) -> None:
    assert "10 steps written" in lrwatch(
        "export", f"{STORE}/fine", "--to", str(tmp_path / "fine.csv")
    )


@pytest.mark.slow
def test_labels_and_the_trash(lrwatch: Said, bucket: Bucket) -> None:
    fine = f"{STORE}/fine"
    lrwatch("tag", fine, f"{STORE}/bad", "keep")
    assert lrwatch("tag", fine) == f"{fine} keep\n"
    lrwatch("note", fine, "a note")
    assert lrwatch("note", fine) == "a note\n"
    lrwatch("rename", fine, "Better")
    lrwatch("pin", fine)
    lrwatch("archive", fine)
    said = json.loads(bucket.objects.read("runs/fine/labels.json"))
    assert said["tags"] == ["keep"]
    assert (said["name"], said["pinned"], said["archived"]) == ("Better", True, True)
    assert "nobody can answer here; give --yes" in lrwatch("rm", fine, status=2)
    assert f"removed {fine}; lrwatch rm --undo" in lrwatch("rm", fine, "--yes")
    assert "fine" not in lrwatch("ls", STORE, "--filter", "is:all")
    lrwatch("rm", "--undo", fine)
    assert "fine" in lrwatch("ls", STORE, "--filter", "is:all")
    lrwatch("rm", fine, "--yes")
    assert lrwatch("rm", "--purge", "--yes", STORE) == f"{STORE}: 1 run removed for good\n"


def test_alerts(lrwatch: Said) -> None:
    assert "no watcher has run on s3://bucket/runs here" in lrwatch("alert", "list", STORE)
    assert "bad has ended; it was diverging" in lrwatch("alert", STORE, "--to", "log:", "--once")
    assert "sent" in lrwatch("alert", "list", STORE)
    assert "diverging   closed: sent" in lrwatch("alert", "why", f"{STORE}/bad")
    assert "rule diverging" in lrwatch(
        "alert", "silence", STORE, "--rule", "diverging", "--for", "1h", "--reason", "known"
    )
    assert "no alert 'x' in s3://bucket/runs" in lrwatch("alert", "ack", STORE, "x", status=2)


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", f"{STORE}/typo"),
        ("check", f"{STORE}/typo"),
        ("tag", f"{STORE}/typo", "x"),
        ("note", f"{STORE}/typo"),
        ("rm", f"{STORE}/typo", "--yes"),
        ("rm", f"{STORE}/typo", "--undo"),
        ("export", f"{STORE}/typo", "--to", "x.csv"),
        ("alert", "why", f"{STORE}/typo"),
    ],
)
def test_a_run_that_is_not_there(lrwatch: Said, arguments: tuple[str, ...]) -> None:
    assert f"{STORE}/typo" in lrwatch(*arguments, status=2)


def test_a_store_without_runs_and_one_out_of_reach(lrwatch: Said, bucket: Bucket) -> None:
    assert "no runs in s3://bucket/empty yet" in lrwatch("ls", "s3://bucket/empty")
    bucket.is_down = True
    assert lrwatch("ls", STORE, status=2) == "lrwatch: s3://bucket: connection refused\n"


def test_top_goes_on_without_the_store(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = LiveList(local_folder(STORE), alone=True)
    while not runs.look(1.0):
        pass

    def away(catalog: Catalog) -> None:
        raise StorageUnavailable("s3://bucket: connection refused; last seen 33 s ago")

    monkeypatch.setattr(Catalog, "list_runs", away)
    runs.look(1.0)
    assert [run.run for run in runs.runs] == ["bad", "fine"]
    console = Console(width=160)
    with console.capture() as captured:
        console.print(picture(runs, 160, None, is_plain=True))
    assert "connection refused; last seen 33 s ago" in captured.get()


def test_an_outage_is_no_silence_of_the_runs(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watcher that cannot see the store says so, and takes no run for one without rows."""
    from lrwatch.alerts.store_watch import StoreWatch

    write_run(tmp_path / "there", "live", status=None)
    (tmp_path / "there" / "live" / "writer.lock").unlink()
    bucket.upload(tmp_path / "there" / "live", "runs/live")
    passed = [0.0]
    watch = StoreWatch(local_folder(STORE), max_age=1e9, clock=lambda: passed[0], alone=True)
    watch.look()
    bucket.is_down = True
    monkeypatch.setattr("lrwatch.store.mirroring.mirror._PATIENCE_SECONDS", 0.0)
    mirror = mirror_of(local_folder(STORE, look=False))
    assert mirror is not None
    mirror._try_to_refresh()
    passed[0] += 7200
    with pytest.raises(StorageUnavailable, match="last seen"):
        watch.look()
