from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from message_samples import a_message
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

from lrwatch.delivery import Message, Receiver, ReceiverHealth, Sender, receiver_for
from lrwatch.delivery.outbox import Outbox, Progress, QueuedMessage
from lrwatch.delivery.receiver_queue import Backoff
from lrwatch.delivery.webhook import Webhook
from lrwatch.errors import InvalidArgument

AT_ONCE = Backoff(burst=(0.0, 0.0, 0.0), slow=0.01, slowest=0.01, longest_asked=0.01)
PATIENCE = 60.0
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@contextmanager
def sending(
    folder: Path, *receivers: Receiver, backoff: Backoff = AT_ONCE, **options: Any
) -> Iterator[Sender]:
    sender = Sender(receivers, folder / "outbox", backoff=backoff, **options)
    try:
        yield sender
    finally:
        sender.close()


def webhook(http: HttpReceiver, name: str = "here", timeout: float = 5.0) -> Receiver:
    return Receiver(name, Webhook(http.url, timeout=timeout))


def health_of(sender: Sender, name: str = "here") -> ReceiverHealth:
    return {health.name: health for health in sender.health()}[name]


def files(folder: Path) -> str:
    return "".join(path.read_text() for path in sorted(folder.rglob("*")) if path.is_file())


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Recorder:
    """A channel that keeps what it is given, once the gate is open."""

    kind = "recorder"
    timeout = PATIENCE
    gap = 0.0

    def __init__(self, *, is_open: bool = True) -> None:
        self.sent: list[Message] = []
        self.begun = threading.Event()
        self.gate = threading.Event()
        if is_open:
            self.gate.set()

    def send(self, message: Message) -> None:
        self.begun.set()
        self.gate.wait(PATIENCE)
        self.sent.append(message)


def test_everybody_is_told_once(tmp_path: Path) -> None:
    with HttpReceiver() as one, HttpReceiver() as two:
        with sending(tmp_path, webhook(one, "one"), webhook(two, "two")) as sender:
            sender.submit(a_message())
            assert sender.drain(PATIENCE)
        assert one.ids == two.ids == [a_message().id]


def test_what_happened_is_told_once(tmp_path: Path) -> None:
    with sending(tmp_path, Receiver("here", Recorder())) as sender:
        sender.submit(a_message())
        sender.drain(PATIENCE)
        (delivery,) = sender.poll()
        assert (delivery.event, delivery.message, delivery.receiver, delivery.tries) == (
            "sent",
            a_message().id,
            "here",
            0,
        )
        assert sender.poll() == []


def test_a_message_that_is_known_is_not_sent_again(tmp_path: Path) -> None:
    channel = Recorder()
    for _ in range(2):
        with sending(tmp_path, Receiver("here", channel)) as sender:
            for _ in range(2):
                sender.submit(a_message())
                assert sender.drain(PATIENCE)
    assert len(channel.sent) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        [answer(500)],
        [answer(503, retry_after="1"), answer(502)],
        [answer(429, retry_after="9999")],
        [garbage, answer(500), garbage, answer(408), garbage],
        [silence],
        [dribble],
    ],
    ids=["500", "503", "429", "garbage", "silence", "dribble"],
)
def test_a_receiver_in_trouble_is_told_in_the_end(trouble: list[Answer], tmp_path: Path) -> None:
    with HttpReceiver(*trouble, answer(200)) as http:
        with sending(tmp_path, webhook(http, timeout=0.2)) as sender:
            sender.submit(a_message())
            until(lambda: health_of(sender).last_failure_at)
            http.closing.set()  # lets go of an attempt that hangs
            assert sender.drain(PATIENCE)
            (delivery,) = sender.poll()
            health = health_of(sender)
        assert set(http.ids) == {a_message().id}
    assert (delivery.event, delivery.tries >= len(trouble)) == ("sent", True)
    assert (health.sent, health.failed, health.problem) == (1, 0, "")
    assert health.last_failure_at is not None
    assert health.last_success_at is not None


