"""Who changes what is said of runs and alerts, and what is written down of that.

A command acts for the user of the operating system. A server says for each request who asks:
everything below it, in the same thread, then acts for that person.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from lrwatch.errors import NotAllowed
from lrwatch.system import user_name

__all__ = ["ROLES", "Activity", "Actor", "Role", "acting", "current_actor", "editor", "in_words"]

Role = Literal["reader", "editor"]
"""A reader sees everything and changes nothing; an editor may also change what people say."""

ROLES: Final[tuple[Role, ...]] = ("reader", "editor")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts.

    Attributes
    ----------
    user
        Name; empty if nobody knows it.
    role
        What they may do.
    via
        ``"command"`` or ``"dashboard"``.
    """

    user: str = ""
    role: Role = "editor"
    via: str = "command"

    @property
    def signed_in(self) -> str:
        """The name by which they signed in to a dashboard; empty if they did not."""
        return self.user if self.via == "dashboard" else ""


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that somebody did.

    Attributes
    ----------
    time
        When, in UTC: ``2026-11-27T09:30:00Z``.
    user, role, via
        Who did it, as `Actor` has it.
    action
        A word such as ``tag``, ``rename``, ``delete`` or ``silence``.
    run
        Path of the run in the store; empty if it was about more than one.
    before, after
        What was changed, in small.
    """

    time: str
    action: str
    user: str = ""
    role: str = ""
    via: str = ""
    run: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    @property
    def at(self) -> float:
        """When, in seconds since the Unix epoch; NaN if the text is no time."""
        try:
            said = datetime.fromisoformat(self.time)
            return said.replace(tzinfo=said.tzinfo or UTC).timestamp()
        except (OverflowError, ValueError):
            return math.nan


_WORDS: Final[Mapping[str, str]] = {
    "pin": "pinned",
    "unpin": "unpinned",
    "archive": "archived",
    "unarchive": "taken out of the archive",
    "delete": "deleted",
    "restore": "taken back",
    "purge": "removed for good",
    "acknowledge": "alert acknowledged",
}

_ACTOR: ContextVar[Actor | None] = ContextVar("lrwatch_actor", default=None)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Act for somebody until the end of the context."""
    before = _ACTOR.set(actor)
    try:
        yield
    finally:
        _ACTOR.reset(before)


def current_actor() -> Actor:
    """Return who acts here: whoever was named, else the user of the operating system."""
    return _ACTOR.get() or Actor(user_name())


def editor() -> Actor:
    """Return who acts here, if they may change what people say.

    Raises
    ------
    NotAllowed
        If they may only look.
    """
    actor = current_actor()
    if actor.role != "editor":
        raise NotAllowed(
            f"only an editor may do that, and {actor.user or 'who asks'} is a reader; "
            "ask whoever runs this dashboard"
        )
    return actor


def in_words(done: Activity) -> str:
    """Return what was done, without who did it and to which run.

    Examples
    --------
    >>> in_words(Activity("", "tag", before={"tags": ["old"]}, after={"tags": ["keep", "good"]}))
    'tagged keep, good; untagged old'
    >>> in_words(Activity("", "rename", after={"name": "the one"}))
    'renamed to the one'
    """
    if done.action == "tag":
        changes = (("tagged", done.after), ("untagged", done.before))
        said = [f"{word} {tags}" for word, of in changes if (tags := _list(of.get("tags")))]
        return "; ".join(said)
    if done.action == "rename":
        name = done.after.get("name")
        return f"renamed to {name}" if name else "name taken back"
    if done.action == "note":
        return "note written" if done.after.get("note") else "note removed"
    if done.action in ("silence", "unsilence"):
        of = done.after or done.before
        rule = str(of.get("rule", "every alert"))
        what = f"{rule.replace('_', ' ')} on {of.get('runs', 'every run')}"
        if done.action == "unsilence":
            return f"silence of {what} ended"
        return f"{what} silenced until {of.get('until')}"
    return _WORDS.get(done.action, done.action)


def _list(tags: Any) -> str:
    return ", ".join(map(str, tags)) if isinstance(tags, list) else ""
