"""Judging many runs beside the server: in processes of their own, which leave it free to answer.

Within the server every verdict would take its turn with the pages (the interpreter runs one
thread at a time), and a store of thousands of runs would make them slow for a minute.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Final

from lrwatch.store import RunEntry
from lrwatch_dashboard.data.run_digest import RunDigest

__all__ = ["Judges"]

logger = logging.getLogger("lrwatch_dashboard")

_MOST: Final = 2  # each takes some 100 MB while it is there
_IDLE_SECONDS: Final = 3.0

Result = tuple[RunEntry, RunDigest | None]


class Judges:
    """Judges runs in up to two processes, which are there as long as there is work.

    Parameters
    ----------
    n_processes
        How many; by default one less than there are processors, and not more than two.
    """

    def __init__(self, n_processes: int | None = None) -> None:
        spare = min((os.cpu_count() or 1) - 1, _MOST)
        self._n_processes = max(spare, 1) if n_processes is None else n_processes
        self._asked: queue.SimpleQueue[RunEntry] = queue.SimpleQueue()
        self._answered: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._pending: set[str] = set()
        self._threads: list[threading.Thread] = []
        self.has_failed = False

    @property
    def is_busy(self) -> bool:
        """Whether runs are still to be judged."""
        return bool(self._pending)

    def ask(self, entries: Iterable[RunEntry]) -> None:
        """Have runs judged; one that is asked for again before it is answered counts once."""
        for entry in entries:
            if entry.key not in self._pending:
                self._pending.add(entry.key)
                self._asked.put(entry)
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        while self._pending and len(self._threads) < self._n_processes:
            thread = threading.Thread(target=self._work, name="lrwatch-judge", daemon=True)
            self._threads.append(thread)
            thread.start()

    def answers(self, seconds: float) -> Iterator[Result]:
        """Return what was found since the last call; wait so long for the first.

        A finding is None if a run could not be judged here: it cannot be read, or no process
        could be started.
        """
        try:
            while self._pending:
                entry, finding = self._answered.get(timeout=seconds)
                seconds = 0.0
                self._pending.discard(entry.key)
                yield entry, finding
        except queue.Empty:
            if self.has_failed:
                self._pending.clear()  # nobody is left to answer

    def _work(self) -> None:
        process = None
        try:
            process = _start()
            while True:
                entry = self._asked.get(timeout=_IDLE_SECONDS)
                self._answered.put((entry, self._question(process, entry)))
        except queue.Empty:
            pass
        except OSError as error:
            logger.warning("runs are judged within the server: %s", error)
            self.has_failed = True
        finally:
            if process is not None:
                _end(process)

    def _question(self, process: subprocess.Popen[str], entry: RunEntry) -> RunDigest | None:
        if self.has_failed or process.stdin is None or process.stdout is None:
            return None
        asked = {"key": entry.key, "path": str(entry.path), "last_write": entry.last_write}
        try:
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            said = json.loads(process.stdout.readline())
            return None if said is None else RunDigest.from_bytes(base64.b64decode(said))
        except (OSError, ValueError, KeyError, TypeError):
            logger.warning("a process that judges runs has ended; the server goes on alone")
            self.has_failed = True
            return None


def _start() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lrwatch_dashboard.data.judge_process"]
    # What is on the path here need not be in the environment, as in a test or a notebook.
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(  # noqa: S603  our own program, no shell
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the server; this ends with it
    )


def _end(process: subprocess.Popen[str]) -> None:
    """Close its input, after which it ends by itself."""
    if process.stdin is not None:
        try:
            process.stdin.close()
        except OSError:
            process.kill()  # it had ended badly, with a question unread
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
