"""Who may ask a server: the host names it answers to, and how people sign in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lrwatch_dashboard.security.people import People, token_or_people
from lrwatch_dashboard.security.proxy import ProxySignIn, address_of, proxy_sign_in

__all__ = ["LOOPBACK_NAMES", "Access", "host_name", "is_loopback", "signing_in"]

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask.

    Attributes
    ----------
    hosts
        Names that requests may be addressed to, without port, in lower case.
    any_host
        Whether any name will do, because a proxy in front has checked it.
    any_address
        Whether a bare IP address will do. A web site that points its own name at this machine
        (DNS rebinding) sends that name, so an address is safe where others may connect anyhow.
    token
        What must be shown before anything is; empty if there is none.
    people
        Who has a token of their own.
    proxy
        What a proxy in front says of who asks.
    """

    hosts: frozenset[str] = LOOPBACK_NAMES
    any_host: bool = False
    any_address: bool = False
    token: str = field(default="", repr=False)
    people: People | None = None
    proxy: ProxySignIn | None = None

    @property
    def asks_for_token(self) -> bool:
        """Whether a token lets in."""
        return bool(self.token) or self.people is not None

    @property
    def signs_in(self) -> bool:
        """Whether it asks who somebody is."""
        return self.asks_for_token or self.proxy is not None

    def allows(self, host: str) -> bool:
        """Return whether a ``Host`` header names this server.

        Examples
        --------
        >>> Access().allows("localhost:8050"), Access().allows("evil.example")
        (True, False)
        """
        name = host_name(host)
        return self.any_host or name in self.hosts or bool(self.any_address and address_of(name))


def signing_in(
    environment: Mapping[str, str], token_file: str | None = None, **by_proxy: Any
) -> Access:
    """Return who may ask this machine, signed in as `token_or_people` and `proxy_sign_in` say.

    Raises
    ------
    TokenError, SignInError
        As they do.
    """
    token, people = token_or_people(environment, token_file)
    return Access(token=token, people=people, proxy=proxy_sign_in(environment, **by_proxy))


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine only."""
    known = address_of(host)
    return host == "localhost" if known is None else known.is_loopback


def host_name(host: str) -> str:
    """Return a ``Host`` header without its port, and without the brackets of IPv6."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
