from __future__ import annotations

from lrwatch_dashboard.security.throttle import Throttle


class StepTimes:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _waits(throttle: Throttle, clock: StepTimes, n: int, address: str = "192.0.2.1") -> list[float]:
    """Try as soon as it is allowed, and return how long each try had to wait."""
    waits = []
    for _ in range(n):
        wait = throttle.admit(address)
        clock.now += wait
        waits.append(wait)
        if wait:
            assert throttle.admit(address) == 0
    return waits


def test_each_failure_beyond_the_first_few_doubles_the_wait_up_to_a_minute() -> None:
    clock = StepTimes()
    waits = _waits(Throttle(clock), clock, 14)
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_try_that_comes_too_early_is_refused_and_does_not_lengthen_the_wait() -> None:
    clock = StepTimes()
    throttle = Throttle(clock)
    _waits(throttle, clock, 7)
    assert [throttle.admit("192.0.2.1") for _ in range(50)] == [4.0] * 50


def test_success_and_time_forgive() -> None:
    clock = StepTimes()
    throttle = Throttle(clock)
    _waits(throttle, clock, 8)
    throttle.succeeded("192.0.2.1")
    assert throttle.admit("192.0.2.1") == 0
    _waits(throttle, clock, 10)
    clock.now += 3600
    assert _waits(throttle, clock, 5) == [0] * 5


def test_one_address_does_not_hold_up_another() -> None:
    clock = StepTimes()
    throttle = Throttle(clock)
    _waits(throttle, clock, 10)
    assert throttle.admit("192.0.2.2") == 0


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    clock = StepTimes()
    throttle = Throttle(clock)
    assert [throttle.admit(f"2001:db8::{i}") for i in range(5)] == [0] * 5
    assert throttle.admit("2001:db8::ffff") > 0
    assert throttle.admit("2001:db8:0:1::1") == 0


def test_the_memory_is_bounded() -> None:
    throttle = Throttle(StepTimes())
    for i in range(5000):
        throttle.admit(f"10.0.{i // 256}.{i % 256}")
    assert len(throttle._failures) == 1000
