"""Processes that share work, each started anew: a fork of a process with threads can hang."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def processes(jobs: int, begin: Callable[[], None] | None = None) -> ProcessPoolExecutor:
    """Return so many; each of them does `begin` first."""
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=begin)
