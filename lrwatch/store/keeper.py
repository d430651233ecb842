"""The thread beside a run: journals into parts, rows to the disk, at a distance from the loop.

It wakes when a journal was closed, and every few seconds. It works in few, large Arrow calls,
which release the interpreter lock, so that the training thread is hardly held up.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from lrwatch.errors import LrwatchError
from lrwatch.store.compaction import compact_closed, merge_similar
from lrwatch.store.layout import journals
from lrwatch.system import sync

__all__ = ["Keeper"]

logger = logging.getLogger("lrwatch")

_WAKE_SECONDS = 5.0
_SYNC_SECONDS = 30.0
_NEW_JOURNAL_SECONDS = 120.0  # after which rows become Parquet even if the journal is not full
_NEW_JOURNAL_ROWS_BYTES = 64 * 1024


class Keeper:
    """Looks after the files of one run until `stop`.

    Parameters
    ----------
    ask_for_new_journal
        Called when the open journal is old enough to become a part, or is gone.
    """

    def __init__(self, run: Path, ask_for_new_journal: Callable[[], None]) -> None:
        self._run = run
        self._ask_for_new_journal = ask_for_new_journal
        self._stop = False
        # Ctrl-C amid `Event.set` would leave that locked, and the end of the run waiting for ever.
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._synced_at = self._asked_at = time.monotonic()
        self._synced_size = 0
        self._warned = False
        self._thread: threading.Thread | None = threading.Thread(
            target=self._work, name=f"lrwatch {run.name}", daemon=True
        )
        self._thread.start()

    def wake(self) -> None:
        """Have the thread look now: a journal was closed."""
        self._wakes.put(None)

    def stop(self) -> None:
        """End the thread and wait until it has let go of the run's files."""
        self._stop = True
        self._wakes.put(None)
        # The garbage collector may end a run from any thread, this one included.
        if self._thread not in (None, threading.current_thread()):
            self._thread.join()

    def forget(self) -> None:
        """Do without the thread, which does not exist in a forked child."""
        self._stop = True
        self._thread = None

    def _work(self) -> None:
        while not self._stop:
            with contextlib.suppress(Empty):
                self._wakes.get(timeout=_WAKE_SECONDS)
                while True:  # once for all that came meanwhile
                    self._wakes.get_nowait()
            if self._stop:
                return
            try:
                self._look_after()
            except Exception as error:  # a thread that ends would leave the run in journals
                if not self._warned:
                    logger.warning(
                        "run %s stays in several files for now: %s", self._run, error,
                        exc_info=not isinstance(error, (OSError, LrwatchError)),
                    )  # fmt: skip
                self._warned = True

    def _look_after(self) -> None:
        compact_closed(self._run)
        merge_similar(self._run)
        open_journals = journals(self._run)
        if not open_journals:  # somebody deleted the folder, or what is in it
            self._ask_for_new_journal()
            return
        path = open_journals[-1].path
        size, now = path.stat().st_size, time.monotonic()
        if now - self._synced_at > _SYNC_SECONDS and size != self._synced_size:
            sync(path)
            self._synced_at, self._synced_size = now, size
        if now - self._asked_at > _NEW_JOURNAL_SECONDS and size > _NEW_JOURNAL_ROWS_BYTES:
            self._ask_for_new_journal()
            self._asked_at = now
