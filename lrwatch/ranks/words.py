"""What there is to say of the processes of a job: who failed, who stopped, who is slow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from lrwatch.formats import count, counted, number
from lrwatch.ranks.reading import RankState, paces, rank_states

__all__ = ["said_of_ranks"]

_SLOW: Final = 1.2  # times the median
_LATE_SECONDS: Final = 30.0  # without a step, after which it is said who holds up the others
_MOST: Final = 3  # ranks that are named
_FEW: Final = 2


def said_of_ranks(run: Path) -> str:
    """Return in a line how the processes of a run's last start are; empty where nobody knows."""
    states = rank_states(run)
    if not states:
        return ""
    n_ranks = max(len(states), *(state.n_ranks for state in states))
    parts = [counted(n_ranks, "rank")]
    if n_ranks > len(states):
        parts.append(f"{n_ranks - len(states)} of them not seen")
    trouble = _ended(states) or _stopped(states) or _waited_for(states)
    parts += [trouble] if trouble else []
    if pace := _slowest(run):
        parts.append(pace)
    return "; ".join(parts)


def _ended(states: Sequence[RankState]) -> str:
    failed = sorted((s for s in states if s.status == "failed"), key=lambda s: s.told)
    if not failed:
        return ""
    killed = [s for s in states if s.is_gone and s.status == "running"]
    if killed and len(killed) < len(states):  # others fail for want of it
        return f"{_named(killed)} ended without a word {_after(killed[0])}; {_named(failed)} failed"
    first, *others = failed
    said = f"rank {first.rank} failed {_after(first)}" + (f": {first.error}" if first.error else "")
    return said + (f"; then {_named(others)}" if others else "")


def _stopped(states: Sequence[RankState]) -> str:
    """Say which ranks made no more steps while others did, or are gone while others are there."""
    steps = [-1 if state.step is None else state.step for state in states]
    # Within a step ranks wait for each other, so that one that is dead holds up all of them.
    behind = [
        state
        for state, step in zip(states, steps, strict=True)
        if step < max(steps) - 1 and state.status == "running"
    ]
    gone = [s for s in states if s.is_gone and s.status == "running"]
    if behind:
        least = min(behind, key=lambda s: -1 if s.step is None else s.step)
        return (
            f"{_named(behind)} stopped {_after(least)}, others went on to step {count(max(steps))}"
        )
    if gone and len(gone) == len(states):
        return f"all of them stopped {_after(max(gone, key=lambda s: s.step or -1))}"
    return (
        f"{_named(gone)} {'is' if len(gone) == 1 else 'are'} gone {_after(gone[0])}" if gone else ""
    )


def _waited_for(states: Sequence[RankState]) -> str:
    """Say which ranks the others wait for: they have not come to the `backward` that those did."""
    alive = [state for state in states if state.status == "running"]
    late = [state for state in alive if not state.is_in_backward]
    is_held_up = all(s.told - s.time > _LATE_SECONDS for s in alive)
    if not late or len(late) == len(alive) or not is_held_up:
        return ""
    return (
        f"{_named(late)} {'has' if len(late) == 1 else 'have'} not come to `backward`, others wait"
    )


def _slowest(run: Path) -> str:
    known = paces(run)
    seconds = known["seconds_to_backward"]
    if np.isfinite(seconds).sum() < _FEW:
        return ""
    slowest = int(np.nanargmax(seconds))
    ratio = float(seconds[slowest] / np.nanmedian(np.delete(seconds, slowest)))
    if not _SLOW <= ratio < float("inf"):
        return ""
    return (
        f"rank {int(known['rank'][slowest])} is slowest: {number(float(seconds[slowest]), 3)} s "
        f"for data and forward, {number(ratio, 2)} times the median of the others"
    )


def _after(state: RankState) -> str:
    return "before its first step" if state.step is None else f"after step {count(state.step)}"


def _named(states: Sequence[RankState]) -> str:
    shown = [str(rank) for rank in sorted(state.rank for state in states)[:_MOST]]
    more = len(states) - len(shown)
    word = "rank" if len(states) == 1 else "ranks"
    return f"{word} {', '.join(shown)}" + (f" and {count(more)} more" if more else "")
