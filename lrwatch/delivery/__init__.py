"""From a message to its receivers: their addresses, and a queue that outlives the process.

::

    Message -> Sender (Outbox, and a ReceiverQueue for each Receiver) -> Channel

A `Channel` is a webhook, Slack, one of Apprise's services, the log, or a file.
"""

from lrwatch.delivery.address import receiver_for
from lrwatch.delivery.channel import Attempts, DeliveryFailed, Receiver
from lrwatch.delivery.message import Message, Status
from lrwatch.delivery.outcomes import Delivery, DeliveryEvent, ReceiverHealth
from lrwatch.delivery.sender import Sender, check_names

__all__ = [
    "Attempts",
    "Delivery",
    "DeliveryEvent",
    "DeliveryFailed",
    "Message",
    "Receiver",
    "ReceiverHealth",
    "Sender",
    "Status",
    "check_names",
    "receiver_for",
]
