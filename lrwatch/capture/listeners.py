"""Who listens to a function of torch; the function is replaced only while somebody does."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["Listeners", "Replaced"]

T = TypeVar("T")


class Listeners(Generic[T]):
    """Listeners that are not kept alive.

    Parameters
    ----------
    install
        Called when the first one joins.
    restore
        Called when the last one has left or was collected.
    """

    def __init__(self, install: Callable[[], None], restore: Callable[[], None]) -> None:
        # A plain list of references: going through a WeakSet costs more than the listening.
        self._references: list[weakref.ref[T]] = []
        self._install = install
        self._restore = restore

    def live(self) -> list[T]:
        """Return those who listen."""
        return [one for ref in self._references if (one := ref()) is not None]

    def add(self, listener: T) -> None:
        """Have `listener` join."""
        if not self._references:
            self._install()
        self._references.append(weakref.ref(listener, self._remove))

    def discard(self, listener: T) -> None:
        """Have `listener` leave; one that is not there may leave too."""
        for reference in [ref for ref in self._references if ref() is listener]:
            self._remove(reference)

    def _remove(self, reference: weakref.ref[T]) -> None:
        # A new list: the old one may be gone through at this moment.
        self._references = [ref for ref in self._references if ref is not reference]
        if not self._references:
            self._restore()


class Replaced:
    """Functions of torch that are replaced for a while."""

    def __init__(self) -> None:
        self._originals: dict[tuple[Any, str], Any] = {}

    def __bool__(self) -> bool:
        """Whether any is."""
        return bool(self._originals)

    def replace(self, place: Any, name: str, wrapper: Callable[[Any], Any]) -> None:
        """Put what `wrapper` makes of a function in its place; nothing if there is none."""
        if (original := getattr(place, name, None)) is not None:
            self._originals[place, name] = original
            setattr(place, name, wrapper(original))

    def restore(self) -> None:
        """Leave torch as it was."""
        for (place, name), original in self._originals.items():
            setattr(place, name, original)
        self._originals.clear()
