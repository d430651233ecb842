"""Every importer: it passes the suite, is chosen for its own log, and reads what stands there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from log_samples import LOSSES, SAMPLES

from lrwatch.importing import Choice, Importer, found_logs, importers, ordered, recognised
from lrwatch.testing.importers import IMPORTER_CHECKS

pytestmark = pytest.mark.slow


def test_every_importer_has_a_sample() -> None:
    assert sorted(importers()) == sorted(SAMPLES)


@pytest.mark.parametrize("kind", SAMPLES)
def test_an_importer_passes_the_suite(kind: str, tmp_path: Path) -> None:
    source = SAMPLES[kind](tmp_path)
    for check in IMPORTER_CHECKS:
        check(importers()[kind], source)


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_log_is_recognised_and_its_losses_are_read(kind: str, tmp_path: Path) -> None:
    source = SAMPLES[kind](tmp_path)
    importer, _ = recognised(source)
    assert importer is not None
    assert importer.name == kind
    assert [log.importer.name for log in found_logs(tmp_path)] == [kind]
    for run in importer.read(source, Choice()):
        read = ordered(run, Choice())
        seen = read.rows.loss[read.rows.loss_seen]
        known = np.isfinite(seen)
        assert known.sum() >= len(LOSSES) - 1
        assert np.allclose(seen[known], np.array(LOSSES)[known], atol=1e-6)
        assert not run.troubles
        assert f"{importer.title}, 40 rows" in read.recognised


class _Eager:
    """Takes everything for its own, and fails to read it."""

    name, title = "eager", "eager"

    def recognises(self, path: Path, head: bytes) -> float:
        return 1.0

    def read(self, path: Path, choice: Choice) -> list[object]:
        raise KeyError("loss")


def test_the_suite_finds_an_importer_that_falls_short(tmp_path: Path) -> None:
    source = SAMPLES["table"](tmp_path)
    failed = []
    for check in IMPORTER_CHECKS:
        importer: Importer = _Eager()  # type: ignore[assignment]
        try:
            check(importer, source)
        except (AssertionError, KeyError):
            failed.append(check.__name__)
    assert "is_not_sure_of_strangers" in failed
    assert {"survives_a_cut", "survives_damage", "says_what_is_missing"} <= {*failed}
