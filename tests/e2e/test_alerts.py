"""``lrwatch alert`` as a process beside runs that are written, with real receivers."""

from __future__ import annotations

import math
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from alert_samples import diverge, go_on
from processes import ran, started
from receivers import HttpReceiver, MailReceiver, answer, free_port
from stores import new_writer

from lrwatch.alerts.watcher_state import read_state

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 60.0
AT_ONCE = "[timing]\ngroup_wait = 0\ngroup_interval = 0\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "lrwatch.toml"
    path.write_text(AT_ONCE)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def titles(receiver: HttpReceiver) -> list[str]:
    return [post.json["data"]["title"] for post in receiver.posts]


def ended(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out, err


def test_a_run_that_diverges_is_told_while_it_is_written(store: Path) -> None:
    writer = new_writer(store, "bad")
    go_on(writer, 0, 40)
    with HttpReceiver() as receiver, started("alert", store, "--to", receiver.url) as process:
        go_on(writer, 40, 20, loss=math.nan)
        (post,) = receiver.wait_for(1)
        assert post.json["data"]["title"] == "bad is diverging"
        status, out, err = ended(process, signal.SIGTERM)
        assert ran("alert", store, "--to", receiver.url, "--once").returncode == 0
        assert receiver.ids == [post.id]  # and no second one, however often it is looked at
    assert (status, out) == (0, "firing: bad is diverging\n")
    assert err == f"watching {store} and alerting 1 receiver; press Ctrl-C to stop\n"


def test_ctrl_c_ends_it_without_a_word(store: Path) -> None:
    with started("alert", store, "--to", "log:") as process:
        assert process.stderr is not None
        process.stderr.readline()
        assert ended(process, signal.SIGINT) == (0, "", "")


def test_killed_at_any_moment_it_loses_none_and_doubles_none(store: Path, config: Path) -> None:
    """A receiver that honours the id sees every alert in exactly one message."""
    moments = random.Random(0)
    with HttpReceiver() as receiver:
        for i in range(12):
            diverge(store, f"bad{i}")
            with started("alert", store, "--to", receiver.url, "--config", config) as process:
                time.sleep(0.6 + 1.2 * moments.random())
                process.kill()
                process.wait(PATIENCE_SECONDS)
        last = ran("alert", store, "--to", receiver.url, "--once")
        assert last.returncode == 0, last.stderr
        told: dict[str, set[str]] = {}
        for post in receiver.posts:
            names = {alert["run"] for alert in post.json["data"]["alerts"]}
            assert told.setdefault(post.id, names) == names
    everybody = [name for names in told.values() for name in names]
    assert sorted(everybody) == sorted(f"bad{i}" for i in range(12))


def test_a_receiver_that_was_down_is_told_when_it_is_up(store: Path) -> None:
    diverge(store)
    port = free_port()
    url = f"http://127.0.0.1:{port}/hook"
    down = ran("alert", store, "--to", url, "--once")
    assert down.returncode == 1
    assert "lrwatch: not delivered: http://127.0.0.1" in down.stderr
    with HttpReceiver(port=port) as receiver:
        up = ran("alert", store, "--to", url, "--once")
        assert up.returncode == 0, up.stderr
        assert titles(receiver) == ["bad is diverging"]


def test_a_receiver_that_is_busy_is_told_later_under_the_same_id(store: Path) -> None:
    diverge(store)
    with HttpReceiver(answer(500), answer(429, retry_after="1"), answer(200)) as receiver:
        once = ran("alert", store, "--to", receiver.url, "--once")
        assert once.returncode == 0, once.stderr
        assert len(receiver.ids) == 3
        assert len(set(receiver.ids)) == 1


def test_a_mail_says_which_run_and_what(store: Path) -> None:
    pytest.importorskip("apprise", reason="apprise is not installed: pip install apprise")
    diverge(store)
    with MailReceiver().serving() as receiver:
        once = ran("alert", store, "--to", receiver.address(), "--once")
        assert once.returncode == 0, once.stderr
        receiver.wait_for(1)
        assert "bad is diverging" in receiver.subjects[0]


def test_a_second_watcher_of_a_store_says_that_there_is_one(store: Path) -> None:
    with started("alert", store, "--to", "log:") as process:
        assert process.stderr is not None
        process.stderr.readline()
        second = ran("alert", store, "--to", "log:", "--once")
        assert second.returncode == 2
        assert "one watcher is enough" in second.stderr
        ended(process, signal.SIGTERM)


def test_no_secret_of_an_address_is_written_anywhere(store: Path) -> None:
    diverge(store)
    url = f"http://user:pa55w0rd@127.0.0.1:{free_port()}/t0ken?key=k3y"
    once = ran("alert", store, "--to", url, "--once")
    written = "".join(
        path.read_text() for path in (store / ".lrwatch-alerts").rglob("*") if path.is_file()
    )
    state = read_state(store)
    assert state is not None
    assert state.receivers[0].problem
    assert not [s for s in ("pa55w0rd", "t0ken", "k3y") if s in once.stdout + once.stderr + written]
