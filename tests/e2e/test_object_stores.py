"""Recording into real servers that speak S3: credentials that expire, outages, whole programs.

What docs/recording-into-object-stores.md prints.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from object_servers import (
    BUCKET,
    KEY,
    SECRET,
    free_ports,
    moto_server,
    seaweed_server,
    settings,
)
from patience import eventually
from processes import ran

import lrwatch
from lrwatch.storage import Storage, open_storage
from lrwatch.uploading import carrying, courier, stop_all

ADDRESS = f"s3://{BUCKET}/team/runs"
TRAINING = textwrap.dedent(
    """
    import torch

    torch.set_num_threads(1)
    weight = torch.nn.Parameter(torch.ones(4))
    optimizer = torch.optim.SGD([weight], lr=1e-3)
    for step in range(300):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    """
)

pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with seaweed_server(tmp_path_factory.mktemp("weed")) as endpoint:
        yield endpoint


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LRWATCH_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("LRWATCH_UPLOAD_EVERY", "0")
    monkeypatch.setattr(courier, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(courier, "_PAUSES", (0.05, 0.2))
    yield tmp_path / "spool"
    stop_all()
    carrying._couriers.clear()
    carrying._cargo.clear()


def connect(monkeypatch: pytest.MonkeyPatch, endpoint: str, **changes: str) -> None:
    for key, value in {**settings(endpoint), **changes}.items():
        monkeypatch.setenv(key, value)


def steps(storage: Storage, name: str, folder: Path) -> list[int]:
    for stored in storage.list(f"{name}/"):
        path = folder / stored.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(storage.read(stored.key))
    return lrwatch.read(folder / name, raw=True)["step"].tolist()


def test_credentials_that_expired_are_read_anew(
    seaweed: str,
    spool: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    connect(monkeypatch, seaweed, AWS_SECRET_ACCESS_KEY="of yesterday")
    with lrwatch.open_run(dir=ADDRESS, name="expired", alerts=False) as run:
        for i in range(500):
            run.record(loss=1.0)
            if i == 100:
                eventually(lambda: "check the credentials" in caplog.text)
                monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert caplog.text.count("check the credentials") == 1
    assert "of yesterday" not in caplog.text
    assert steps(open_storage(ADDRESS), "expired", tmp_path) == list(range(500))


def test_a_profile_that_is_renewed_is_read_anew(
    seaweed: str,
    spool: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    connect(monkeypatch, seaweed, AWS_PROFILE="lab")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    profile = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    said = f"[lab]\naws_access_key_id = {KEY}\naws_secret_access_key = "
    profile.write_text(f"{said}of yesterday\n")
    with lrwatch.open_run(dir=ADDRESS, name="profile", alerts=False) as run:
        run.record(loss=1.0)
        eventually(lambda: "check the credentials" in caplog.text)
        profile.write_text(f"{said}{SECRET}\n")
    assert steps(open_storage(ADDRESS), "profile", tmp_path) == [0]


@pytest.mark.slow
def test_a_server_that_is_down_for_a_while(
    spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "weed").mkdir()
    ports = free_ports()
    with seaweed_server(tmp_path / "weed", ports) as endpoint:
        connect(monkeypatch, endpoint)
        there = open_storage(ADDRESS)
        run = lrwatch.open_run(dir=ADDRESS, name="outage", alerts=False)
        for _ in range(50):
            run.record(loss=1.0)
        eventually(lambda: len(list(there.list("outage/"))) > 1)
    for _ in range(200):
        run.record(loss=1.0)
    eventually(lambda: "cannot be sent now" in caplog.text)
    with seaweed_server(tmp_path / "weed", ports):
        for _ in range(50):
            run.record(loss=1.0)
        run.finish()
        assert steps(there, "outage", tmp_path) == list(range(300))
        keys = [stored.key for stored in there.list("outage/")]
        assert keys == ["outage/run.json", "outage/steps/part-000000000000-000000000300.parquet"]
    assert caplog.text.count("cannot be sent now") == 1


def test_a_bucket_that_is_not_there_is_said(
    spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with moto_server() as endpoint:
        connect(monkeypatch, endpoint, LRWATCH_UPLOAD_SECONDS="1")
        with lrwatch.open_run(dir="s3://not-there/runs", name="a", alerts=False) as run:
            run.record(loss=1.0)
            eventually(lambda: "there is no such bucket" in caplog.text)
    assert "lrwatch push" in caplog.text


@pytest.mark.slow
def test_a_script_as_it_is_and_what_it_left(seaweed: str, tmp_path: Path) -> None:
    """As on a machine whose spool outlives the job: the first start finds no server."""
    (tmp_path / "train.py").write_text(TRAINING)
    known = settings(seaweed) | {"LRWATCH_SPOOL": str(tmp_path / "spool")}
    nowhere = known | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "LRWATCH_UPLOAD_SECONDS": "1"}
    arguments = ("run", "--dir", ADDRESS, "--name", "script", tmp_path / "train.py")
    ended = ran(*arguments, cwd=tmp_path, **nowhere)
    assert ended.returncode == 0
    assert f"300 steps recorded in {ADDRESS}/script" in ended.stderr
    assert "`lrwatch push` sends it" in ended.stderr
    ended = ran("push", cwd=tmp_path, **known)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "300 new rows" in ended.stdout
    ended = ran(*arguments, cwd=tmp_path, **known)
    assert (ended.returncode, ended.stderr) == (
        0, f"lrwatch: 300 steps recorded in {ADDRESS}/script-2\n",
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        connect(patch, seaweed)
        storage = open_storage(ADDRESS)
        for name in ("script", "script-2"):
            assert steps(storage, name, tmp_path / "brought") == list(range(300))
            assert json.loads(storage.read(f"{name}/run.json"))["status"] == "finished"
    assert not list((tmp_path / "spool").glob("*/script*"))


def test_the_end_of_the_program_waits_for_what_is_under_way(seaweed: str, tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys, lrwatch
        runs = [lrwatch.open_run(dir=sys.argv[1], name=f"end-{i}", alerts=False) for i in range(3)]
        for _ in range(100):
            for run in runs:
                run.record(loss=1.0)
        """
    )
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, ADDRESS],
        check=False, capture_output=True, text=True, timeout=240,
        env={**os.environ, **settings(seaweed), "LRWATCH_SPOOL": str(tmp_path / "spool")},
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    with pytest.MonkeyPatch.context() as patch:
        connect(patch, seaweed)
        for i in range(3):
            assert steps(open_storage(ADDRESS), f"end-{i}", tmp_path) == list(range(100))
