"""What the pages may write about runs: labels, and runs thrown away and taken back.

Runs are looked up by the key under which they are listed, and no key is ever joined to a path.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from lrwatch.activity import current_actor, editor
from lrwatch.errors import LrwatchError
from lrwatch.formats import counted
from lrwatch.store.labels import RunLabels, change_labels, tagged
from lrwatch.store.trash import KEPT_DAYS, ThrownAway, take_back, throw_away
from lrwatch_dashboard.views import LabelChange

__all__ = ["READ_ONLY", "LabelDesk", "problem_of"]

_MOST_KEPT: Final = 50  # receipts of what was thrown away, to undo it
READ_ONLY: Final = "This dashboard is read-only (--read-only)"


class LabelDesk:
    """Changes what is said of the runs of a store; a `lrwatch_dashboard.views.LabelSource`.

    Parameters
    ----------
    path_of
        Folder of a run by its key; None if there is no such run.
    changed
        Called when something was written.
    is_read_only
        Whether nothing may be.
    """

    def __init__(
        self,
        path_of: Callable[[str], Path | None],
        changed: Callable[[], None],
        *,
        is_read_only: bool = False,
    ) -> None:
        self._is_read_only = is_read_only
        self._path_of, self._changed = path_of, changed
        self._lock = threading.Lock()
        self._thrown: dict[str, list[ThrownAway]] = {}

    @property
    def is_read_only(self) -> bool:
        """Whether who asks now may write nothing."""
        return self._is_read_only or current_actor().role == "reader"

    def label(self, keys: Sequence[str], change: LabelChange) -> str:
        """Change what is said of runs; return why that cannot be done, and nothing if it was."""

        def changed(said: RunLabels) -> RunLabels:
            said = tagged(said, add=change.add_tags, drop=change.drop_tags)
            given = {
                name: value
                for name in ("name", "note", "pinned", "archived")
                if (value := getattr(change, name)) is not None
            }
            return replace(said, **given)

        return self._each(keys, lambda run: change_labels(run, changed))

    def throw_away(self, keys: Sequence[str]) -> tuple[str, str]:
        """Throw runs away; return what cannot be done, and what takes back the rest."""
        thrown: list[ThrownAway] = []
        problem = self._each(keys, lambda run: thrown.append(throw_away(run)), refused=".")
        if not thrown:
            return problem, ""
        receipt = uuid.uuid4().hex
        with self._lock:
            self._thrown[receipt] = thrown
            while len(self._thrown) > _MOST_KEPT:
                self._thrown.pop(next(iter(self._thrown)))
        return problem, receipt

    def take_back(self, receipt: str) -> str:
        """Take back what was thrown away; return why that cannot be done, or nothing."""
        if self._is_read_only:
            return READ_ONLY
        may_not = problem_of(editor)
        if may_not:
            return may_not
        with self._lock:
            thrown = self._thrown.pop(receipt, [])
        if not thrown:
            return (
                f"Not known here any more; lrwatch rm --undo takes runs back for {KEPT_DAYS} days"
            )
        problems = [problem_of(partial(take_back, one.run, one.held)) for one in thrown]
        self._changed()
        return "; ".join(filter(None, problems))

    def _each(
        self, keys: Sequence[str], act: Callable[[Path], object], *, refused: str = ""
    ) -> str:
        if self._is_read_only:
            return READ_ONLY
        paths = [(key, self._path_of(key)) for key in dict.fromkeys(keys)]
        problems = [
            problem_of(partial(act, path)) if path and key != refused else f"No run {key}"
            for key, path in paths
        ]
        self._changed()
        found = [problem for problem in problems if problem]
        more = f" (and {counted(len(found) - 1, 'other')})" if len(found) > 1 else ""
        return found[0] + more if found else ""


def problem_of(act: Callable[[], object]) -> str:
    """Do something in a store; return why that cannot be done, and nothing if it was."""
    try:
        act()
    except LrwatchError as error:
        text = str(error)
        return text[:1].upper() + text[1:]
    except OSError as error:
        return f"Cannot write to the folder of runs ({error.strerror or error})"
    return ""
