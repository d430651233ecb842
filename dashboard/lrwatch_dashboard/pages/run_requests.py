"""What the Overview is asked to do to runs: label, pin, archive, delete, and undo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lrwatch.formats import counted
from lrwatch_dashboard.views import LabelChange, LabelSource

__all__ = ["answered"]

_MOST_RUNS: Final = 5000
_CHANGES: Final[Mapping[str, tuple[LabelChange, str, str]]] = {
    "pin": (LabelChange(pinned=True), "Pinned", "unpin"),
    "unpin": (LabelChange(pinned=False), "Unpinned", "pin"),
    "archive": (LabelChange(archived=True), "Archived", "unarchive"),
    "unarchive": (LabelChange(archived=False), "Back in the table:", "archive"),
}

Answer = tuple[str, dict[str, Any] | None]
"""What came of it, and what to ask for to undo it."""


def answered(source: LabelSource, asked: Mapping[str, Any]) -> Answer:
    """Do what the page asks for; return what came of it, and how to undo it.

    It asks ``do``: ``pin``, ``archive``, their opposites, ``label`` or ``delete``, of ``runs``, a
    list of keys; or ``restore``, of a ``receipt``. Nothing of it is taken on trust.
    """
    does, runs = str(asked.get("do")), asked.get("runs", [])
    if does == "restore":
        return source.take_back(str(asked.get("receipt", ""))) or "Taken back", None
    if not isinstance(runs, list) or not runs or len(runs) > _MOST_RUNS:
        return "Select a run first", None
    keys = [str(key) for key in runs]
    n_runs = counted(len(keys), "run")
    if does == "delete":
        problem, receipt = source.throw_away(keys)
        undo = {"do": "restore", "receipt": receipt} if receipt else None
        return problem or f"Deleted {n_runs}", undo
    if does == "label":
        return source.label(keys, _change(asked)) or f"Saved {n_runs}", None
    if does in _CHANGES:
        change, said, opposite = _CHANGES[does]
        problem = source.label(keys, change)
        return (problem, None) if problem else (f"{said} {n_runs}", {"do": opposite, "runs": keys})
    return "Unknown request", None


def _change(asked: Mapping[str, Any]) -> LabelChange:
    def text(name: str) -> str | None:
        value = asked.get(name)
        return value.strip() if isinstance(value, str) else None

    return LabelChange(
        add_tags=tuple((text("add") or "").replace(",", " ").split()),
        drop_tags=tuple((text("drop") or "").replace(",", " ").split()),
        name=text("name"),
        note=text("note"),
    )
