"""A short round of `tests/support/soak.py`: whatever happens, no acknowledged row is lost."""

from __future__ import annotations

import sys
from pathlib import Path
from subprocess import run

import pytest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does"),
]

SOAK = Path(__file__).parents[1] / "support" / "soak.py"


def test_no_acknowledged_row_is_lost() -> None:
    ended = run(
        [sys.executable, str(SOAK), "--seconds", "20"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr[-4000:]
    assert ended.stdout.endswith("0 problems\n")
