"""What lrwatch raises at the door, before a training loop starts or when a reader is asked.

::

    LrwatchError
    ├── InvalidArgument   (ValueError)         an argument is not allowed
    ├── NotAnOptimizer    (TypeError)          `watch` was given something else
    ├── RunNotFound       (FileNotFoundError)  there is no run, or no store of runs, at a path
    ├── RunUnreadable     (ValueError)         a run is there and cannot be read
    ├── RunBusy           (RuntimeError)       another process writes this run
    ├── StoreNotWritable  (OSError)            a run cannot be created in a folder
    ├── StateUnreadable   (ValueError)         a file of the watcher cannot be read
    ├── StorageError      (OSError)            a storage, such as ``s3://...``, did not do it
    │   ├── ObjectMissing (FileNotFoundError)  there is no object under a key
    │   ├── ObjectChanged                      another object is there than was expected
    │   ├── StorageUnavailable                 it cannot be reached now
    │   └── AccessDenied                       credentials are missing, expired or too weak
    ├── MissingExtra      (ImportError)        an optional dependency is not installed
    └── TrainingStopped   (RuntimeError)       an alert stopped it: `lrwatch.alert`

Each is also the matching builtin, so `except FileNotFoundError` works without knowing
lrwatch. Inside a training loop lrwatch never raises (see `lrwatch.capture.guard`), unless it
was asked to: `TrainingStopped` comes from the handler `StopTraining`, and from nowhere else.
"""

from __future__ import annotations

import importlib

__all__ = [
    "AccessDenied",
    "InvalidArgument",
    "LedgerUnreadable",
    "LrwatchError",
    "MissingExtra",
    "NotAnOptimizer",
    "ObjectChanged",
    "ObjectMissing",
    "RunBusy",
    "RunNotFound",
    "RunUnreadable",
    "StateUnreadable",
    "StorageError",
    "StorageUnavailable",
    "StoreNotWritable",
]


class LrwatchError(Exception):
    """Parent of every error that lrwatch raises."""


class InvalidArgument(LrwatchError, ValueError):  # noqa: N818  named as the builtin it extends
    """An argument is not allowed; the message says what is."""


class NotAnOptimizer(LrwatchError, TypeError):  # noqa: N818
    """`watch` was given something that is not a torch optimizer."""


class RunNotFound(LrwatchError, FileNotFoundError):  # noqa: N818
    """There is no run, or no store of runs, at a path."""


class RunUnreadable(LrwatchError, ValueError):  # noqa: N818
    """A run is there, and its files cannot be read."""


class RunBusy(LrwatchError, RuntimeError):  # noqa: N818
    """Another process is writing this run."""


class StoreNotWritable(LrwatchError, OSError):  # noqa: N818
    """A run cannot be created in a folder."""


class StateUnreadable(LrwatchError, ValueError):  # noqa: N818
    """A file that the watcher of a store keeps is there, and cannot be read."""


class StorageError(LrwatchError, OSError):
    """A storage, such as ``s3://bucket/runs``, did not do what it was asked to."""


class ObjectMissing(StorageError, FileNotFoundError):  # noqa: N818
    """There is no object under a key."""


class ObjectChanged(StorageError):  # noqa: N818
    """A write on a condition found another object than was expected, and changed nothing."""


class StorageUnavailable(StorageError):  # noqa: N818
    """A storage cannot be reached, or is too busy; the same call may succeed later."""


class AccessDenied(StorageError):  # noqa: N818
    """Credentials are missing, wrong or expired, or allow too little."""


LedgerUnreadable = StateUnreadable
"""The name that `StateUnreadable` had at first."""


class MissingExtra(LrwatchError, ImportError):  # noqa: N818
    """An optional dependency is not installed; the message names the extra."""


def __getattr__(name: str) -> object:
    """Find `TrainingStopped` here as well, where it was before alerts had a module below."""
    if name != "TrainingStopped":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("lrwatch.alert"), name)