def test_a_receiver_that_was_down_is_told_when_it_is_back(tmp_path: Path) -> None:
    port = free_port()
    receiver = receiver_for(f"http://127.0.0.1:{port}/hook")
    with sending(tmp_path, receiver) as sender:
        for i in range(5):
            sender.submit(a_message(i))
        until(lambda: sender.health()[0].problem)
        (health,) = sender.health()
        assert health.problem == "cannot be reached: Connection refused"
        assert health.queued == 5
        with HttpReceiver(port=port) as http:
            assert sender.drain(PATIENCE)
            assert sorted(http.ids) == [a_message(i).id for i in range(5)]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_receiver_that_says_no_is_not_asked_again(status: int, tmp_path: Path) -> None:
    with HttpReceiver(answer(status)) as http, sending(tmp_path, webhook(http)) as sender:
        sender.submit(a_message())
        assert sender.drain(PATIENCE)
        (delivery,) = sender.poll()
        assert len(http.posts) == 1
        assert delivery.event == "failed"
        assert f"answered {status}" in delivery.problem
        assert health_of(sender).failed == 1
        assert f"answered {status}" in health_of(sender).problem


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with HttpReceiver() as elsewhere, HttpReceiver(redirect(elsewhere.url)) as http:
        with sending(tmp_path, webhook(http)) as sender:
            sender.submit(a_message())
            assert sender.drain(PATIENCE)
            assert [delivery.event for delivery in sender.poll()] == ["failed"]
        assert not elsewhere.posts


def test_a_slow_receiver_holds_up_nobody_else(tmp_path: Path) -> None:
    slow, quick = Recorder(is_open=False), Recorder()
    with sending(tmp_path, Receiver("slow", slow), Receiver("quick", quick)) as sender:
        for i in range(3):
            sender.submit(a_message(i))
        slow.begun.wait(PATIENCE)
        until(lambda: health_of(sender, "quick").sent == 3)
        assert health_of(sender, "slow").queued == 3
        slow.gate.set()
        assert sender.drain(PATIENCE)
    assert slow.sent == quick.sent == [a_message(i) for i in range(3)]


def test_waiting_ends_early_where_nothing_is_due_in_time(tmp_path: Path) -> None:
    hours = Backoff(burst=(), slow=1e6, slowest=1e6)
    with (
        HttpReceiver(answer(500)) as http,
        sending(tmp_path, webhook(http), backoff=hours) as sender,
    ):
        sender.submit(a_message())
        assert not sender.drain(3600.0)  # the test would not end otherwise
        assert health_of(sender).queued == 1


def test_a_full_queue_says_how_many_it_lost(tmp_path: Path) -> None:
    channel = Recorder(is_open=False)
    with sending(tmp_path, Receiver("here", channel), capacity=3) as sender:
        sender.submit(a_message(0))
        channel.begun.wait(PATIENCE)
        for i in range(1, 6):
            sender.submit(a_message(i, severity="info" if i < 3 else "page"))
        dropped = [d.message for d in sender.poll() if d.event == "dropped"]
        assert dropped == [a_message(i).id for i in (1, 2, 3)]
        assert health_of(sender).dropped == 3
        channel.gate.set()
        assert sender.drain(PATIENCE)
    assert [message.id for message in channel.sent] == [a_message(i).id for i in (0, 4, 5)]


def test_messages_left_behind_are_sent_by_the_next_process(tmp_path: Path) -> None:
    hours = Backoff(burst=(3600.0,))
    with (
        HttpReceiver(answer(500)) as http,
        sending(tmp_path, webhook(http), backoff=hours) as sender,
    ):
        sender.submit(a_message())
        until(lambda: health_of(sender).problem)
    with HttpReceiver() as http:
        with sending(tmp_path, webhook(http)) as sender:
            assert sender.drain(PATIENCE)
            assert [d.tries for d in sender.poll()] == [1]
        assert http.ids == [a_message().id]


