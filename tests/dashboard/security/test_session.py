from __future__ import annotations

import pytest
from lrwatch_dashboard.security.session import LIFETIME_SECONDS, Sessions, same

TOKEN = "a-token-of-some-length"


class Clock:
    now = 1e9

    def __call__(self) -> float:
        return self.now


def test_a_session_holds_until_it_ends() -> None:
    clock = Clock()
    sessions = Sessions(TOKEN, clock)
    value = sessions.issue()
    assert sessions.holds(value)
    clock.now += LIFETIME_SECONDS - 1
    assert sessions.holds(value)
    clock.now += 1
    assert not sessions.holds(value)


def test_another_process_with_the_token_knows_the_session_and_one_without_does_not() -> None:
    value = Sessions(TOKEN).issue()
    assert Sessions(TOKEN).holds(value)
    assert not Sessions(TOKEN + "x").holds(value)


@pytest.mark.parametrize(
    "forged",
    ["", ".", "9999999999", "9999999999.", "9999999999.00", "x.y", TOKEN, "\ud800.\ud800", "²."],
)
def test_a_forged_session_does_not_hold(forged: str) -> None:
    assert not Sessions(TOKEN).holds(forged)


def test_a_session_cannot_be_lengthened() -> None:
    sessions = Sessions(TOKEN, Clock())
    ends, _, signature = sessions.issue().partition(".")
    assert not sessions.holds(f"{int(ends) + 1}.{signature}")


def test_neither_cookie_nor_its_name_holds_the_token() -> None:
    sessions = Sessions(TOKEN)
    assert TOKEN not in sessions.issue() + sessions.cookie
    assert sessions.cookie != Sessions(TOKEN + "x").cookie


def test_secrets_are_compared_as_a_whole() -> None:
    assert same("abc", "abc")
    assert not same("abc", "abcd")
    assert not same("abc", "ab")
    assert not same("abc", "äbc")
