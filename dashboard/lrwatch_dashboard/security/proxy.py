"""A proxy in front signs people in, and says in a header who asks.

Anybody can send a header. It counts in requests that come from the addresses of that proxy, which
has to take it out of what clients send; from everybody else it is nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lrwatch.activity import Actor

if TYPE_CHECKING:
    from flask import Request

__all__ = ["GROUPS_HEADER", "ProxySignIn", "SignInError", "address_of", "proxy_sign_in"]

GROUPS_HEADER: Final = "X-Auth-Request-Groups"

_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
_NOT_HEADERS: Final = frozenset({"host", "cookie", "authorization", "origin", "accept"})
_GROUP: Final = "group:"
_LONGEST_NAME: Final = 200

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SignInError(ValueError):
    """Options of the sign-in by a proxy that would let in the wrong people, or nobody."""


@dataclass(frozen=True, slots=True)
class ProxySignIn:
    """Who a proxy says that asks.

    Attributes
    ----------
    header
        Header that holds the name.
    trusted
        Addresses of the proxy.
    editors
        Names, and groups as ``group:NAME``, whose role is that of an editor; ``*`` for everybody
        who signs in. All others are readers.
    groups_header
        Header that holds the groups, separated by commas.
    """

    header: str
    trusted: tuple[Network, ...]
    editors: frozenset[str] = frozenset()
    groups_header: str = GROUPS_HEADER

    def who(self, request: Request) -> Actor | None:
        """Return who asks; None if no proxy that is trusted says so."""
        if not self._is_trusted(request.remote_addr):
            return None
        name = _text(request.headers.get(self.header, ""))
        # Of a header that came twice, servers make one with a comma: one of the two is a lie.
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable() or "," in name:
            return None
        if name.startswith(_GROUP) or name == "*":
            return None
        groups = _text(request.headers.get(self.groups_header, "")).split(",")
        mine = {"*", name, *(_GROUP + group.strip() for group in groups)}
        return Actor(name, "editor" if mine & self.editors else "reader", "dashboard")

    def _is_trusted(self, address: str | None) -> bool:
        peer = address_of(address or "")
        peer = getattr(peer, "ipv4_mapped", None) or peer
        return peer is not None and any(peer in network for network in self.trusted)


def proxy_sign_in(
    environment: Mapping[str, str],
    *,
    user_header: str | None = None,
    trust_proxy: Sequence[str] = (),
    editors: Sequence[str] = (),
    groups_header: str | None = None,
) -> ProxySignIn | None:
    """Return the sign-in that was asked for, or None; what is not given is in the environment.

    Parameters
    ----------
    environment
        Where ``LRWATCH_USER_HEADER``, ``LRWATCH_TRUST_PROXY``, ``LRWATCH_EDITORS`` and
        ``LRWATCH_GROUPS_HEADER`` are looked up; several values are separated by commas.
    user_header, trust_proxy, editors, groups_header
        As `ProxySignIn` has them.

    Raises
    ------
    SignInError
        If it would let in the wrong people, or nobody.
    """
    header = user_header or environment.get("LRWATCH_USER_HEADER", "")
    trusted = list(trust_proxy) or _several(environment, "LRWATCH_TRUST_PROXY")
    named = list(editors) or _several(environment, "LRWATCH_EDITORS")
    groups = groups_header or environment.get("LRWATCH_GROUPS_HEADER") or GROUPS_HEADER
    if not header:
        if trusted or named:
            raise SignInError(
                "--trust-proxy and --editor are about people whom a proxy signs in; "
                "name the header that says who they are: --user-header X-Auth-Request-Email"
            )
        return None
    if not trusted:
        raise SignInError(
            f"anybody can send the header {header}; say with --trust-proxy ADDRESS from where "
            "it counts, such as 10.0.3.7 or 10.42.0.0/16"
        )
    for name in (header, groups):
        if not _HEADER.fullmatch(name) or name.lower() in _NOT_HEADERS:
            raise SignInError(f"no proxy says in a header {name!r:.120} who signed in")
    return ProxySignIn(header, tuple(map(_network, trusted)), frozenset(named), groups)


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a text is; None if it is none."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _several(environment: Mapping[str, str], variable: str) -> list[str]:
    return [text.strip() for text in environment.get(variable, "").split(",") if text.strip()]


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise SignInError(
            f"--trust-proxy must be an address such as 10.0.3.7 or 10.42.0.0/16, got {text!r:.120}"
        ) from error
    if not network.prefixlen:
        raise SignInError(f"--trust-proxy {text} would believe everybody; name the proxy's address")
    return network


def _text(value: str) -> str:
    """Return what a header says: servers read its bytes as Latin-1."""
    return value.encode("latin-1", "replace").decode("utf-8", "replace").strip()
