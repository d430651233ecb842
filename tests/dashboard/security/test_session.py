from __future__ import annotations

import hashlib

import pytest
from itsdangerous import TimestampSigner
from lrwatch_dashboard.security.sign_in import LIFETIME_SECONDS, Sessions, same

TOKEN = "a-token-of-some-length"


def test_a_session_holds_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10**9]
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _signer: now[0])
    sessions = Sessions(TOKEN)
    value = sessions.issue()
    assert sessions.holds(value)
    now[0] += LIFETIME_SECONDS
    assert sessions.holds(value)
    now[0] += 1
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
    sessions = Sessions(TOKEN)
    what, issued, signature = sessions.issue().split(".")
    later = chr(ord(issued[0]) + 1) + issued[1:]
    assert not sessions.holds(f"{what}.{later}.{signature}")
    assert not sessions.holds(f"{what}.{issued}.{signature[:-2]}AA")
    assert not sessions.holds(f"{what}.{signature}")


@pytest.mark.parametrize("salt", ["itsdangerous.Signer", "cookie-session"])
def test_what_another_program_signed_with_the_token_is_no_session(salt: str) -> None:
    signer = TimestampSigner(TOKEN, salt, key_derivation="hmac", digest_method=hashlib.sha256)
    assert not Sessions(TOKEN).holds(signer.sign("session").decode())


def test_neither_cookie_nor_its_name_holds_the_token() -> None:
    sessions = Sessions(TOKEN)
    assert TOKEN not in sessions.issue() + sessions.cookie
    assert sessions.cookie != Sessions(TOKEN + "x").cookie


def test_secrets_are_compared_as_a_whole() -> None:
    assert same("abc", "abc")
    assert not same("abc", "abcd")
    assert not same("abc", "ab")
    assert not same("abc", "äbc")
