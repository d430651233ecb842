"""The thread that carries the runs of this process to one address.

It sends every 30 seconds, or sooner where many rows wait. While the address cannot be reached it
tries again after a pause that grows, and says so once; the rows are on the disk meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lrwatch.errors import LrwatchError, RunBusy, StorageError
from lrwatch.storage import Storage
from lrwatch.store.ownership import has_writer
from lrwatch.uploading.run_upload import RunUpload
from lrwatch.uploading.spool import drop_sent, waiting_in

__all__ = ["EVERY", "Cargo", "Courier", "seconds_of"]

logger = logging.getLogger("lrwatch")

EVERY: Final = "LRWATCH_UPLOAD_EVERY"
"""Environment variable with the seconds between two uploads of a run; 30 by default."""

_ROWS: Final = 16_384  # that wait and are sent before it is time
_LOOK_SECONDS: Final = 2.0
_PAUSES: Final = (1.0, 300.0)  # first and longest, after an error
_dice: Final = random.SystemRandom()


class Cargo:
    """A run of this process on its way."""

    def __init__(self, upload: RunUpload, n_rows: Callable[[], int]) -> None:
        self.upload = upload
        self.n_rows = n_rows
        self.sent_at: float | None = None
        self.has_ended = False
        self.gone = threading.Event()  # there as a whole, or never to be

    def is_due(self, now: float, every: float) -> bool:
        """Tell whether it is time to send what is new."""
        if self.sent_at is None or self.has_ended:
            return True
        return now - self.sent_at >= every or self.n_rows() - self.upload.sent >= _ROWS


class Courier:
    """Carries runs to one address until the process ends.

    Parameters
    ----------
    storage
        What is at the address.
    store
        Folder of this machine whose runs belong there, of this process and of earlier ones.
    """

    def __init__(self, storage: Storage, store: Path) -> None:
        self.storage = storage
        self._store = store
        self._every = seconds_of(EVERY, 30.0)
        self._cargo: list[Cargo] = []
        self._left = True  # whether there may be runs of earlier processes
        self._retry_at = 0.0
        self._pause = _PAUSES[0]
        self.trouble: Exception | None = None
        self.has_waited = False  # in vain, for the end of a run, since all was well
        self._has_told = False
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(
            target=self._work, name=f"lrwatch {storage.address}", daemon=True
        )
        self._thread.start()

    def take(self, cargo: Cargo) -> None:
        """Carry a run from now on."""
        self._cargo = [*self._cargo, cargo]
        self._wake.set()

    def hurry(self, cargo: Cargo) -> None:
        """Send the rest of a run that has ended, at once."""
        cargo.has_ended = True
        self._retry_at = 0.0
        self._wake.set()

    @property
    def has_stopped(self) -> bool:
        """Whether nothing is sent any more."""
        return self._stop.is_set()

    def stop(self, patience: float) -> None:
        """Send nothing more; wait for what is under way."""
        self._stop.set()
        self._wake.set()
        self._thread.join(patience)
        for cargo in self._cargo:
            cargo.upload.close()

    def _work(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(_LOOK_SECONDS if self._cargo or self._left else None)
            self._wake.clear()
            if time.monotonic() < self._retry_at:
                continue
            for cargo in self._cargo:
                if not self._stop.is_set() and cargo.is_due(time.monotonic(), self._every):
                    self._carry(cargo)
            self._cargo = [cargo for cargo in self._cargo if not cargo.gone.is_set()]
            if self._left and not self._stop.is_set() and time.monotonic() >= self._retry_at:
                self._carry_earlier()

    def _carry(self, cargo: Cargo) -> None:
        try:
            is_done = cargo.upload.send()
        except RunBusy as error:
            if not cargo.upload.is_settled:  # an earlier upload of it is not quite over
                self._put_off(error, cargo.upload.run)
                return
            logger.warning("%s: what is recorded from now on stays in %s", error, cargo.upload.run)
            cargo.gone.set()
            cargo.upload.close()
        except Exception as error:  # noqa: BLE001  whatever it is, the training goes on
            self._put_off(error, cargo.upload.run)
        else:
            cargo.sent_at = time.monotonic()
            self._went_well()
            if is_done:
                cargo.n_rows = lambda: 0  # the writer may go
                cargo.gone.set()

    def _carry_earlier(self) -> None:
        """Send one run of an earlier process that is gone."""
        mine = {cargo.upload.run for cargo in self._cargo}
        for run in waiting_in(self._store):
            if run in mine or has_writer(run):
                continue
            upload = RunUpload(run, self.storage)
            if upload.is_settled:
                drop_sent(run)
                continue
            try:
                upload.send()
            except RunBusy as error:
                logger.debug("%s is not sent: %s", run, error)
            except Exception as error:  # noqa: BLE001
                self._put_off(error, run)
                return
            finally:
                upload.close()
            self._went_well()
            drop_sent(run)
            return
        self._left = False

    def _put_off(self, error: Exception, run: Path) -> None:
        self.trouble = error
        self._retry_at = time.monotonic() + self._pause * _dice.uniform(0.5, 1.5)
        self._pause = min(2 * self._pause, _PAUSES[1])
        expected = isinstance(error, (LrwatchError, OSError))
        if not self._has_told:
            logger.warning(
                "run %s cannot be sent now: %s; recording goes on in %s, and it is tried again",
                run.name, error, run, exc_info=None if expected else error,
            )  # fmt: skip
        self._has_told = True  # until all is well again
        if not isinstance(error, StorageError):
            logger.debug("%s is put off", run, exc_info=error)

    def _went_well(self) -> None:
        if self.trouble is not None:
            logger.warning("runs are sent to %s again", self.storage.address)
        self.trouble, self.has_waited = None, False
        self._has_told = False
        self._pause, self._retry_at = _PAUSES[0], 0.0


def seconds_of(variable: str, default: float) -> float:
    """Return the seconds that an environment variable says, if it says a number."""
    with contextlib.suppress(ValueError):
        return max(0.0, float(os.environ.get(variable, "") or default))
    return default
