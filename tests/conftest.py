"""Settings of all tests."""

from __future__ import annotations

import gc
import os

from hypothesis import settings

# The garbage collector would look through torch, Dash and pandas again and again.
gc.disable()


def pytest_collection_finish() -> None:
    """Leave what has been imported out of all that the collector looks through."""
    gc.freeze()
    gc.enable()


# A deadline would time tests, and a loaded machine would fail them.
settings.register_profile("lrwatch", deadline=None)
settings.load_profile("lrwatch")

# Each of some thousand runs would ask git for the commit of this repository.
os.environ.setdefault("LRWATCH_NO_GIT", "1")

# One that takes longer than expected would find columns in its run that it did not write.
os.environ.setdefault("LRWATCH_NO_SYSTEM", "1")
