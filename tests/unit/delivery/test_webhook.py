from __future__ import annotations

import base64
import json
import time

import pytest
from message_samples import a_message
from receivers import HttpReceiver
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from lrwatch.delivery.webhook import Webhook, signature
from lrwatch.errors import InvalidArgument

# The example of the Standard Webhooks specification and of its reference libraries.
EXAMPLE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EXAMPLE_KEY = base64.b64decode(EXAMPLE.removeprefix("whsec_"))
NEXT = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_the_published_example_is_signed_as_published() -> None:
    signed = signature(
        EXAMPLE_KEY, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_that_knows_the_secret_can_verify_what_came() -> None:
    with HttpReceiver() as http:
        Webhook(http.url, [EXAMPLE]).send(a_message())
    (post,) = http.posts
    headers = dict(post.headers)
    assert Verifier(EXAMPLE).verify(post.body, headers) == post.json
    for body, secret in ((post.body + b" ", EXAMPLE), (post.body, NEXT)):
        with pytest.raises(WebhookVerificationError):
            Verifier(secret).verify(body, headers)


def test_the_time_is_that_of_the_attempt_and_signed_as_well() -> None:
    with HttpReceiver() as http:
        Webhook(http.url, [EXAMPLE], clock=lambda: 1614265330.9).send(a_message())
    (post,) = http.posts
    assert post.headers["webhook-timestamp"] == "1614265330"
    with pytest.raises(WebhookVerificationError, match="too old"):
        Verifier(EXAMPLE).verify(post.body, dict(post.headers))
    later = dict(post.headers) | {"webhook-timestamp": str(int(time.time()))}
    with pytest.raises(WebhookVerificationError, match="signature"):
        Verifier(EXAMPLE).verify(post.body, later)


def test_while_a_secret_is_changed_both_verify() -> None:
    with HttpReceiver() as http:
        Webhook(http.url, [EXAMPLE, NEXT]).send(a_message())
    (post,) = http.posts
    for secret in (EXAMPLE, NEXT):
        assert Verifier(secret).verify(post.body, dict(post.headers)) == post.json


def test_nothing_is_signed_without_a_secret() -> None:
    with HttpReceiver() as http:
        Webhook(http.url).send(a_message())
    assert "webhook-signature" not in http.posts[0].headers


def test_a_retry_has_the_id_and_the_body_of_the_first_attempt() -> None:
    with HttpReceiver() as http:
        webhook = Webhook(http.url, [EXAMPLE])
        webhook.send(a_message())
        webhook.send(a_message())
    first, second = http.posts
    assert (first.id, first.body) == (second.id, second.body)


def test_the_body_is_the_payload() -> None:
    with HttpReceiver() as http:
        Webhook(http.url).send(a_message())
    (post,) = http.posts
    assert post.json == json.loads(json.dumps(a_message().payload()))
    assert post.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64 at all!", "whsec_" + "QUFB" * 30, "é"],
)
def test_what_is_no_secret_is_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(InvalidArgument, match="24 to 64 random bytes") as caught:
        Webhook("https://example.com/", [secret])
    kernel = secret.removeprefix("whsec_")
    assert not kernel or kernel not in str(caught.value)
