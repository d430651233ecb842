"""Many threads that train at once, in a process of their own: one that dies must not take us."""

from __future__ import annotations

import subprocess
import sys

import pytest
import thread_storm

pytestmark = pytest.mark.e2e


def test_a_storm_of_threads_is_recorded_as_each_of_them_saw_it() -> None:
    """Before recorders knew whose gradients they looked at, the process died within a second."""
    done = subprocess.run(
        [sys.executable, thread_storm.__file__, "--seconds", "6"],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-4000:]
