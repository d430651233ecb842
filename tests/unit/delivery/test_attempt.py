from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from message_samples import a_message
from receivers import HttpReceiver, dribble

from lrwatch.delivery import Attempts, DeliveryFailed, Message
from lrwatch.delivery.webhook import Webhook


class Stuck:
    """Hangs until it is let go, however often it is asked to send."""

    kind = "stuck"
    timeout = 0.05
    gap = 0.0

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.n_begun = 0

    def send(self, message: Message) -> None:
        self.n_begun += 1
        self.let_go.wait(60)


class Broken:
    kind = "broken"
    timeout = 5.0
    gap = 0.0

    def send(self, message: Message) -> None:
        raise RuntimeError("https://example.com/secret")


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    channel = Stuck()
    yield channel
    channel.let_go.set()


def test_an_attempt_ends_when_its_time_is_up(stuck: Stuck) -> None:
    with pytest.raises(DeliveryFailed, match="gave no answer within 50 ms") as caught:
        Attempts(stuck).make(a_message())
    assert not caught.value.is_permanent


def test_no_second_attempt_is_made_beside_one_that_hangs(stuck: Stuck) -> None:
    attempts = Attempts(stuck)
    for _ in range(3):
        with pytest.raises(DeliveryFailed, match="gave no answer"):
            attempts.make(a_message())
    assert stuck.n_begun == 1


def test_an_attempt_that_succeeds_late_is_not_made_again(stuck: Stuck) -> None:
    attempts = Attempts(stuck)
    with pytest.raises(DeliveryFailed, match="gave no answer"):
        attempts.make(a_message())
    stuck.let_go.set()
    stuck.timeout = 60.0
    attempts.make(a_message())
    assert stuck.n_begun == 1


def test_a_late_success_counts_though_another_message_came_between(stuck: Stuck) -> None:
    attempts = Attempts(stuck)
    with pytest.raises(DeliveryFailed, match="gave no answer"):
        attempts.make(a_message(1))
    stuck.let_go.set()
    stuck.timeout = 60.0
    attempts.make(a_message(2))
    attempts.make(a_message(1))
    assert stuck.n_begun == 2


def test_another_message_is_sent_after_one_that_hung(stuck: Stuck) -> None:
    attempts = Attempts(stuck)
    with pytest.raises(DeliveryFailed, match="gave no answer"):
        attempts.make(a_message(1))
    stuck.let_go.set()
    stuck.timeout = 60.0
    attempts.make(a_message(2))
    assert stuck.n_begun == 2


def test_a_receiver_that_sends_a_byte_now_and_then_is_cut_off() -> None:
    with HttpReceiver(dribble) as http, pytest.raises(DeliveryFailed, match="gave no answer"):
        Attempts(Webhook(http.url, timeout=0.3)).make(a_message())


def test_the_text_of_an_unknown_error_is_not_repeated() -> None:
    with pytest.raises(DeliveryFailed) as caught:
        Attempts(Broken()).make(a_message())
    assert caught.value.problem == "failed with RuntimeError"
