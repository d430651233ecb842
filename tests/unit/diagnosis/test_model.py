from __future__ import annotations

import math

import pytest

from lrwatch.diagnosis.model import CLASSES, Model, excess, probability, shipped

TWO_FEATURES = {
    "names": ["a", "b"],
    "low": [-1.0, -1.0],
    "high": [1.0, 1.0],
    "center": [0.0, 0.0],
    "scale": [1.0, 0.5],
    # one output: a + 10 * (what b exceeds the knot by)
    "weights": [[1.0, 0.0, 0.0, 10.0, 0.0, 0.0]],
    "bias": [0.0],
    # one tree: 4 where b is above 0 and a above 0.5, else -4
    "node": [[1, 0, 0, 0, 0, 0, 0]],
    "threshold": [[0.0, 9.0, 0.5, 9.0, 9.0, 9.0, 9.0]],
    "leaf": [[-4.0, -4.0, -4.0, -4.0, -4.0, -4.0, 4.0, 4.0]],
    "base": [0.5],
}


def test_the_linear_part_has_a_hinge() -> None:
    model = Model.of(TWO_FEATURES)
    units = model.standardised({"a": 0.25, "b": 0.5})
    assert model.linear(units)[0] == pytest.approx(0.25 + 10 * (1.0 - 0.7))


@pytest.mark.parametrize(
    ("a", "b", "result"), [(0.6, 0.1, 4.5), (0.4, 0.1, -3.5), (0.6, -0.1, -3.5)]
)
def test_a_tree_is_followed_to_its_leaf(a: float, b: float, result: float) -> None:
    model = Model.of(TWO_FEATURES)
    assert model.trees(model.standardised({"a": a, "b": b}))[0] == result


def test_a_value_is_a_mean_of_both_parts() -> None:
    model = Model.of(TWO_FEATURES)
    assert model.value({"a": 0.6, "b": 0.1}) == pytest.approx(0.4 * 0.6 + 0.6 * 4.5)


def test_features_that_were_never_together_are_strange() -> None:
    apart = [[2.0, -2.0], [0.0, 1.0]]  # of features that rise together
    model = Model.of(TWO_FEATURES | {"whiten": apart, "strange": 2.0})
    together, against = {"a": 1.0, "b": 1.0}, {"a": 1.0, "b": -1.0}
    assert (model.is_strange(together), model.is_strange(against)) == (False, True)
    assert not Model.of(TWO_FEATURES).is_strange(against)


def test_a_wild_feature_counts_no_more_than_its_bound() -> None:
    model = Model.of(TWO_FEATURES)
    assert model.value({"a": 1e9, "b": 0.0}) == model.value({"a": 1.0, "b": 0.0})


def test_a_missing_feature_counts_as_average() -> None:
    model = Model.of(TWO_FEATURES)
    assert model.value({"a": 1.0}) == model.value({"a": 1.0, "b": math.nan})
    assert model.value({"a": 1.0}) == model.value({"a": 1.0, "b": 0.0})


@pytest.mark.parametrize("has_motion", [True, False])
def test_the_shipped_models_judge_anything(has_motion: bool) -> None:
    found = probability({}, has_motion=has_motion)
    assert set(found) == set(CLASSES)
    assert sum(found.values()) == pytest.approx(1.0)
    assert abs(excess({}, has_motion=has_motion)) < 3


def test_runs_without_norms_are_judged_without_features_of_norms() -> None:
    names = shipped()["loss_class"].names
    assert "drawdown" in names
    assert not {"gain", "path", "grad_end"} & set(names)
