"""`lrwatch alert` and receivers in every kind of trouble: real processes, HTTP and SMTP."""

from __future__ import annotations

import base64
import hmac
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alert_samples import diverge
from disks import fill
from processes import ran, started
from receivers import (
    Answer,
    HttpReceiver,
    MailReceiver,
    answer,
    dribble,
    free_port,
    garbage,
    redirect,
    silence,
)

pytestmark = pytest.mark.e2e

PATIENCE = 60.0
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOCAL = "127.0.0.1"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Hold one run, which diverges."""
    folder = tmp_path / "runs"
    diverge(folder)
    return folder


@contextmanager
def watching(
    store: Path, *addresses: str, options: Sequence[str] = ()
) -> Iterator[subprocess.Popen[str]]:
    whom = [option for address in addresses for option in ("--to", address)]
    with started("alert", store, *whom, *options, no_proxy=LOCAL) as process:
        yield process


def once(store: Path, *options: str, hook: str = "") -> subprocess.CompletedProcess[str]:
    return ran("alert", store, "--once", *options, no_proxy=LOCAL, HOOK=hook, HOOK_SECRET=SECRET)


def ended(process: subprocess.Popen[str]) -> int:
    process.terminate()
    return process.wait(PATIENCE)


def written(store: Path) -> str:
    folder = store / ".lrwatch-alerts"
    return "".join(path.read_text() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize(
    "trouble",
    [[answer(500), garbage], [answer(429, retry_after="1")], [silence]],
    ids=["500 and garbage", "429", "silence"],
)
def test_a_receiver_in_trouble_is_told_once_it_is_well(trouble: list[Answer], store: Path) -> None:
    with HttpReceiver(*trouble, answer(200)) as http:
        with watching(store, http.url) as process:
            http.wait_for(len(trouble) + 1)
            assert ended(process) == 0
        assert len(set(http.ids)) == 1
    assert '"event": "sent"' in written(store)


def test_a_receiver_that_is_down_is_told_when_it_is_back(store: Path) -> None:
    port = free_port()
    with watching(store, f"http://127.0.0.1:{port}/hook") as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any("cannot be reached: Connection refused" in line for line in lines)
        with HttpReceiver(port=port) as http:
            http.wait_for(1)
            assert ended(process) == 0


def test_a_receiver_that_dribbles_holds_up_nobody_else(store: Path) -> None:
    with (
        HttpReceiver(dribble) as slow,
        HttpReceiver() as quick,
        watching(store, slow.url, quick.url) as process,
    ):
        slow.wait_for(1)
        quick.wait_for(1)
        assert ended(process) == 0


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (answer(401), "answered 401 (Unauthorized)"),
        (answer(410), "answered 410 (Gone)"),
        (redirect("http://127.0.0.1:9/"), "answered 307, a redirect, which is not followed"),
    ],
    ids=["401", "410", "redirect"],
)
def test_a_receiver_that_will_never_listen_is_said_and_let_be(
    reply: Answer, problem: str, store: Path
) -> None:
    with HttpReceiver(reply) as http:
        told = once(store, "--to", http.url)
        assert (told.returncode, len(http.posts)) == (1, 1)
        assert problem in told.stderr
    assert problem in written(store)


def test_a_watcher_killed_while_it_tells_somebody_tells_them_again_under_the_same_id(
    store: Path,
) -> None:
    def kill(handler: Any) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        answer(200)(handler)

    with HttpReceiver(kill, answer(200)) as http:
        with watching(store, http.url) as process:
            http.wait_for(1)
            process.wait(PATIENCE)
        assert once(store, "--to", http.url).returncode == 0
        assert once(store, "--to", http.url).returncode == 0
        first, second = http.posts
        assert (first.id, first.body) == (second.id, second.body)


def test_a_message_that_could_not_be_told_is_told_by_the_next_watcher(store: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}/hook"
    with watching(store, address) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any("cannot be reached" in line for line in lines)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)
    with HttpReceiver(port=port) as http:
        assert once(store, "--to", address).returncode == 0
        assert once(store, "--to", address).returncode == 0
        assert len(http.posts) == 1


def test_a_full_disk_keeps_nobody_from_being_told(
    store: Path, small_disk: Path, tmp_path: Path
) -> None:
    (store / "bad").rename(tmp_path / "later")
    ballast = small_disk / "ballast"
    with HttpReceiver() as http:
        with watching(store, http.url, options=("--state", str(small_disk))) as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("watching")
            fill(ballast, 4096)
            (tmp_path / "later").rename(store / "bad")
            http.wait_for(1)
            assert any("cannot be saved" in line for line in iter(process.stderr.readline, ""))
            ballast.unlink()
            assert ended(process) == 0
        assert once(store, "--to", http.url, "--state", str(small_disk)).returncode == 0
        assert len(http.posts) == 1


def test_a_message_is_sent_by_mail(store: Path) -> None:
    pytest.importorskip("apprise", reason="needs the extra `notify`")
    with MailReceiver().serving() as mail:
        told = once(store, "--to", mail.address())
        assert told.returncode == 0, told.stderr
        assert mail.subjects == ["bad is diverging"]
        assert mail.password not in told.stdout + told.stderr + written(store)


def test_what_is_secret_is_neither_printed_nor_written(store: Path, tmp_path: Path) -> None:
    config = tmp_path / "lrwatch.toml"
    config.write_text("[receivers.hook]\nurl_env = 'HOOK'\nsecret_env = 'HOOK_SECRET'\n")
    with HttpReceiver(answer(500), answer(200)) as http:
        address = http.url.replace("://", "://ann:pa55word@") + "/t0ken?key=t0ken"
        options = ("--config", str(config), "--to", f"http://127.0.0.1:{free_port()}/t0ken")
        told = once(store, *options, hook=address)
        signed = http.wait_for(2)[1]
    said = told.stdout + told.stderr + written(store)
    assert "Connection refused" in said
    assert not [secret for secret in ("t0ken", "pa55word", SECRET, SECRET[6:]) if secret in said]
    content = f"{signed.id}.{signed.headers['webhook-timestamp']}.".encode() + signed.body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, content, "sha256").digest()).decode()
    assert signed.headers["webhook-signature"] == f"v1,{expected}"


def test_a_test_tells_everybody_and_says_whom_it_did_not_reach(tmp_path: Path) -> None:
    with HttpReceiver() as well, HttpReceiver(answer(404)) as ill:
        told = ran("alert", "test", "--to", ill.url, "--to", well.url, cwd=tmp_path, no_proxy=LOCAL)
    assert told.returncode == 1
    assert well.posts[0].json["type"] == "lrwatch.alert.test"
    assert [line.partition(" #")[2][5:] for line in told.stdout.splitlines()] == [
        "answered 404 (Not Found)",
        "received it",
    ]
