from __future__ import annotations

import pytest
from lrwatch_dashboard.security.access import Access, is_loopback


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("127.0.0.1.evil.example", False),
    ],
)
def test_loopback_addresses_are_told_apart(host: str, is_own: bool) -> None:
    assert is_loopback(host) is is_own


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("gpu-7:8050", True),
        ("GPU-7", True),
        ("localhost:8050", True),
        ("192.0.2.7:8050", True),
        ("[2001:db8::7]:8050", True),
        ("gpu-7.evil.example", False),
        ("192.0.2.7.evil.example", False),
        ("3221225991", False),  # 192.0.2.7 as one number, which a browser would have written out
        ("", False),
        ("[::1", True),
        ("gpu-7@evil.example", False),
        ("evil.example:80:gpu-7", False),
    ],
)
def test_an_open_server_answers_to_its_names_and_to_bare_addresses(
    host: str, is_allowed: bool
) -> None:
    access = Access(hosts=Access().hosts | {"gpu-7"}, any_address=True, token="t" * 16)
    assert access.allows(host) is is_allowed


def test_a_server_of_this_machine_answers_to_no_other_address() -> None:
    assert not Access().allows("192.0.2.7:8050")


def test_the_token_is_not_shown_by_accident() -> None:
    assert "secret" not in repr(Access(token="secret-secret-secret"))
