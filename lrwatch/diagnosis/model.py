"""The learnt layer: dimensionless features to probabilities and a distance in learning rate.

A `Model` is the mean of a linear model on hinges and of shallow trees, both on clipped,
standardised features; its numbers are in ``model.json``, fitted by ``benchmarks/accuracy``.
A feature that a run lacks counts as average. Runs without norms have models of their own.

None of the features names a task or a scale. Absolute loss, learning rate, gradient norm and
number of steps are left out on purpose: a model that sees them learns which program ran.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrwatch.detect import gain, gradient, motion, progress, roughness, schedule, shape
from lrwatch.detect.past import Past
from lrwatch.records import FloatArray

__all__ = [
    "CLASSES",
    "KNOT",
    "Model",
    "excess",
    "features",
    "is_strange",
    "probability",
    "shipped",
]

CLASSES: Final = ("ok", "too_high", "too_low")
"""Order of the outputs of a classifying model."""

KNOT: Final = 0.7
"""Standard deviations at which the hinges of the linear model begin, on either side."""

TREES: Final = 0.6
"""Share that the trees have in a result; the rest is the linear part's."""

DEPTH: Final = 3
"""Levels of a tree: seven nodes, eight leaves."""


@dataclass(frozen=True, slots=True)
class Model:
    """Numbers of one model with ``n_outputs`` outputs over ``n_features`` features.

    Attributes
    ----------
    names
        Features, in order.
    low, high
        Bounds that a feature is clipped to: 0.5th and 99.5th percentile of the fitted runs.
    center, scale
        Mean and standard deviation of the clipped features.
    weights, bias
        The linear part, shapes ``(n_outputs, 3 * n_features)`` and ``(n_outputs,)``: the features,
        then what exceeds `KNOT`, then what falls short of minus `KNOT`.
    node, threshold, leaf
        The trees, shapes ``(n_trees, 7)``, ``(n_trees, 7)`` and ``(n_trees, 8)``: the feature
        that a node looks at, the value above which the right branch is taken, and the result.
        Node k has the branches 2k + 1 and 2k + 2. Tree t counts for output t % n_outputs.
    base
        What the results of the trees are added to, shape ``(n_outputs,)``.
    whiten, strange
        What makes the features independent of one another, shape ``(n_features, n_features)``,
        and the strangeness that one in two hundred of the fitted runs exceeded; of a classifying
        model alone.
    """

    names: tuple[str, ...]
    low: FloatArray
    high: FloatArray
    center: FloatArray
    scale: FloatArray
    weights: FloatArray
    bias: FloatArray
    node: npt.NDArray[np.int64]
    threshold: FloatArray
    leaf: FloatArray
    base: FloatArray
    whiten: FloatArray | None = None
    strange: float = math.inf

    @classmethod
    def of(cls, numbers: Mapping[str, Any]) -> Model:
        """Build a model from what ``model.json`` holds."""
        names = [name for name in cls.__slots__ if name in numbers and name != "names"]
        arrays: dict[str, Any] = {name: np.array(numbers[name]) for name in names}
        return cls(names=tuple(numbers["names"]), **arrays)

    def standardised(self, features: Mapping[str, float]) -> FloatArray:
        """Return the features in standard deviations from their mean, 0 where one is missing."""
        raw = np.array([features.get(name, math.nan) for name in self.names])
        units = (np.clip(raw, self.low, self.high) - self.center) / self.scale
        return np.where(np.isfinite(units), units, 0.0)

    def linear(self, units: FloatArray) -> FloatArray:
        """Return the outputs of the linear part, shape ``(n_outputs,)``."""
        hinges = [units, np.maximum(units - KNOT, 0), np.maximum(-units - KNOT, 0)]
        outputs: FloatArray = self.weights @ np.concatenate(hinges) + self.bias
        return outputs

    def trees(self, units: FloatArray) -> FloatArray:
        """Return the outputs of the trees, shape ``(n_outputs,)``."""
        every = np.arange(len(self.node))
        at = np.zeros(len(self.node), np.int64)
        for _ in range(DEPTH):
            above = units[self.node[every, at]] > self.threshold[every, at]
            at = 2 * at + 1 + above
        results = self.leaf[every, at - len(self.node[0])]
        outputs: FloatArray = self.base + results.reshape(-1, len(self.base)).sum(axis=0)
        return outputs

    def probabilities(self, features: Mapping[str, float]) -> FloatArray:
        """Return the probability of each class, shape ``(n_outputs,)``."""
        units = self.standardised(features)
        return _mixed(_softmax(self.linear(units)), _softmax(self.trees(units)))

    def is_strange(self, features: Mapping[str, float]) -> bool:
        """Whether hardly any run that the model was fitted to had such features together.

        The distance is that of Mahalanobis (1936), over the root of the number of features.
        """
        if self.whiten is None:
            return False
        apart = self.whiten @ self.standardised(features)
        return bool(math.sqrt(float((apart**2).mean())) > self.strange)

    def value(self, features: Mapping[str, float]) -> float:
        """Return the output of a model that has one."""
        units = self.standardised(features)
        return float(_mixed(self.linear(units), self.trees(units))[0])


def features(past: Past) -> dict[str, float]:
    """Return every feature by name; NaN where a run lacks what it needs."""
    measured: dict[str, float] = {}
    for part in (progress, shape, roughness, schedule, gradient, motion, gain):
        measured |= part.measure(past)
    return measured


def _mixed(linear: FloatArray, trees: FloatArray) -> FloatArray:
    mixed: FloatArray = (1 - TREES) * linear + TREES * trees
    return mixed


def _softmax(score: FloatArray) -> FloatArray:
    odds = np.exp(score - score.max())
    probabilities: FloatArray = odds / odds.sum()
    return probabilities


@cache
def shipped() -> dict[str, Model]:
    """Return the models that come with the package, by name."""
    text = files("lrwatch.diagnosis").joinpath("model.json").read_text(encoding="utf-8")
    return {name: Model.of(numbers) for name, numbers in json.loads(text)["models"].items()}


def probability(features: Mapping[str, float], *, has_motion: bool) -> dict[str, float]:
    """Return the probability of each of `CLASSES`.

    Parameters
    ----------
    features
        As from `features`.
    has_motion
        Whether the run has update norms and gradient norms.
    """
    model = _classifier(has_motion=has_motion)
    return dict(zip(CLASSES, model.probabilities(features).tolist(), strict=True))


def is_strange(features: Mapping[str, float], *, has_motion: bool) -> bool:
    """Whether a run looks like hardly any that the model was fitted to.

    Parameters
    ----------
    features, has_motion
        As for `probability`.
    """
    return _classifier(has_motion=has_motion).is_strange(features)


def _classifier(*, has_motion: bool) -> Model:
    return shipped()["norms_class" if has_motion else "loss_class"]


def excess(features: Mapping[str, float], *, has_motion: bool) -> float:
    """Return by how many decades the learning rate lies above the best one; negative below it.

    Parameters
    ----------
    features, has_motion
        As for `probability`.
    """
    return shipped()["norms_excess" if has_motion else "loss_excess"].value(features)