def test_only_those_who_were_not_told_are_told_after_a_restart(tmp_path: Path) -> None:
    told, untold = Recorder(), Recorder(is_open=False)
    with sending(tmp_path, Receiver("told", told), Receiver("untold", untold)) as sender:
        sender.submit(a_message())
        until(lambda: health_of(sender, "told").sent)
        kept = files(tmp_path / "outbox")
        untold.gate.set()
    assert '"sent"' in kept
    (tmp_path / "outbox").rename(tmp_path / "before")
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / f"{a_message().id}.json").write_text(kept)
    again = Recorder(), Recorder()
    with sending(tmp_path, Receiver("told", again[0]), Receiver("untold", again[1])) as sender:
        assert sender.drain(PATIENCE)
    assert (again[0].sent, again[1].sent) == ([], [a_message()])


def test_a_receiver_that_was_taken_away_holds_nothing_up(tmp_path: Path) -> None:
    gone = Recorder(is_open=False)
    with sending(tmp_path, Receiver("gone", gone)) as sender:
        sender.submit(a_message())
        gone.begun.wait(PATIENCE)
        with sending(tmp_path, Receiver("here", Recorder())) as other:
            assert other.drain(PATIENCE)
        gone.gate.set()


def leave_behind(folder: Path, receiver: str, days: float) -> None:
    """Write a message down as if so many days ago, for a receiver that did not take it."""
    queued = QueuedMessage(a_message(), {receiver: Progress()}, time.time() - days * 86400)
    Outbox(folder / "outbox").write(queued)


def test_a_message_that_nobody_took_for_a_day_is_given_up_and_said(tmp_path: Path) -> None:
    leave_behind(tmp_path, "here", days=2)
    with HttpReceiver(answer(500)) as http, sending(tmp_path, webhook(http)) as sender:
        assert sender.drain(PATIENCE)
        (delivery,) = sender.poll()
        assert (delivery.event, delivery.tries) == ("failed", 4)
        assert health_of(sender).failed == 1
        sender.submit(a_message())
        assert sender.drain(0.0)


@pytest.mark.parametrize(("days", "n_kept"), [(0.5, 1), (2.0, 0)])
def test_a_message_for_a_receiver_that_is_gone_is_kept_for_a_day(
    days: float, n_kept: int, tmp_path: Path
) -> None:
    leave_behind(tmp_path, "gone", days)
    with sending(tmp_path, Receiver("here", Recorder())):
        pass
    assert len(Outbox(tmp_path / "outbox").queued()) == n_kept


