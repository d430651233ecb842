"""Judging many runs beside the server: in processes of their own, which leave it free to answer.

Within the server every verdict would take its turn with the pages (the interpreter runs one
thread at a time), and a store of thousands of runs would make them slow for a minute.

Such a process reads a run a line, and once it has read all of them answers with a line of base64
for each, empty where it could not be judged.
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
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Final, cast

from lrwatch.errors import LrwatchError
from lrwatch.store import RunEntry, read_run_info
from lrwatch.store.mirroring.places import mirror_of
from lrwatch_dashboard.data.follower import Follower
from lrwatch_dashboard.data.run_digest import RunDigest
from lrwatch_dashboard.data.verdict_memory import VerdictMemory

__all__ = ["Judges", "Judging", "answer_all", "judge_all"]

logger = logging.getLogger("lrwatch_dashboard")

_MOST: Final = 2  # each takes some 100 MB while it is there

Result = tuple[RunEntry, RunDigest | None]
MANY_RUNS: Final = 40
"""So many are worth a process of their own, which takes a second to start."""


class Judges:
    """Judges runs in processes, which are there as long as there is work.

    There is one less than there are processors, and two at most; with 0 nothing is judged here.
    """

    def __init__(self, n_processes: int | None = None) -> None:
        spare = min((os.cpu_count() or 1) - 1, _MOST)
        self._n_processes = max(spare, 1) if n_processes is None else n_processes
        self._answered: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._pending: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._waiting: list[RunEntry] = []
        self.has_failed = not self._n_processes

    @property
    def is_busy(self) -> bool:
        """Whether runs are still to be judged."""
        return bool(self._pending)

    def ask(self, entries: Iterable[RunEntry]) -> None:
        """Have runs judged; one that is asked for again before it is answered counts once."""
        new = [entry for entry in entries if entry.key not in self._pending]
        self._pending |= {entry.key for entry in new}
        self._waiting += new
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        n_free = self._n_processes - len(self._threads)
        waiting, self._waiting = (self._waiting, []) if n_free else ([], self._waiting)
        for share in filter(None, (waiting[i::n_free] for i in range(n_free))):
            thread = threading.Thread(
                target=self._judge, args=(share,), name="lrwatch-judge", daemon=True
            )
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

    def _judge(self, entries: list[RunEntry]) -> None:
        """Judge runs in a process, which begins to answer once it has heard of all of them."""
        asked = (
            json.dumps({"key": e.key, "path": str(e.path), "last_write": e.last_write})
            for e in entries
        )
        try:
            with _started() as process:
                questions, answers = cast("list[IO[str]]", [process.stdin, process.stdout])
                questions.write("\n".join(asked))
                questions.close()
                for entry, line in zip(entries, answers, strict=True):
                    said = base64.b64decode(line)
                    self._answered.put((entry, RunDigest.from_bytes(said) if said else None))
        except (OSError, ValueError) as error:
            logger.warning("a process that judges runs has ended; the server goes on: %s", error)
            self.has_failed = True


def judge_all() -> None:
    """Be such a process."""
    if hasattr(os, "nice"):
        os.nice(5)  # whoever looks at a page, or trains, goes first
    try:
        answer_all(sys.stdin, sys.stdout)
    except BrokenPipeError:
        # Who asked has ended; without this the interpreter would complain of it as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def answer_all(questions: Iterable[str], answers: IO[str]) -> None:
    """Judge the run of each line."""
    asked = list(questions)
    for line in asked[:1]:  # one listing of a store at an address tells of all of them
        mirror_of(_store_of(**json.loads(line)))
    for line in asked:
        answers.write(f"{base64.b64encode(_judged(**json.loads(line))).decode()}\n")
        answers.flush()


def _store_of(key: str, path: str, **_: float) -> Path:
    return Path(path if key == "." else path[: -len(key)])


def _judged(key: str, path: str, last_write: float) -> bytes:
    """Return what was found; nothing if the run cannot be read, which the asker will see."""
    try:
        info = read_run_info(Path(path))
    except (LrwatchError, OSError):
        return b""
    follower = Follower(RunEntry(key, Path(path), info, "", last_write))
    follower.catch_up(float("inf"))
    finding = follower.finding()
    if follower.problem or follower.damage or finding is None:
        return b""
    return finding.as_bytes()


def _started() -> subprocess.Popen[str]:
    # What is on the path here need not be in the environment, as in a test or a notebook.
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(  # noqa: S603  our own program, no shell
        [sys.executable, "-c", f"from {__name__} import judge_all; judge_all()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        start_new_session=True,  # Ctrl-C is for the server; this ends with it
    )


class Judging:
    """Spares the server the runs that were judged before, or can be judged elsewhere.

    What was found is remembered in the folder `cache`, if there is one.
    """

    def __init__(self, root: Path, cache: Path | None, judges: Judges) -> None:
        self.memory = VerdictMemory(cache, root)
        self._judges = judges
        self._left: set[str] = set()  # keys of runs that could not be judged elsewhere

    def recall(self, follower: Follower) -> None:
        """Have a run that is new here take over what was found on it before."""
        finding = self.memory.recall(follower.entry) if follower.is_settled() else None
        if finding is not None:
            follower.adopt(finding)

    def let_rest(self, follower: Follower) -> None:
        """Remember what was found on a run once it is settled."""
        finding = follower.rest()
        if finding is not None:
            self.memory.keep(follower.entry, finding)

    def hand_out(self, waiting: list[Follower], wanted: str) -> list[Follower]:
        """Have settled runs judged elsewhere if they are many; return those to judge here.

        The run with the key `wanted` is one that somebody looks at, and is judged here and now.
        """
        judges = self._judges
        if judges.has_failed:
            return waiting
        many = [
            follower
            for follower in waiting
            if follower.diagnosis is None
            and follower.entry.key not in (wanted, *self._left)
            and follower.is_settled()
        ]
        if len(many) < MANY_RUNS and not judges.is_busy:
            return waiting
        judges.ask(follower.entry for follower in many)
        handed = {id(follower) for follower in many}
        return [follower for follower in waiting if id(follower) not in handed]

    def collect(self, followers: Mapping[str, Follower], seconds: float) -> bool:
        """Take over what was judged elsewhere; return whether there is more to come.

        Waits for some seconds if nothing was judged yet.
        """
        for entry, finding in self._judges.answers(seconds):
            follower = followers.get(entry.key)
            if follower is None or follower.entry != entry or follower.diagnosis is not None:
                continue
            if finding is None:
                self._left.add(entry.key)  # judged here, where its problem is seen
                continue
            follower.adopt(finding)
            self.memory.keep(entry, finding)
        return self._judges.is_busy
