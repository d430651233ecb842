from __future__ import annotations

import time
from typing import Any

import pytest
from message_samples import a_message

from lrwatch.delivery.channel import DeliveryFailed
from lrwatch.delivery.outbox import Progress, QueuedMessage
from lrwatch.delivery.receiver_queue import Backoff, ReceiverQueue

NAME = "here"
DAY = 86400.0
STEADY = Backoff(random=lambda: 0.5)
FAILED = DeliveryFailed("answered 500")


def a_queue(*, gap: float = 0.0, capacity: int = 1000) -> ReceiverQueue:
    return ReceiverQueue(NAME, gap=gap, backoff=STEADY, capacity=capacity)


def queued_message(number: int = 1, **fields: Any) -> QueuedMessage:
    return QueuedMessage(a_message(number, **fields), {NAME: Progress()})


def taken(queue: ReceiverQueue, now: float) -> QueuedMessage:
    message = queue.take(now)
    assert message is not None
    return message


def fail(queue: ReceiverQueue, n_times: int, failure: DeliveryFailed = FAILED) -> float:
    """Fail so often, each time as soon as it is due; return the time after."""
    now = 0.0
    for _ in range(n_times):
        now += queue.seconds_to_wait(now) or 0.0
        taken(queue, now)
        queue.failed(failure, now)
    return now


def test_messages_go_in_the_order_they_came() -> None:
    queue = a_queue()
    messages = [queued_message(i) for i in range(3)]
    for message in messages:
        queue.add(message, 0.0)
    sent = []
    while len(queue):
        sent.append(taken(queue, 0.0))
        queue.delivered(0.0)
    assert sent == messages


def test_one_attempt_is_made_at_a_time() -> None:
    queue = a_queue()
    queue.add(queued_message(1), 0.0)
    queue.add(queued_message(2), 0.0)
    taken(queue, 0.0)
    assert queue.take(0.0) is None


def test_there_is_a_gap_between_two_messages() -> None:
    queue = a_queue(gap=1.0)
    queue.add(queued_message(1), 0.0)
    queue.add(queued_message(2), 0.0)
    taken(queue, 0.0)
    queue.delivered(0.2)
    assert queue.take(1.1) is None
    assert queue.take(1.2) is not None


def test_after_a_failure_nothing_is_sent_until_it_is_time() -> None:
    queue = a_queue()
    queue.add(queued_message(), 0.0)
    taken(queue, 0.0)
    queue.failed(FAILED, 10.0)
    assert queue.seconds_to_wait(10.0) == 1
    assert queue.take(10.9) is None
    assert queue.take(11.0) is not None


def test_the_time_that_a_receiver_asks_for_is_left_to_it() -> None:
    queue = a_queue()
    queue.add(queued_message(), 0.0)
    fail(queue, 1, DeliveryFailed("answered 429", retry_after=30.0))
    assert queue.seconds_to_wait(0.0) == 30


def test_a_success_forgets_the_failures_before() -> None:
    queue = a_queue()
    for i in range(2):
        queue.add(queued_message(i), 0.0)
    now = fail(queue, 3) + 100.0
    taken(queue, now)
    queue.delivered(now)
    taken(queue, now)
    queue.failed(FAILED, now)
    assert queue.seconds_to_wait(now) == 1


def test_a_message_that_is_refused_for_good_leaves_at_once() -> None:
    queue = a_queue()
    message = queued_message()
    queue.add(message, 0.0)
    taken(queue, 0.0)
    queue.refused(0.0)
    assert len(queue) == 0
    assert message.receivers[NAME].state == "gave_up"


def test_a_message_that_keeps_failing_lets_others_pass() -> None:
    queue = a_queue()
    poison, other = queued_message(1), queued_message(2)
    queue.add(poison, 0.0)
    queue.add(other, 0.0)
    now = fail(queue, 4) + DAY / 2
    assert poison.receivers[NAME].tries == 4
    assert taken(queue, now) is other


