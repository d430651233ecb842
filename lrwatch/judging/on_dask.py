"""Runs judged by the workers of a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from lrwatch.errors import InvalidArgument, MissingExtra
from lrwatch.judging.judges import judges
from lrwatch.judging.kept import keep
from lrwatch.judging.workers import Found, keep_all, read_all
from lrwatch.store import RunEntry

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["judge_on_dask"]

_WAIT: Final = "10s"
"""For the scheduler's answer."""

_TRIES: Final = 2
"""Times that runs are handed out again when their worker has died; then they are judged here."""


def judge_on_dask(address: str, entries: Sequence[RunEntry], at_once: int) -> Iterator[Found]:
    """Judge runs on a cluster; yield each with what was found, in any order.

    Parameters
    ----------
    address
        Of the scheduler.
    entries
        The runs.
    at_once
        Runs that a worker is given at once.

    Raises
    ------
    MissingExtra
        If Dask is not installed here.
    InvalidArgument
        If the scheduler does not answer, or a worker does not see the runs where they are here,
        or has another version of lrwatch.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtra(
            "judging on Dask needs distributed; run pip install 'lrwatch[dask]'"
        ) from error
    if not entries:
        return
    try:
        client = Client(address, timeout=_WAIT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidArgument(
            f"no Dask scheduler answers at {address}; give the address that `dask scheduler` "
            "prints, as tcp://host:8786"
        ) from error
    with client:
        _check_workers(client, address, str(entries[0].path))
        yield from _judged(client, entries, at_once)


def _judged(client: Client, entries: Sequence[RunEntry], at_once: int) -> Iterator[Found]:
    from distributed import as_completed

    shares = [entries[i : i + at_once] for i in range(0, len(entries), at_once)]
    # Runs change: what was found in an earlier call must not stand for this one.
    futures = client.map(keep_all, shares, pure=False, retries=_TRIES)
    waiting = dict(zip(futures, shares, strict=True))
    del futures  # or the cluster would keep every answer until the last one
    for done in as_completed(list(waiting), loop=client.loop):
        share = waiting.pop(done)
        if done.status == "finished":
            yield from read_all(share, done.result())
        else:
            yield from ((entry, keep(entry)) for entry in share)


def _check_workers(client: Client, address: str, path: str) -> None:
    """Refuse workers whose answers would not be those that are given here."""
    try:
        found: dict[str, Any] = client.run(_seen, path)
    except Exception as error:
        raise InvalidArgument(
            f"the workers of {address} cannot load this lrwatch ({error}); install it there"
        ) from error
    if not found:
        raise InvalidArgument(f"{address} has no workers; start some with `dask worker {address}`")
    for worker, (version, is_there) in found.items():
        if version != judges():
            raise InvalidArgument(
                f"{worker} has another version of lrwatch and may judge otherwise; install the "
                "same one on every worker"
            )
        if not is_there:
            raise InvalidArgument(
                f"{worker} does not see {path}; the store must be at the same path on every worker"
            )


def _seen(path: str) -> tuple[str, bool]:
    return judges(), os.path.isdir(path)  # noqa: PTH112  a path of another machine
