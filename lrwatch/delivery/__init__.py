"""From a message to somebody who reads it: receivers, their addresses, and a queue that lasts.

::

    Message -> Sender (Outbox, and a Lane for each Receiver) -> Channel: webhook, Slack, Apprise,
                                                                log, file
"""

from lrwatch.delivery.address import receiver_for
from lrwatch.delivery.attempt import Attempts
from lrwatch.delivery.channel import DeliveryFailed, Receiver
from lrwatch.delivery.health import ReceiverHealth
from lrwatch.delivery.message import Message, Status
from lrwatch.delivery.sender import Sender, check_names
from lrwatch.delivery.tally import Delivery

__all__ = [
    "Attempts",
    "Delivery",
    "DeliveryFailed",
    "Message",
    "Receiver",
    "ReceiverHealth",
    "Sender",
    "Status",
    "check_names",
    "receiver_for",
]
