"""A store of two jobs, and nothing kept anywhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from judged_stores import write_jobs


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LRWATCH_CACHE_DIR", "")
    return write_jobs(tmp_path / "runs")
