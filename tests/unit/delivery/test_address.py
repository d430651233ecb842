from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from lrwatch.delivery import receiver_for
from lrwatch.delivery.address import redacted
from lrwatch.delivery.slack import Slack
from lrwatch.delivery.webhook import Webhook
from lrwatch.errors import InvalidArgument, MissingExtra

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("https://example.com/hook", "webhook"),
        ("HTTPS://example.com/hook", "webhook"),
        ("http://127.0.0.1:8000/", "webhook"),
        ("https://hooks.slack.com/services/T1/B1/token", "slack"),
        ("slack://T1/B1/token", "slack"),
        ("https://hooks.slack.com/elsewhere", "webhook"),
        ("https://example.com/services/T1/B1/token", "webhook"),
        ("log:", "log"),
        ("log://", "log"),
    ],
)
def test_an_address_says_how_to_tell_somebody(address: str, kind: str) -> None:
    assert receiver_for(f" {address}\n").kind == kind


def test_a_file_is_named_by_its_path(tmp_path: Path) -> None:
    receiver = receiver_for(f"jsonl:{tmp_path / 'alerts.jsonl'}")
    assert receiver.kind == "jsonl"
    assert str(tmp_path) not in receiver.name


def test_a_short_slack_address_is_the_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(Slack, "__init__", lambda self, url: opened.append(url))
    receiver_for("slack://T1/B1/token")
    assert opened == ["https://hooks.slack.com/services/T1/B1/token"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "s3cret",
        "example.com/s3cret",
        "https://",
        "https:///s3cret",
        "https://...",
        "https://s3cret..example.com/",
        "https://example.com:s3cret/",
        "https://example.com:99999/s3cret",
        "https://[s3cret/",
        "https://exämple.com/s3cret",
        "https://example.com/s3cret with spaces",
        "https://example.com/\r\nHost: s3cret",
        "log:s3cret",
        "jsonl:",
        "jsonl:/",
        "jsonl:/no/such/folder/alerts.jsonl",
        "nosuchservice://s3cret",
        "mailto://ann:s3cret@",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        receiver_for(address)
    assert "s3cret" not in str(caught.value)
    assert len(str(caught.value)) > 20


def test_only_webhooks_are_signed() -> None:
    assert isinstance(receiver_for("https://example.com/", secrets=[SECRET]).channel, Webhook)
    with pytest.raises(InvalidArgument, match="only webhooks are signed"):
        receiver_for("https://hooks.slack.com/services/T/B/X", secrets=[SECRET])


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://ann:s3cret@example.com:8443/s3cret?token=s3cret", "https://example.com #"),
        ("mailto://ann:s3cret@example.com?pass=s3cret", "mailto://example.com #"),
        ("tgram://s3cret/12", "tgram:// #"),
        ("discord://s3cret/token", "discord:// #"),
        ("https://[s3cret", "https:// #"),
    ],
)
def test_what_is_shown_of_an_address_is_no_secret(address: str, shown: str) -> None:
    name = redacted(address)
    assert name.startswith(shown)
    assert "s3cret" not in name
    assert len(name) == len(shown) + 4


def test_two_addresses_on_one_host_are_told_apart() -> None:
    assert redacted("https://example.com/a") != redacted("https://example.com/b")


def test_a_receiver_can_be_given_a_name() -> None:
    assert receiver_for("https://example.com/", name="on call").name == "on call"


@pytest.mark.parametrize(
    ("address", "n_warnings"),
    [
        ("http://example.com/s3cret", 1),
        ("http://127.0.0.1:1234/", 0),
        ("http://[::1]:1234/", 0),
        ("http://localhost/", 0),
        ("https://example.com/", 0),
    ],
)
def test_an_unencrypted_way_is_warned_of(
    address: str, n_warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    receiver_for(address)
    assert len(caplog.records) == n_warnings
    assert "s3cret" not in caplog.text


def test_without_apprise_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(MissingExtra, match=r"pip install 'lrwatch\[notify\]'"):
        receiver_for("mailto://ann:s3cret@example.com")


def test_webhooks_slack_files_and_log_need_no_apprise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    for address in ("https://a.example/", "slack://T1/B1/x", f"jsonl:{tmp_path}/a", "log:"):
        receiver_for(address)


class Pager:
    """A receiver of another package."""

    kind, timeout, gap = "pager", 1.0, 0.0

    def __init__(self, address: str) -> None:
        if "refused" in address:
            raise ValueError(address)
        self.address = address

    def send(self, message: object) -> None: ...


@pytest.fixture
def pager_package(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("pager", "mypackage:Pager", "lrwatch.receivers")
    monkeypatch.setattr(EntryPoint, "load", lambda _: Pager)

    def found(*, group: str, name: str) -> list[EntryPoint]:
        return [entry] if (group, name) == ("lrwatch.receivers", "pager") else []

    monkeypatch.setattr("lrwatch.delivery.address.entry_points", found)


def test_another_package_adds_a_kind_of_address(pager_package: None) -> None:
    receiver = receiver_for("pager://s3cret")
    assert isinstance(receiver.channel, Pager)
    assert receiver.channel.address == "pager://s3cret"
    assert "s3cret" not in receiver.name
    assert receiver_for("log:").kind == "log"


def test_an_address_that_another_package_refuses_is_not_shown(pager_package: None) -> None:
    with pytest.raises(InvalidArgument, match="mypackage:Pager does not take pager") as caught:
        receiver_for("pager://refused-s3cret")
    assert "s3cret" not in str(caught.value)
