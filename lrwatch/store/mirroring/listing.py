"""What a storage holds of runs: listed page by page, whatever else lies there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from lrwatch.formats import count, counted, printable
from lrwatch.storage.door import Storage, StoredObject
from lrwatch.store.mirroring.names import is_beside, is_holdable, place_of

__all__ = ["Listing", "RunObjects", "list_objects"]

logger = logging.getLogger("lrwatch")

RunObjects: TypeAlias = Mapping[str, Mapping[str, StoredObject]]
"""Objects by the run's path in the store, and by their place within the run."""


class Listing(NamedTuple):
    """What there is of runs, and what people said and did beside them, by key."""

    runs: RunObjects
    beside: Mapping[str, StoredObject]


_MOST_KEYS: Final = 2_000_000
"""Objects that a listing looks at, so that one without an end ends."""

_PAGE: Final = 1_000
"""So many hidden objects in a row are worth a request that begins after all of them."""


def list_objects(
    storage: Storage, say: Callable[[str], None], *, run: str = "", ignores_case: bool = False
) -> Listing:
    """List the files of runs, and what is kept beside them.

    Parameters
    ----------
    storage
        Where.
    say
        Told what was left out.
    run
        Only this one, and what is below it; empty for all.
    ignores_case
        Whether names that differ in capitals are one name on this machine.
    """
    found: dict[str, dict[str, StoredObject]] = {}
    beside: dict[str, StoredObject] = {}
    n_unsafe, said = 0, ""
    spelt: dict[str, str] = {}
    for item in _visible(storage, f"{run}/" if run else "", say):
        place = place_of(item.key)
        if place is None:
            if is_beside(item.key):
                beside[item.key] = item
            continue
        is_unsafe = place.run not in found and not all(map(is_holdable, _levels(place.run)))
        folded = item.key.casefold() if ignores_case else item.key
        if is_unsafe or spelt.setdefault(folded, item.key) != item.key:
            n_unsafe, said = n_unsafe + 1, said or item.key
            continue
        found.setdefault(place.run, {})[place.file] = item
    if n_unsafe:
        say(
            f"{storage.address}: {counted(n_unsafe, 'object')} left out, whose names this machine "
            f"cannot hold; the first is {printable(said)!r:.120}"
        )
    return Listing(found, beside)


def _visible(storage: Storage, prefix: str, say: Callable[[str], None]) -> Iterator[StoredObject]:
    """Yield the objects that are in no folder whose name begins with a dot, such as the trash."""
    after, n_seen = "", 0
    while True:
        hidden, n_hidden = "", 0
        for item in storage.list(prefix, after=after):
            n_seen += 1
            if n_seen > _MOST_KEYS:
                say(f"{storage.address} holds more than {count(_MOST_KEYS)} objects; "
                    "the others are not looked at")  # fmt: skip
                return
            above = _hidden_folder(item.key)
            if not above or is_beside(item.key):
                yield item
                continue
            hidden, n_hidden = above, n_hidden + 1 if above == hidden else 1
            if n_hidden == _PAGE:
                break
        else:
            return
        after = f"{hidden}0"  # the sign after the slash


def _hidden_folder(key: str) -> str:
    """Return the first folder above an object whose name begins with a dot, with those above it."""
    parts = key.split("/")
    for n, part in enumerate(parts[:-1], 1):
        if part.startswith("."):
            return "/".join(parts[:n])
    return ""


def _levels(run: str) -> list[str]:
    return run.split("/") if run else []
