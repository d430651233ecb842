"""``lrwatch dashboard --alert``: the watcher of ``lrwatch alert``, in a thread beside the pages."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from lrwatch.alerts.alert_service import AlertService
from lrwatch.delivery import receiver_for
from lrwatch.formats import printable
from lrwatch.store.mirroring.places import local_folder

__all__ = ["watching"]

logger = logging.getLogger("lrwatch_dashboard")

_TO_THE_LOG: Final = "log:"
_END_SECONDS: Final = 10.0


@contextmanager
def watching(
    place: str, addresses: Sequence[str], say: Callable[[str], None], *, alone: bool
) -> Iterator[int]:
    """Watch a store until the end of the context; yield how many receivers there are.

    Parameters
    ----------
    place
        Folder of runs, or the address of a store. The folder is made if it is missing, for the
        watcher keeps its state in it; of an address, in the copy on this machine.
    addresses
        Who gets messages, as for ``lrwatch alert --to``; the log if there are none.
    say
        Called with a line for every message sent.
    alone
        As `AlertService` has it.

    Raises
    ------
    LrwatchError
        If an address is not allowed, the folder cannot be written, or is watched already.
    OSError
        If the folder cannot be made.
    """
    folder = local_folder(place, look=False)
    folder.mkdir(parents=True, exist_ok=True)
    receivers = [receiver_for(address) for address in addresses or (_TO_THE_LOG,)]
    stop = threading.Event()
    with AlertService(folder, receivers=receivers, alone=alone) as service:

        def watch() -> None:
            try:
                service.run(stop, lambda one: say(printable(f"{one.status}: {one.title}")))
            except Exception:
                logger.exception("the watcher has ended; the pages go on without it")

        thread = threading.Thread(target=watch, name="lrwatch-alerts", daemon=True)
        thread.start()
        try:
            yield len(receivers)
        finally:
            stop.set()
            thread.join(_END_SECONDS)
