"""Who judges which run: the memory, processes beside the server, or the server itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lrwatch_dashboard.data.follower import Follower
from lrwatch_dashboard.data.judges import Judges
from lrwatch_dashboard.data.verdict_memory import VerdictMemory

__all__ = ["Judging"]

MANY_RUNS: Final = 40
"""So many are worth a process of their own, which takes a second to start."""


class Judging:
    """Spares the server the runs that were judged before, or can be judged elsewhere.

    Parameters
    ----------
    root
        The store.
    cache
        Folder in which findings are remembered; None remembers none.
    judges
        Processes that judge settled runs.
    """

    def __init__(self, root: Path, cache: Path | None, judges: Judges) -> None:
        self._memory = VerdictMemory(cache, root)
        self._judges = judges
        self._left: set[str] = set()  # keys of runs that could not be judged elsewhere

    def recall(self, follower: Follower) -> None:
        """Have a run that is new here take over what was found on it before."""
        finding = self._memory.recall(follower.entry) if follower.is_settled() else None
        if finding is not None:
            follower.adopt(finding)

    def let_rest(self, follower: Follower) -> None:
        """Remember what was found on a run once it is settled."""
        finding = follower.rest()
        if finding is not None:
            self._memory.keep(follower.entry, finding)

    def hand_out(self, waiting: list[Follower], wanted: str) -> list[Follower]:
        """Have settled runs judged elsewhere if they are many; return those to judge here.

        Parameters
        ----------
        waiting
            Runs that need work.
        wanted
            Key of a run that somebody looks at, which is judged here and now.
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

        Parameters
        ----------
        followers
            The runs, by key.
        seconds
            How long to wait if nothing was judged yet.
        """
        for entry, finding in self._judges.answers(seconds):
            follower = followers.get(entry.key)
            if follower is None or follower.entry != entry or follower.diagnosis is not None:
                continue
            if finding is None:
                self._left.add(entry.key)  # judged here, where its problem is seen
                continue
            follower.adopt(finding)
            self._memory.keep(entry, finding)
        return self._judges.is_busy

    def listed(self) -> None:
        """Give back the memory of what was recalled: each run has taken what it needs."""
        self._memory.forget()

    def write(self) -> None:
        """Write down what is to be remembered."""
        self._memory.flush()
