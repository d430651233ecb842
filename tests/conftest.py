"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# A deadline would time tests, and a loaded machine would fail them.
settings.register_profile("lrwatch", deadline=None)
settings.load_profile("lrwatch")
