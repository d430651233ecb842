"""Who judges runs: this process, processes of this machine, or those of a Dask cluster.

Each does the same: `keep` on one run after the other. Which of them it was is seen nowhere in
what they find.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Final

from lrwatch.errors import InvalidArgument
from lrwatch.judging.kept import KeptVerdict, keep, packed, unpacked
from lrwatch.store import RunEntry
from lrwatch.store.mirroring.places import mirror_of

__all__ = ["MANY_RUNS", "Found", "Workers", "keep_all", "read_all"]

MANY_RUNS: Final = 100
"""So many runs to judge are worth processes of their own, which take a second or two to start."""

_AT_ONCE: Final = 20
"""Runs that a process is given at once."""

Found = tuple[RunEntry, KeptVerdict]


@dataclass(frozen=True, slots=True)
class Workers:
    """Who judges.

    Attributes
    ----------
    n_processes
        Processes of this machine for many runs; with 1 this process judges. ``None`` for one a
        processor.
    dask
        Address of a Dask scheduler, as ``tcp://host:8786``; empty for none. Its workers must
        reach the store at the same path.
    """

    n_processes: int | None = 1
    dask: str = ""

    def __post_init__(self) -> None:
        if self.n_processes is not None and self.n_processes < 1:
            raise InvalidArgument(f"processes must be 1 or more, got {self.n_processes}")

    def judge(self, entries: Sequence[RunEntry]) -> Iterator[Found]:
        """Judge runs; yield each with what was found, in any order.

        Raises
        ------
        MissingExtra, InvalidArgument
            If there is no Dask here, its scheduler does not answer, or its workers cannot do it.
        """
        if self.dask:
            from lrwatch.judging.on_dask import judge_on_dask

            return judge_on_dask(self.dask, entries, _AT_ONCE)
        n = _processors() if self.n_processes is None else self.n_processes
        if n > 1 and len(entries) >= MANY_RUNS:
            return _in_processes(entries, n)
        return ((entry, keep(entry)) for entry in entries)


def keep_all(entries: Sequence[RunEntry]) -> list[bytes]:
    """Judge runs of a store in another process; what cannot be sent is empty."""
    for entry in entries[:1]:  # one listing of a store at an address tells of all of its runs
        mirror_of(entry.store)
    return [_sent(keep(entry)) for entry in entries]


def read_all(entries: Iterable[RunEntry], answers: Iterable[bytes]) -> Iterator[Found]:
    """Yield runs with what `keep_all` found; one without an answer is judged here."""
    for entry, answer in zip(entries, answers, strict=True):
        yield entry, unpacked(answer, KeptVerdict) if answer else keep(entry)


def _sent(kept: KeptVerdict) -> bytes:
    try:
        return packed(kept)
    except ValueError:
        return b""


def _in_processes(entries: Sequence[RunEntry], n: int) -> Iterator[Found]:
    shares = [entries[i : i + _AT_ONCE] for i in range(0, len(entries), _AT_ONCE)]
    # A forked process would inherit the locks of pyarrow's threads as they are.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(n, len(shares)), context) as pool:
        waiting = {pool.submit(keep_all, share): share for share in shares}
        try:
            for done in as_completed(waiting):
                answers = done.result()
                yield from read_all(waiting.pop(done), answers)
        except BrokenProcessPool:
            # One was killed, for its memory say: what is left is judged here.
            for share in waiting.values():
                yield from ((entry, keep(entry)) for entry in share)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _processors() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return (os.cpu_count() or 1) if affinity is None else len(affinity(0))
