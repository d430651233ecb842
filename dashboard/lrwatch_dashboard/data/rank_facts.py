"""What the Run page says of the processes of a job; looked up for the run that is shown alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from lrwatch.errors import LrwatchError
from lrwatch.ranks import said_of_ranks

__all__ = ["RankFacts"]

_SECONDS: Final = 10.0  # for which an answer is kept: there may be files of a thousand processes


class RankFacts:
    """Answers for one run after the other, and remembers the last answer for a while."""

    def __init__(self) -> None:
        self._last: tuple[Path, float, str] | None = None

    def of(self, run: Path) -> str:
        """Return what there is to say of a run's ranks; empty where it has none."""
        last, now = self._last, time.monotonic()
        if last is not None and last[0] == run and now - last[1] < _SECONDS:
            return last[2]
        try:
            said = said_of_ranks(run)
        except (LrwatchError, OSError):
            said = ""
        self._last = run, now, said
        return said
