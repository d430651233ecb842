"""From an address, as given to ``--to`` or in ``lrwatch.toml``, to a `Receiver`."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import re
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from lrwatch.delivery.apprise_channel import AppriseService
from lrwatch.delivery.channel import Channel, Receiver
from lrwatch.delivery.local_channels import JsonLines, LogLines
from lrwatch.delivery.slack import Slack
from lrwatch.delivery.webhook import Webhook
from lrwatch.errors import InvalidArgument

__all__ = ["RECEIVER_GROUP", "receiver_for", "redacted"]

RECEIVER_GROUP: Final = "lrwatch.receivers"
"""Entry points of this group are named after a scheme, and make a `Channel` of an address."""

logger = logging.getLogger("lrwatch.alerts")

_ALLOWED: Final = (
    "https://HOST/PATH (a webhook, or Slack's), mailto://USER:PASSWORD@HOST and others that "
    "Apprise knows, jsonl:PATH or log:"
)
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# In addresses of other services, a token may stand where these have their host.
_HOST_IS_PUBLIC: Final = frozenset({"http", "https", "mailto", "mailtos"})
_SLACK_HOSTS: Final = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_SLACK_TOKENS: Final = re.compile(r"slack://(T\w+)/(B\w+)/(\w+)/?")


def receiver_for(address: str, *, name: str = "", secrets: Sequence[str] = ()) -> Receiver:
    """Return the receiver at an address.

    Parameters
    ----------
    address
        ``https://...`` for a webhook or Slack, ``jsonl:PATH``, ``log:``, or any of Apprise's.
    name
        What to call it; by default the address without what is secret in it.
    secrets
        Those that messages to a webhook are signed with.

    Raises
    ------
    InvalidArgument
        If the address cannot be used. Its text is not in the error, since it may be a secret.
    MissingExtra
        If it needs Apprise, and that is not installed.
    """
    address = address.strip()
    match = _SCHEME.match(address)
    if match is None:
        raise InvalidArgument(f"an address must begin with its scheme, such as {_ALLOWED}")
    channel = _channel(match[1].lower(), address, secrets)
    if secrets and channel.kind != "webhook":
        raise InvalidArgument(f"only webhooks are signed; {redacted(address)} cannot have a secret")
    return Receiver(name or redacted(address), channel)


def redacted(address: str) -> str:
    """Return an address as it may be shown: scheme, host, and four digits that identify it.

    Four hexadecimal digits of a hash are too few to try passwords against.

    Examples
    --------
    >>> redacted("https://alerts.example.com/hook/secret")
    'https://alerts.example.com #3584'
    """
    scheme, _, rest = address.partition(":")
    scheme = scheme.lower()
    if scheme in ("log", "jsonl"):
        return scheme if scheme == "log" else f"jsonl {Path(rest).name}"
    digits = hashlib.sha256(address.encode()).hexdigest()[:4]
    host = ""
    if scheme in _HOST_IS_PUBLIC:
        try:
            host = urlsplit(address).hostname or ""
        except ValueError:
            host = ""
    return f"{scheme}://{host} #{digits}"


def _channel(scheme: str, address: str, secrets: Sequence[str]) -> Channel:
    rest = address.partition(":")[2]
    if scheme == "log":
        if rest.strip("/"):
            raise InvalidArgument("nothing may follow log:")
        return LogLines()
    if scheme == "jsonl":
        return JsonLines(_checked_file(rest))
    if match := _SLACK_TOKENS.fullmatch(address):
        return Slack(f"https://hooks.slack.com/services/{match[1]}/{match[2]}/{match[3]}")
    if scheme in ("http", "https"):
        parts = _checked_url(address)
        if parts.hostname in _SLACK_HOSTS and parts.path.startswith("/services/"):
            return Slack(address)
        return Webhook(address, secrets)
    return _of_another_package(scheme, address) or AppriseService(address, redacted(address))


def _of_another_package(scheme: str, address: str) -> Channel | None:
    for entry in entry_points(group=RECEIVER_GROUP, name=scheme):
        try:
            channel: Channel = entry.load()(address)
        except Exception as error:
            # Its text may hold the address, which may be a secret.
            raise InvalidArgument(
                f"the receiver {entry.value} does not take {redacted(address)}: "
                f"{type(error).__name__}"
            ) from error
        return channel
    return None


def _checked_file(path: str) -> Path:
    if not path or Path(path).is_dir() or not Path(path).absolute().parent.is_dir():
        raise InvalidArgument(
            f"jsonl: needs the path of a file in a folder that exists, got {path!r}"
        )
    return Path(path)


def _checked_url(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        is_usable = bool(parts.hostname) and parts.port != 0 and address.isascii()
        str(parts.hostname).encode("idna")  # as looking it up does
    except ValueError:  # a port that is not a number, brackets that do not match, an empty label
        is_usable = False
    if not is_usable or any(sign <= " " or sign == "\x7f" for sign in address):
        raise InvalidArgument(
            "a webhook's address must be https://HOST/PATH in ASCII without spaces (write a host "
            "name with other letters in Punycode); this one is not"
        )
    if parts.scheme.lower() == "http" and not _is_loopback(str(parts.hostname)):
        logger.warning(
            "messages to %s are not encrypted: use https:// where you can", redacted(address)
        )
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
