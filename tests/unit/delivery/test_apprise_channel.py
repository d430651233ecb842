from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from message_samples import a_message
from receivers import HttpReceiver, MailReceiver, answer, redirect

from lrwatch.delivery import DeliveryFailed, receiver_for
from lrwatch.errors import InvalidArgument

pytest.importorskip("apprise", reason="needs the extra `notify`")


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailReceiver]:
    # Apprise leaves seconds between two mails.
    monkeypatch.setattr("apprise.NotifyBase.request_rate_per_sec", 0)
    monkeypatch.setattr("apprise.plugins.email.NotifyEmail.request_rate_per_sec", 0)
    with MailReceiver().serving() as receiver:
        yield receiver


def test_a_message_becomes_a_mail(mail: MailReceiver) -> None:
    receiver_for(mail.address()).channel.send(a_message())
    assert mail.subjects == ["sgd-1 is diverging"]
    payload = mail.mails[0].get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().splitlines() == a_message().text.splitlines()


@pytest.mark.slow
def test_a_mail_server_that_is_busy_is_worth_another_try(mail: MailReceiver) -> None:
    mail.replies = ["451 come back later", "250 OK"]
    channel = receiver_for(mail.address()).channel
    with pytest.raises(DeliveryFailed, match="did not accept the message") as caught:
        channel.send(a_message())
    assert not caught.value.is_permanent
    channel.send(a_message())
    assert len(mail.mails) == 2


def test_a_wrong_password_is_a_failure_that_does_not_name_it(
    mail: MailReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    channel = receiver_for(mail.address()).channel
    known, mail.password = mail.password, "another"
    with pytest.raises(DeliveryFailed) as caught:
        channel.send(a_message())
    assert known not in str(caught.value)
    assert known not in caplog.text
    assert not mail.mails


@pytest.mark.slow
def test_a_name_of_a_run_cannot_add_a_header(mail: MailReceiver) -> None:
    receiver_for(mail.address()).channel.send(a_message(title="a\r\nBcc: eve@example.com"))
    assert mail.mails[0]["Bcc"] is None


def test_several_recipients_need_several_addresses(mail: MailReceiver) -> None:
    with pytest.raises(InvalidArgument, match="give each its own address") as caught:
        receiver_for(mail.address("ann@example.com,bob@example.com"))
    assert mail.password not in str(caught.value)


def test_apprise_does_not_log_what_it_sends_or_where(
    mail: MailReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    receiver_for(mail.address()).channel.send(a_message())
    assert not [record for record in caplog.records if record.name.startswith("apprise")]


def test_nothing_below_apprise_logs_the_path_of_an_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(1)
    with HttpReceiver(answer(200)) as http:
        receiver_for(http.url.replace("http:", "json:") + "/t0ken").channel.send(a_message())
        assert http.posts
    assert "t0ken" not in caplog.text
    logging.getLogger("urllib3.connectionpool").debug("a request of somebody else")
    assert "somebody else" in caplog.text


@pytest.mark.parametrize("query", ["", "?redirect=yes"])
def test_a_service_of_apprise_follows_no_redirect(
    query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apprise.NotifyBase.request_rate_per_sec", 0)
    with HttpReceiver() as elsewhere, HttpReceiver(redirect(elsewhere.url)) as http:
        channel = receiver_for(http.url.replace("http:", "json:") + query).channel
        with pytest.raises(DeliveryFailed):
            channel.send(a_message())
        assert len(http.posts) == 1
        assert not elsewhere.posts


def test_a_service_of_apprise_is_told_title_and_text() -> None:
    with HttpReceiver(answer(200)) as http:
        receiver_for(http.url.replace("http:", "json:")).channel.send(a_message())
    assert http.posts[0].json["title"] == a_message().title
    assert http.posts[0].json["message"] == a_message().text
