"""The numbers in model.json belong to the features of the code, and come from the fit."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from synthetic_runs import descent

from lrwatch.detect.tracker import past_of
from lrwatch.diagnosis.model import features, shipped

ROOT = Path(__file__).parents[3]
CORPORA = os.environ.get("LRWATCH_CORPORA", "")


def test_the_models_ask_for_features_that_exist() -> None:
    with np.errstate(all="ignore"):
        names = set(features(past_of(descent(1e-3))))
    for model in shipped().values():
        assert set(model.names) <= names


def test_the_numbers_are_few() -> None:
    assert (ROOT / "lrwatch/diagnosis/model.json").stat().st_size < 250_000


@pytest.mark.slow
@pytest.mark.skipif(not CORPORA, reason="LRWATCH_CORPORA names no folders of labelled runs")
def test_the_numbers_come_from_the_fitting_script() -> None:
    from benchmarks.accuracy import corpus, fit, table

    folders = [Path(folder) for folder in CORPORA.split(os.pathsep)]
    fitted = fit.fit(table.build(corpus.read(folders)))
    kept = json.loads((ROOT / "lrwatch/diagnosis/model.json").read_text(encoding="utf-8"))["models"]
    for name, model in fitted.items():
        assert model["names"] == kept[name]["names"]
        for part in ("weights", "bias", "leaf", "center", "scale"):
            assert np.allclose(model[part], kept[name][part], atol=1e-3)
