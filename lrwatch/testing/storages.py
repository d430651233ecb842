"""The suite that every storage must pass, ours and those of other packages.

::

    from lrwatch.testing.storages import STORAGE_CHECKS

    @pytest.mark.parametrize("check", STORAGE_CHECKS, ids=lambda check: check.__name__)
    def test_my_storage(check):
        check(MyStorage("mine://a/new/and/empty/place"))

Each check takes a storage, empty or used by earlier checks, writes below a name of its own, and
raises `AssertionError` where the storage falls short. It needs no test runner.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from lrwatch.errors import InvalidArgument, ObjectChanged, ObjectMissing
from lrwatch.storage import NEW, Expected, Storage, StoredObject

__all__ = ["STORAGE_CHECKS", "check_storage"]

_MANY: Final = 1_020  # more than a page of S3
_RACERS: Final = 4
_ROUNDS: Final = 5
_ODD: Final = (
    "sgd 0.1, wd=0/run.json",
    "50% #1 [a]{b}~^`+&=;@!$'()/x",
    "größe/模型/😀.json",
    "per%2Fcent%20/x",
    ".hidden/.name",
    "-/_",
    f"{'long' * 50}/x",
)


def check_storage(storage: Storage) -> None:
    """Run every check; raises `AssertionError` at the first that fails."""
    for check in STORAGE_CHECKS:
        check(storage)


def has_an_address(storage: Storage) -> None:
    """Say where it is, in a line."""
    _require(storage.address.isprintable() and storage.address, f"address: {storage.address!r}")


def reads_what_was_written(storage: Storage) -> None:
    """Give the bytes back, the newest ones, and those of empty objects."""
    key = f"{_place()}/a/b"
    for content in (b"first", b"", bytes(range(256)) * 1000, b"last"):
        stored = storage.write(key, content)
        _require(storage.read(key) == content, f"{len(content)} bytes are read as others")
        _require((stored.key, stored.size) == (key, len(content)), f"writing gives {stored}")


def reads_ranges(storage: Storage) -> None:
    """Give a part of an object: what there is of it, where it ends after the object."""
    key = f"{_place()}/x"
    storage.write(key, b"0123456789")
    for start, stop in ((0, 4), (3, 7), (3, None), (8, 99), (4, 4), (0, None)):
        found = storage.read(key, start=start, stop=stop)
        _require(found == b"0123456789"[start:stop], f"from {start} to {stop}: {found!r}")


def says_that_an_object_is_missing(storage: Storage) -> None:
    """Raise `ObjectMissing` for what is not there, and for what was removed."""
    place = _place()
    storage.write(f"{place}/x", b"x")
    storage.remove([f"{place}/x"])
    for key in (f"{place}/x", f"{place}/never/was", place):
        try:
            storage.read(key)
        except ObjectMissing:
            continue
        raise AssertionError(f"{key} is read, and is not there")


def removes_what_is_there(storage: Storage) -> None:
    """Pass over what is not there, and remove the others of the same call."""
    place = _place()
    for name in ("a", "b", "c"):
        storage.write(f"{place}/{name}", b"x")
    storage.remove([f"{place}/none", f"{place}/a", f"{place}/nor/this", f"{place}/c"])
    storage.remove([])
    _require(_keys(storage.list(f"{place}/")) == [f"{place}/b"], "others are left")


def writes_new_once(storage: Storage) -> None:
    """Write what must be new once, and change nothing the second time."""
    key = f"{_place()}/x"
    storage.write(key, b"first", expected=NEW)
    _refused(storage, key, NEW)
    _require(storage.read(key) == b"first", "what is there was changed")
    storage.remove([key])
    storage.write(key, b"again", expected=NEW)


def replaces_a_version_once(storage: Storage) -> None:
    """Replace the version that is expected, and no other: a stale one, or what is gone."""
    key = f"{_place()}/x"
    first = storage.write(key, b"first")
    second = storage.write(key, b"second", expected=first)
    _require(second.version != first.version, "two contents have one version")
    _refused(storage, key, first)
    _require(storage.read(key) == b"second", "what is there was changed")
    storage.remove([key])
    _refused(storage, key, second)
    _require(not _keys(storage.list(key)), "an object that was removed is there again")


def lists_the_versions_that_writing_gave(storage: Storage) -> None:
    """List an object with the version that it may be replaced by, and with its size."""
    key = f"{_place()}/x"
    stored = storage.write(key, b"first")
    (listed,) = storage.list(key)
    _require((listed.version, listed.size) == (stored.version, 5), f"{listed}, not {stored}")
    _require(listed.modified > 0, "it has no time")
    storage.write(key, b"second", expected=listed)


def lets_one_of_many_claim(storage: Storage) -> None:
    """Let one of several writers have a new key."""
    for _ in range(_ROUNDS):
        key = f"{_place()}/run.json"
        won = _race(storage, key, NEW)
        _require(len(won) == 1, f"{len(won)} of {_RACERS} writers have made the same new object")
        _require(storage.read(key) == str(won[0]).encode(), "the content is of one that lost")


def lets_one_of_many_replace(storage: Storage) -> None:
    """Let one of several writers replace a version."""
    key = f"{_place()}/run.json"
    for i in range(_ROUNDS):
        there = storage.write(key, f"before {i}".encode())
        won = _race(storage, key, there)
        _require(len(won) == 1, f"{len(won)} of {_RACERS} writers have replaced one version")
        _require(storage.read(key) == str(won[0]).encode(), "the content is of one that lost")


def lists_in_order(storage: Storage) -> None:
    """List by the order of keys, what a prefix says, in folders and below; and after a key."""
    place = _place()
    names = ["a b/x", "a-b/x", "a.json", "a/run.json", "a/steps/1", "a/steps/2", "aa", "b/x"]
    for name in reversed(names):
        storage.write(f"{place}/{name}", b"x")
    every = [f"{place}/{name}" for name in sorted(names)]
    for prefix in ("", "a", "a/", "a/st", "a/steps/", "b", "none", "a/run.json"):
        expected = [key for key in every if key.startswith(f"{place}/{prefix}")]
        found = _keys(storage.list(f"{place}/{prefix}"))
        _require(found == expected, f"{prefix!r} lists {found}")
        for after in every:
            found = _keys(storage.list(f"{place}/{prefix}", after=after))
            rest = [key for key in expected if key > after]
            _require(found == rest, f"{prefix!r} after {after} lists {found}")


def keeps_odd_keys(storage: Storage) -> None:
    """Keep keys as they are: blanks, signs of addresses, letters of every script."""
    place = _place()
    for key in _ODD:
        storage.write(f"{place}/{key}", key.encode(), expected=NEW)
        _require(storage.read(f"{place}/{key}") == key.encode(), f"{key} is read as another")
    found = _keys(storage.list(f"{place}/"))
    _require(found == sorted(f"{place}/{key}" for key in _ODD), f"listed as {found}")
    storage.remove(f"{place}/{key}" for key in _ODD)
    _require(not _keys(storage.list(f"{place}/")), "some are still there")


def refuses_keys_that_lead_elsewhere(storage: Storage) -> None:
    """Refuse keys with empty parts, dots and control characters, which some would change."""
    for key in ("", "/x", "x/", "a//b", "../x", "a/../b", "./x", "a/.", "a\nb", "a\x00b"):
        for call in (storage.read, lambda key: storage.write(key, b"x")):
            try:
                call(key)
            except InvalidArgument:
                continue
            raise AssertionError(f"the key {key!r} is taken")


def lists_more_than_a_page(storage: Storage) -> None:
    """List and remove more objects than fit in a page."""
    place = _place()
    keys = [f"{place}/{i:05d}" for i in range(_MANY)]
    with ThreadPoolExecutor(_RACERS) as pool:
        list(pool.map(lambda key: storage.write(key, b""), keys))
    _require(_keys(storage.list(f"{place}/")) == keys, "not all are listed, or not in order")
    after = _keys(storage.list(f"{place}/", after=keys[-3]))
    _require(after == keys[-2:], f"after the third to last: {after}")
    storage.remove(keys)
    _require(not _keys(storage.list(f"{place}/")), "some are still there")


STORAGE_CHECKS: Final[tuple[Callable[[Storage], None], ...]] = (
    has_an_address,
    reads_what_was_written,
    reads_ranges,
    says_that_an_object_is_missing,
    removes_what_is_there,
    writes_new_once,
    replaces_a_version_once,
    lists_the_versions_that_writing_gave,
    lets_one_of_many_claim,
    lets_one_of_many_replace,
    lists_in_order,
    keeps_odd_keys,
    refuses_keys_that_lead_elsewhere,
    lists_more_than_a_page,
)
"""Each takes a storage."""


def _require(condition: object, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)


def _place() -> str:
    return f"check-{uuid.uuid4().hex[:12]}"


def _keys(found: Iterable[StoredObject]) -> list[str]:
    return [stored.key for stored in found]


def _refused(storage: Storage, key: str, expected: Expected) -> None:
    try:
        storage.write(key, b"other", expected=expected)
    except ObjectChanged:
        return
    raise AssertionError(f"{key} is written although it is not as expected")


def _race(storage: Storage, key: str, expected: Expected) -> list[int]:
    """Have several threads write at once; return which of them could."""
    start = threading.Barrier(_RACERS)

    def run(i: int) -> int | None:
        start.wait()
        try:
            storage.write(key, str(i).encode(), expected=expected)
        except ObjectChanged:
            return None
        return i

    with ThreadPoolExecutor(_RACERS) as pool:
        return [i for i in pool.map(run, range(_RACERS)) if i is not None]
