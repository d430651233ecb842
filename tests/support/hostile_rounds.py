"""Hostile stores, ten a test, through whatever a test does with a store.

There are as many as ``LRWATCH_HOSTILE_STORES`` says: 500 before a release, 200 without it.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from hostile_stores import make_hostile_store
from patience import CAN_WAKE, ending_within

from lrwatch.errors import LrwatchError

__all__ = ["MARKS", "ROUNDS", "check_round"]

_AT_ONCE: Final = 10
_SECONDS: Final = 10

ROUNDS: Final = range(0, int(os.environ.get("LRWATCH_HOSTILE_STORES", "200")), _AT_ONCE)
"""The first seed of each test."""

MARKS: Final = [
    pytest.mark.slow,
    pytest.mark.skipif(not CAN_WAKE, reason="nothing wakes a process here"),
]


def check_round(
    folder: Path, first: int, caplog: pytest.LogCaptureFixture, check: Callable[[Path, int], None]
) -> None:
    """Check ten stores; nothing may be logged as an error, and no store may hang.

    A check is given the seed as well, so that it can do a part of its work on each store, and all
    of it on all of them. The time is that of all ten, so that a loaded machine is given it on the
    whole and not a store.
    """
    with ending_within(_SECONDS * _AT_ONCE):
        for seed in range(first, first + _AT_ONCE):
            store = folder / f"store-{seed}"
            kinds = make_hostile_store(store, seed)
            caplog.clear()
            try:
                check(store, seed)
            except (LrwatchError, AssertionError, OSError) as error:
                raise AssertionError(f"seed {seed}, {kinds}: {error!r}") from error
            said = [record for record in caplog.records if record.levelno >= logging.ERROR]
            assert not said, (seed, kinds, said)
            shutil.rmtree(store, ignore_errors=True)
