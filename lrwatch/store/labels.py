"""``labels.json`` beside a run: what people said of it; replaced atomically, read by anybody.

No training process writes it, so that it may change while the run is written. Fields that another
program put there stay.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from lrwatch.activity import Actor, editor
from lrwatch.codec import decode
from lrwatch.errors import InvalidArgument, RunBusy, RunNotFound, RunUnreadable
from lrwatch.formats import printable
from lrwatch.plain_files import locked, read_file, write_whole
from lrwatch.store.activity_log import log_activity
from lrwatch.store.layout import LABELS, is_run
from lrwatch.store.mirroring.places import known_as, mirror_of

__all__ = ["LONGEST_NOTE", "RunLabels", "change_labels", "read_labels", "tagged"]

LONGEST_NAME: Final = 200
LONGEST_TAG: Final = 60
MOST_TAGS: Final = 40
LONGEST_NOTE: Final = 20_000
_MOST_BYTES: Final = 2**18
_FORMAT: Final = 1
_LOCK: Final = ".labels.lock"
_PATIENCE_SECONDS: Final = 5.0
_NOT_IN_TAGS: Final = frozenset(' \t\r\n",/\\:=<>!')


@dataclass(frozen=True, slots=True)
class RunLabels:
    """What people said of a run.

    Attributes
    ----------
    name
        What it is to be called; empty for what it was called when it was made.
    tags
        Words, each once.
    note
        Markdown.
    pinned, archived
        Whether lists show it first, and whether they leave it out.
    """

    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    pinned: bool = False
    archived: bool = False

    def checked(self) -> RunLabels:
        """Return this, if a run may be given it.

        Raises
        ------
        InvalidArgument
            If not: what was given, and what is allowed.
        """
        if len(self.name) > LONGEST_NAME or printable(self.name) != self.name:
            raise InvalidArgument(
                f"a name has at most {LONGEST_NAME} printable characters, got {self.name!r:.80}"
            )
        for tag in self.tags:
            if not _is_tag(tag):
                raise InvalidArgument(
                    f"a tag has 1 to {LONGEST_TAG} characters, none of them a blank or one of "
                    f', / \\ : = < > ! ", and no - at its start; got {tag!r:.80}'
                )
        if len(self.tags) > MOST_TAGS:
            raise InvalidArgument(f"a run has at most {MOST_TAGS} tags, got {len(self.tags)}")
        if len(self.note) > LONGEST_NOTE:
            raise InvalidArgument(
                f"a note has at most {LONGEST_NOTE} characters, got {len(self.note)}"
            )
        return self


def tagged(
    labels: RunLabels, *, add: tuple[str, ...] = (), drop: tuple[str, ...] = ()
) -> RunLabels:
    """Return labels with tags added at the end, and others taken away.

    Examples
    --------
    >>> tagged(RunLabels(tags=("old", "a")), add=("keep", "a"), drop=("old",)).tags
    ('a', 'keep')
    """
    tags = dict.fromkeys((*labels.tags, *add))
    return replace(labels, tags=tuple(tag for tag in tags if tag not in drop))


def read_labels(run: Path) -> RunLabels:
    """Return what was said of a run; of a file that cannot be read, nothing."""
    try:
        return _labels(_decoded(run, _read(run)))
    except RunUnreadable:
        return RunLabels()


def change_labels(run: Path, change: Callable[[RunLabels], RunLabels]) -> RunLabels:
    """Change what is said of a run, and return it; of two who do so at once, both are heard.

    Who did it is written down.

    Raises
    ------
    NotAllowed
        If who acts here may only look.
    InvalidArgument
        If the change is not allowed.
    RunNotFound
        If there is no run.
    RunUnreadable
        If the file is damaged; it is left as it is.
    RunBusy
        If somebody else changes it all the time.
    OSError
        If it cannot be written, or the run is at an address that cannot be reached.
    """
    actor = editor()
    if not is_run(run):
        raise RunNotFound(f"there is no run at {known_as(run)}")
    edit = _Edit(run, change)
    if mirror := mirror_of(run):
        from lrwatch.store.mirroring.changing import change_object

        change_object(mirror, run / LABELS, edit)
    else:
        _edit_file(run, edit)
    _log(run.absolute(), actor, edit.before, edit.after)
    return edit.after


class _Edit:
    """Makes a change in the file, perhaps again in what another put there meanwhile."""

    def __init__(self, run: Path, change: Callable[[RunLabels], RunLabels]) -> None:
        self._run, self._change = run, change
        self.before = self.after = RunLabels()

    def __call__(self, text: bytes | None) -> bytes:
        """Return the file with the change."""
        content = _decoded(self._run, text)
        self.before = _labels(content)
        self.after = self._change(self.before).checked()
        content |= {"format": _FORMAT, **asdict(self.after)}
        return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode("utf-8", "replace")


def _edit_file(run: Path, edit: _Edit) -> None:
    try:
        with locked(run / _LOCK, patience=_PATIENCE_SECONDS):
            write_whole(run / LABELS, edit(_read(run)))
    except BlockingIOError as error:
        raise RunBusy(f"{LABELS} of {known_as(run)} is being changed; try again") from error


def _log(run: Path, actor: Actor, before: RunLabels, after: RunLabels) -> None:
    """Write down each thing that was changed."""
    tags = [tag for tag in before.tags if tag not in after.tags]
    new_tags = [tag for tag in after.tags if tag not in before.tags]
    pin, archive = "pin" if after.pinned else "unpin", "archive" if after.archived else "unarchive"
    changes: list[tuple[str, Any, Any]] = [
        ("rename", {"name": before.name}, {"name": after.name}),
        ("tag", {"tags": tags}, {"tags": new_tags}),
        ("note", {"note": before.note}, {"note": after.note}),
        (pin, {"pinned": before.pinned}, {"pinned": after.pinned}),
        (archive, {"archived": before.archived}, {"archived": after.archived}),
    ]
    for action, was, now in changes:
        if was != now:
            log_activity(run.parent, actor, action, run=run.name, before=was, after=now)


def _read(run: Path) -> bytes | None:
    with _reading(run):
        return read_file(run / LABELS, most=_MOST_BYTES)


def _decoded(run: Path, text: bytes | None) -> dict[str, Any]:
    """Return the fields of the file, with those that lrwatch does not know."""
    with _reading(run):
        if text is not None and len(text) > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES:,} bytes")
        content = {} if text is None else decode(text, dict[str, Any])
        version = content.get("format", _FORMAT)
        if not isinstance(version, int) or version > _FORMAT:
            raise ValueError(f"it has format {version!r:.20}, this lrwatch reads {_FORMAT}")
        return content


@contextlib.contextmanager
def _reading(run: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise RunUnreadable(
            f"{LABELS} of {known_as(run)} cannot be read: {said}; move it away"
        ) from error


def _labels(content: dict[str, Any]) -> RunLabels:
    """Return what counts of the fields: others may have written anything."""
    name, note, tags = (content.get(key) for key in ("name", "note", "tags"))
    known = [tag for tag in tags if _is_tag(tag)] if isinstance(tags, list) else []
    return RunLabels(
        name=printable(name)[:LONGEST_NAME].strip() if isinstance(name, str) else "",
        tags=tuple(dict.fromkeys(known))[:MOST_TAGS],
        note=note[:LONGEST_NOTE] if isinstance(note, str) else "",
        pinned=content.get("pinned") is True,
        archived=content.get("archived") is True,
    )


def _is_tag(tag: Any) -> bool:
    return (
        isinstance(tag, str)
        and 0 < len(tag) <= LONGEST_TAG
        and not tag.startswith("-")
        and not _NOT_IN_TAGS & set(tag)
        and tag.isprintable()
    )
