"""E-mail, chats and a hundred other services through Apprise, where it is installed."""

from __future__ import annotations

import logging
import warnings
from contextvars import ContextVar
from typing import Any, Final

from lrwatch.delivery.channel import DeliveryFailed
from lrwatch.delivery.message import Message
from lrwatch.errors import InvalidArgument, MissingExtra

__all__ = ["AppriseService"]

_TYPES: Final = {"firing": "failure", "resolved": "success", "test": "info"}

# Below Apprise, these log the path of what they ask for, which for many services is a token. A
# training program may log everything, and their records of its own requests are kept.
_LOG_PATHS: Final = ("urllib3.connectionpool", "urllib3.util.retry")
_is_ours: Final = ContextVar("_is_ours", default=False)


class AppriseService:
    """Sends messages through one of Apprise's services.

    Parameters
    ----------
    url
        As Apprise has them: ``mailto://...``, ``discord://...``, ``ntfy://...``.
    shown
        The address as it may be shown.

    Raises
    ------
    MissingExtra
        If Apprise is not installed.
    InvalidArgument
        If Apprise does not accept the address, or it is for several recipients.
    """

    # Mail servers let strangers wait on purpose. No other receiver waits meanwhile, and an
    # attempt that is cut off too early is a mail sent twice.
    timeout = 30.0
    gap = 1.0

    def __init__(self, url: str, shown: str) -> None:
        apprise = _apprise()
        self.kind = url.partition(":")[0].lower()
        asset = apprise.AppriseAsset(
            app_id="lrwatch",
            app_desc="lrwatch",
            app_url="",
            async_mode=False,  # one service: `Sender` has a thread for it
            service_timeout=0,  # and a time-out; a limit here would mean a thread pool
            http_redirects=False,
            pgp_autogen=False,
            pem_autogen=False,
            storage_mode="memory",
        )
        with warnings.catch_warnings(action="ignore"):  # its plugins are loaded here
            service = apprise.Apprise.instantiate(url, asset=asset)
        if service is None:
            raise InvalidArgument(
                f"Apprise does not accept the address {shown}: see https://appriseit.com for how "
                f"a {self.kind}:// address is written"
            )
        # With several, one that fails would send the message to the others again at every retry.
        if len(service) > 1:
            raise InvalidArgument(
                f"{shown} is for {len(service)} recipients: give each its own address"
            )
        service.redirects = False  # whatever the address says
        self._service = apprise.Apprise(asset=asset)
        self._service.add(service)

    def send(self, message: Message) -> None:
        """Send title and text."""
        is_ours = _is_ours.set(True)
        try:
            is_taken = self._service.notify(
                title=message.title,
                body=message.text or message.title,
                notify_type=_TYPES[message.status],
                body_format="text",
            )
        finally:
            _is_ours.reset(is_ours)
        if not is_taken:
            raise DeliveryFailed("did not accept the message")


def _apprise() -> Any:
    try:
        import apprise
    except ImportError as error:
        raise MissingExtra(
            "addresses other than https://, log: and jsonl: need Apprise: "
            "pip install 'lrwatch[notify]'"
        ) from error
    # What Apprise logs names recipients, and at times whole addresses.
    logging.getLogger("apprise").disabled = True
    for name in _LOG_PATHS:
        logging.getLogger(name).addFilter(_is_of_others)
    return apprise


def _is_of_others(_record: logging.LogRecord) -> bool:
    return not _is_ours.get()