KILLED = """
    import sys, threading
    from pathlib import Path
    sys.path[:0] = sys.argv[3:]
    from message_samples import a_message
    from lrwatch.delivery import Sender, receiver_for
    sender = Sender([receiver_for(sys.argv[1], name="here")], Path(sys.argv[2]))
    sender.submit(a_message())
    threading.Event().wait()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that cannot be caught")
def test_a_process_killed_before_it_knows_sends_again_under_the_same_id(tmp_path: Path) -> None:
    def kill(handler: Any) -> None:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        answer(200)(handler)

    with HttpReceiver(kill, answer(200)) as http:
        arguments = [http.url, str(tmp_path / "outbox"), *sys.path]
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(KILLED), *arguments])
        http.wait_for(1)
        process.wait(PATIENCE)
        with sending(tmp_path, webhook(http)) as sender:
            sender.submit(a_message())  # as the watcher does that finds it untold
            assert sender.drain(PATIENCE)
        assert http.ids == [a_message().id] * 2
        assert http.posts[0].body == http.posts[1].body


def test_a_full_disk_does_not_keep_a_message_from_being_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    channel = Recorder()

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with sending(tmp_path, Receiver("here", channel)) as sender:
        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", full)
            for i in range(3):
                sender.submit(a_message(i))
            assert sender.drain(PATIENCE)
            assert sender.problem == "messages cannot be saved: No space left on device"
            sender.submit(a_message(0))
            assert sender.drain(PATIENCE)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        sender.submit(a_message(3))
        assert sender.drain(PATIENCE)
        assert sender.problem == ""
    assert [message.id for message in channel.sent] == [a_message(i).id for i in range(4)]


def test_counts_go_on_from_those_of_an_earlier_process(tmp_path: Path) -> None:
    earlier = ReceiverHealth("here", "webhook", sent=5, failed=2, queued=9, problem="answered 500")
    with sending(tmp_path, Receiver("here", Recorder()), health=[earlier]) as sender:
        assert (health_of(sender).failed, health_of(sender).queued) == (2, 0)
        sender.submit(a_message())
        sender.drain(PATIENCE)
        assert (health_of(sender).sent, health_of(sender).problem) == (6, "")


def test_messages_are_counted_on_from_the_outbox_and_from_what_the_caller_remembers(
    tmp_path: Path,
) -> None:
    for after, first in ((0, 1), (0, 3), (100, 101)):
        with sending(tmp_path, Receiver("here", Recorder()), after=after) as sender:
            for i in (first, first + 1):
                sender.submit(a_message(i))
            assert sender.drain(PATIENCE)
            assert sender.last_number == first + 1
            assert sender.since(first) == [a_message(first + 1)]
    with sending(tmp_path) as sender:
        assert sender.since(0) == [a_message(i) for i in (1, 2, 3, 4, 101, 102)]


def test_two_receivers_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="two receivers are called here"):
        Sender([Receiver("here", Recorder()), Receiver("here", Recorder())], tmp_path)


def test_without_receivers_a_message_waits_for_one(tmp_path: Path) -> None:
    with sending(tmp_path) as sender:
        sender.submit(a_message())
        assert sender.drain(0.0)
    channel = Recorder()
    with sending(tmp_path, Receiver("here", channel)) as sender:
        assert sender.drain(PATIENCE)
    assert channel.sent == [a_message()]


def test_a_sender_that_is_replaced_lets_attempts_end_that_the_next_would_make_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.delivery.sender.TIMEOUT", 0.0)  # the moment of others
    channel = Recorder(is_open=False)
    receiver = Receiver("here", channel)
    sender = Sender([receiver], tmp_path / "outbox")
    sender.submit(a_message())
    channel.begun.wait(PATIENCE)
    threading.Timer(0.1, channel.gate.set).start()
    sender.close(is_replaced=True)
    with sending(tmp_path, receiver) as later:
        assert later.drain(PATIENCE)
    assert channel.sent == [a_message()]


def test_trouble_is_logged_once_and_so_is_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with HttpReceiver(*[answer(500)] * 4, answer(200)) as http:
        receiver = webhook(http)
        with sending(tmp_path, receiver) as sender:
            sender.submit(a_message())
            assert sender.drain(PATIENCE)
    assert [record.getMessage() for record in caplog.records] == [
        "alerts do not reach here: it answered 500 (Internal Server Error)",
        "alerts reach here again",
    ]


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailReceiver]:
    pytest.importorskip("apprise", reason="needs the extra `notify`")
    monkeypatch.setattr("apprise.plugins.email.NotifyEmail.request_rate_per_sec", 0)
    with MailReceiver().serving() as receiver:
        yield receiver


@pytest.mark.slow
def test_no_secret_is_in_a_log_an_error_a_file_or_the_health(
    mail: MailReceiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    mail.replies = ["451 come back later", "250 OK"]
    secrets = [mail.password, "t0ken", "pa55", WEBHOOK_SECRET, WEBHOOK_SECRET[6:]]
    with HttpReceiver(answer(500, b"t0ken"), answer(401, b"t0ken"), answer(200)) as http:
        url = http.url.replace("://", "://ann:pa55@") + "/t0ken?key=t0ken"
        receivers = (
            receiver_for(url, secrets=[WEBHOOK_SECRET]),
            receiver_for(f"http://127.0.0.1:{free_port()}/t0ken"),
            receiver_for(mail.address()),
        )
        seen: Sequence[object] = receivers
        with sending(tmp_path, *receivers) as sender:
            for i in range(2):
                sender.submit(a_message(i))
            http.wait_for(3)
            mail.wait_for(3)
            seen = [*seen, sender.poll(), sender.health(), sender.problem]
    said = caplog.text + files(tmp_path) + repr(seen)
    assert "answered 401" in said
    assert not [secret for secret in secrets if secret in said]
