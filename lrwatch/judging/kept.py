"""What is kept of a run that was judged: all that its rows came to, in a few kilobytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
import numpy as np

from lrwatch.finding import MetricSummary
from lrwatch.following import FollowedRun, RunSummary, judged
from lrwatch.following.loss_bins import N_BINS
from lrwatch.monitor import Monitor
from lrwatch.store import RunEntry
from lrwatch.verdicts import Diagnosis, Evidence

__all__ = ["EvidencePool", "KeptVerdict", "keep", "kept_of", "packed", "rested", "unpacked"]

_SHAPE: Final = (2, N_BINS)
_MOST_SHARED: Final = 20_000


@dataclass(frozen=True, slots=True)
class KeptVerdict:
    """What the rows of a run came to.

    Attributes
    ----------
    summary
        Its numbers.
    diagnosis
        The verdict on it by itself; ``None`` if it cannot be read.
    problem
        What of it cannot be read; empty if all can.
    damage
        How many rows were left out, in words; empty if none.
    metrics
        What its user's own metrics came to.
    """

    summary: RunSummary
    diagnosis: Diagnosis | None = None
    problem: str = ""
    damage: str = ""
    metrics: dict[str, MetricSummary] = field(default_factory=dict)


class EvidencePool:
    """Has runs share the evidence that is the same in many, which is most of what they take."""

    def __init__(self) -> None:
        self._seen: dict[Evidence, Evidence] = {}
        self._texts: dict[str, str] = {}

    def shared(self, evidence: Iterable[Evidence]) -> list[Evidence]:
        """Return the same evidence, of objects that others have where there are such."""
        if len(self._seen) > _MOST_SHARED:
            self._seen.clear()
            self._texts.clear()
        return [self._seen.get(each) or self._new(each) for each in evidence]

    def _new(self, each: Evidence) -> Evidence:
        known = self._texts.setdefault
        made = replace(each, name=known(each.name, each.name), note=known(each.note, each.note))
        return self._seen.setdefault(made, made)


def keep(entry: RunEntry) -> KeptVerdict:
    """Read and judge a run; one that cannot be read says why."""
    run = judged(entry)
    return kept_of(run)


def kept_of(run: FollowedRun[Any]) -> KeptVerdict:
    """Return what is kept of a run that is judged."""
    return KeptVerdict(
        run.summary, run.diagnosis, run.problem, run.damage, metrics=dict(run.metrics)
    )


def rested(entry: RunEntry, kept: KeptVerdict) -> FollowedRun[Any]:
    """Return the follower of a run that takes over what was kept; no row is read."""
    run: FollowedRun[Any] = FollowedRun(entry, lambda info: Monitor(total_steps=info.total_steps))
    if kept.diagnosis is not None:
        run.rest_on(kept.summary, kept.diagnosis)
        run.recall_metrics(kept.metrics)
    run.problem, run.damage = kept.problem, kept.damage
    return run


def packed(value: KeptVerdict | Diagnosis) -> bytes:
    """Return what was found in MessagePack, which keeps NaN and infinity.

    Raises
    ------
    ValueError
        If it holds what MessagePack does not know, as a number of 100 digits.
    """
    try:
        return msgspec.msgpack.encode(value, enc_hook=_plain)
    except (NotImplementedError, OverflowError, UnicodeError) as error:
        raise ValueError(f"cannot be kept: {error}") from error


def unpacked(content: bytes, kind: type[Any]) -> Any:
    """Return what `packed` was called on.

    Raises
    ------
    ValueError
        If it was not written by `packed`.
    """
    try:
        return msgspec.msgpack.decode(content, type=kind, dec_hook=_array)
    except (msgspec.MsgspecError, RecursionError, TypeError) as error:
        raise ValueError(f"not what was kept: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"a {type(value).__name__} has no short form")


def _array(kind: Any, plain: Any) -> Any:
    if not isinstance(plain, bytes):
        raise TypeError(f"{kind} is not read from {type(plain).__name__}")
    return np.frombuffer(plain, np.float64).reshape(_SHAPE).copy()
