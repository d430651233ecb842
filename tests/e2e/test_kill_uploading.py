"""A training killed at any moment while it uploads: every row it recorded arrives, each once.

LRWATCH_KILLS says how often; 20 by default.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from object_servers import BUCKET, moto_server, settings
from processes import ran

import lrwatch
from lrwatch.storage import Storage, open_storage

KILLS = int(os.environ.get("LRWATCH_KILLS", "20"))
KILLS_A_RUN = 5

# It forks a training for each name that it reads, so that a kill costs no import.
NURSERY = textwrap.dedent(
    """
    import os, signal, sys
    import lrwatch
    from lrwatch.uploading import courier, tiers

    courier._LOOK_SECONDS = 0.005
    tiers._TIERS = (256, 2048)

    def training(name):
        acknowledged = os.open(f"{sys.argv[2]}/{name}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        run = lrwatch.open_run(dir=sys.argv[1], name=name, resume="auto", alerts=False)
        print("goes", flush=True)
        while True:
            step = run.next_step
            run.record(loss=1.0 / (step + 1))
            os.write(acknowledged, b"%d " % step)

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            training(line.strip())
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)
    """
)


@contextmanager
def nursery(address: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY, address, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "LRWATCH_UPLOAD_EVERY": "0"},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def train_and_kill(process: subprocess.Popen[str], name: str, seconds: float) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{name}\n")
    process.stdin.flush()
    lines = {process.stdout.readline().strip(), process.stdout.readline().strip()}
    assert "goes" in lines, lines
    (child,) = lines - {"goes"}
    time.sleep(seconds)  # of no account: any moment will do
    os.kill(int(child), signal.SIGKILL)
    assert process.stdout.readline() == "gone\n"


@pytest.fixture(params=["folder", "moto"])
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Storage]:
    monkeypatch.setenv("LRWATCH_SPOOL", str(tmp_path / "spool"))
    with ExitStack() as stack:
        if request.param == "folder":
            yield open_storage((tmp_path / "there").as_uri())
        else:
            for key, value in settings(stack.enter_context(moto_server())).items():
                monkeypatch.setenv(key, value)
            yield open_storage(f"s3://{BUCKET}/runs")


def brought(storage: Storage, folder: Path) -> None:
    for stored in storage.list():
        path = folder / stored.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(storage.read(stored.key))


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_kills_lose_and_double_nothing(storage: Storage, tmp_path: Path) -> None:
    dice = random.Random(f"{storage.address} {KILLS}")
    said = tmp_path / "acknowledged"
    said.mkdir()
    with nursery(storage.address, said) as process:
        for i in range(KILLS):
            train_and_kill(process, f"run-{i // KILLS_A_RUN}", 0.4 * dice.random() ** 2)
    seen_before = sum(stored.size for stored in storage.list())
    assert seen_before > 0
    ended = ran("push", LRWATCH_SPOOL=str(tmp_path / "spool"))
    assert (ended.returncode, ended.stderr) == (0, "")
    brought(storage, tmp_path / "brought")
    for i in range(-(-KILLS // KILLS_A_RUN)):
        steps = [int(step) for step in (said / f"run-{i}").read_text().split()]
        frame = lrwatch.read(tmp_path / "brought" / f"run-{i}", raw=True)
        assert frame["step"].tolist() == list(range(len(frame)))
        assert len(frame) > max(steps)
        assert steps == sorted(set(steps))
        assert frame["loss"].tolist() == [1.0 / (step + 1) for step in range(len(frame))]
        assert len(list((tmp_path / "brought" / f"run-{i}" / "steps").iterdir())) == 1
    assert not [path for path in (tmp_path / "spool").glob("*/*") if not path.name.startswith(".")]