def test_nothing_passes_a_message_about_the_same_alert() -> None:
    queue = a_queue()
    firing = queued_message(1)
    resolved = QueuedMessage(
        a_message(2, status="resolved", alerts=firing.message.alerts), {NAME: Progress()}
    )
    queue.add(firing, 0.0)
    queue.add(resolved, 0.0)
    now = fail(queue, 5) + DAY / 2
    assert taken(queue, now) is firing


def test_something_new_is_tried_soon_although_the_receiver_was_down() -> None:
    queue = a_queue()
    queue.add(queued_message(1), 0.0)
    now = fail(queue, 6)
    new = queued_message(2)
    queue.add(new, now)
    assert queue.seconds_to_wait(now) == 1
    assert taken(queue, now + 1.0) is new


def test_something_new_waits_for_a_receiver_that_asked_for_time() -> None:
    queue = a_queue()
    queue.add(queued_message(1), 0.0)
    fail(queue, 1, DeliveryFailed("answered 429", retry_after=30.0))
    queue.add(queued_message(2), 0.0)
    assert queue.seconds_to_wait(0.0) == 30


def test_a_message_is_given_up_after_a_day_of_failures() -> None:
    queue = a_queue()
    message = queued_message()
    queue.add(message, 0.0)
    fail(queue, 4)
    taken(queue, DAY)
    assert queue.failed(FAILED, DAY) == [message]
    assert message.receivers[NAME].state == "gave_up"
    assert len(queue) == 0


def test_a_message_from_long_ago_is_tried_before_it_is_given_up() -> None:
    queue = a_queue()
    message = queued_message()
    message.queued_at -= 3 * DAY
    queue.add(message, 0.0)
    fail(queue, 3)
    assert message.receivers[NAME].state == "pending"
    fail(queue, 1)
    assert message.receivers[NAME].state == "gave_up"


def test_a_clock_that_is_set_ahead_gives_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = a_queue()
    queue.add(queued_message(), 0.0)
    ahead = time.time() + 30 * DAY
    monkeypatch.setattr(time, "time", lambda: ahead)
    fail(queue, 5)
    assert len(queue) == 1


@pytest.mark.parametrize(
    ("wait", "expected"),
    [(100.0, 100), (-5 * DAY, 0), (30 * DAY, 3600)],
    ids=["due", "past", "set"],
)
def test_after_a_restart_the_wait_goes_on_within_bounds(wait: float, expected: float) -> None:
    queue = a_queue()
    message = queued_message()
    message.receivers[NAME] = Progress(tries=5, next_at=time.time() + wait)
    queue.add(message, 0.0)
    assert queue.seconds_to_wait(0.0) == pytest.approx(expected, abs=5)


def test_after_a_restart_the_failures_are_counted_on() -> None:
    queue = a_queue()
    message = queued_message()
    message.receivers[NAME] = Progress(tries=5)
    queue.add(message, 0.0)
    taken(queue, 0.0)
    queue.failed(FAILED, 0.0)
    assert message.receivers[NAME].tries == 6
    assert queue.seconds_to_wait(0.0) == STEADY.seconds(6)


def test_a_full_queue_loses_what_matters_least_and_of_that_the_oldest() -> None:
    queue = a_queue(capacity=5)
    page, ticket = queued_message(1), queued_message(2, severity="ticket")
    over = queued_message(3, status="resolved")
    info, later = queued_message(4, severity="info"), queued_message(5, severity="info")
    for message in (page, ticket, over, info, later):
        assert queue.add(message, 0.0) is None
    dropped = [queue.add(queued_message(i), 0.0) for i in range(6, 12)]
    assert dropped == [info, later, over, ticket, page, *dropped[5:]]
    assert page.receivers[NAME].state == "dropped"
    assert len(queue) == 5


def test_what_is_being_sent_is_not_dropped() -> None:
    queue = a_queue(capacity=1)
    first, second = queued_message(1, severity="info"), queued_message(2)
    queue.add(first, 0.0)
    taken(queue, 0.0)
    assert queue.add(second, 0.0) is second
    queue.delivered(0.0)
    assert first.receivers[NAME].state == "sent"


def test_an_empty_queue_waits_for_something_to_come() -> None:
    assert a_queue().seconds_to_wait(0.0) is None
