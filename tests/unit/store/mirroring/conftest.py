"""A bucket of two runs that stands in for every address."""

from __future__ import annotations

from pathlib import Path

import pytest
from buckets import Bucket
from stores import write_run


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Hold two runs below ``s3://bucket/runs``."""
    found = Bucket()
    found.use(monkeypatch, tmp_path / "cache")
    for name in ("a", "b"):
        run = write_run(tmp_path / "there", name, steps=range(30))
        found.upload(run, f"runs/{name}")
    return found
