"""Settings of all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# A deadline would time tests, and a loaded machine would fail them.
settings.register_profile("lrwatch", deadline=None)
settings.load_profile("lrwatch")

# Each of some thousand runs would ask git for the commit of this repository.
os.environ.setdefault("LRWATCH_NO_GIT", "1")

# One that takes longer than expected would find columns in its run that it did not write.
os.environ.setdefault("LRWATCH_NO_SYSTEM", "1")
