"""Fits the numbers of ``lrwatch/diagnosis/model.json``.

Tasks count by the square root of their rows, so that no task rules. Labels near a boundary
between classes are left out of the classes and kept for the distance.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from lrwatch.diagnosis.model import CLASSES, DEPTH, KNOT, Model

ABOUT = ["run_id", "source", "task", "label", "excess", "prefix", "view"]
VIEWS_OF = {
    "norms": ("full", "sampled", "fifth"),
    "loss": ("loss", "loss_fifth", "mean", "mean_late"),
}
TREES = {
    "max_iter": 100,
    "learning_rate": 0.12,
    "max_depth": DEPTH,
    "max_leaf_nodes": None,
    "min_samples_leaf": 60,
    "l2_regularization": 5.0,
    "max_features": 0.4,
    "random_state": 0,
    "early_stopping": False,
}
DIGITS = 5
ONE_SIDED = 0.25
"""Weight of a source that holds good runs alone: it says nothing of bad ones."""

RARE = 0.995
"""Share of the fitted runs that are less strange than what is called strange."""

SHRINKAGE = 0.05
"""Added to the variances: what hardly varied in the fit must not decide."""


def fit(table: pd.DataFrame) -> dict[str, Any]:
    """Numbers of all four models."""
    numbers = {}
    for kind, views in VIEWS_OF.items():
        rows = table[table.view.isin(views)]
        names = [name for name in rows.columns if name not in ABOUT and rows[name].notna().any()]
        labelled = rows[rows.label.isin(CLASSES)]
        numbers[f"{kind}_class"] = _class_model(labelled, names)
        numbers[f"{kind}_excess"] = _excess_model(rows[rows.excess.notna()], names)
    return numbers


def models_of(numbers: dict[str, Any]) -> dict[str, Model]:
    return {name: Model.of(model) for name, model in numbers.items()}


def write(numbers: dict[str, Any], path: Path) -> None:
    text = json.dumps({"fitted_by": "python -m benchmarks.accuracy fit", "models": numbers})
    path.write_text(text + "\n", encoding="utf-8")


def _class_model(rows: pd.DataFrame, names: list[str]) -> dict[str, Any]:
    scaling, units = _scaling(rows[names].to_numpy())
    weight = _weights(rows)
    linear = LogisticRegression(C=0.003, max_iter=5000)
    linear.fit(_hinges(units), rows.label, sample_weight=weight)
    trees = HistGradientBoostingClassifier(**TREES).fit(units, rows.label, sample_weight=weight)
    if list(linear.classes_) != list(CLASSES):
        raise ValueError(f"a corpus needs runs of each class, got {list(linear.classes_)}")
    fitted = _linear(linear.coef_, linear.intercept_) | _trees(trees) | _shape(units)
    return {"names": names} | scaling | fitted


def _shape(units: np.ndarray) -> dict[str, Any]:
    """What turns features into independent ones, and how far out hardly any fitted run lies."""
    covariance = np.cov(units.T) + SHRINKAGE * np.eye(units.shape[1])
    whiten = np.round(np.linalg.cholesky(np.linalg.inv(covariance)).T, 3)
    strangeness = np.sqrt(((units @ whiten.T) ** 2).mean(axis=1))
    return {"whiten": whiten.tolist(), "strange": float(np.quantile(strangeness, RARE))}


def _excess_model(rows: pd.DataFrame, names: list[str]) -> dict[str, Any]:
    scaling, units = _scaling(rows[names].to_numpy())
    weight = _weights(rows)
    linear = Ridge(alpha=300.0).fit(_hinges(units), rows.excess, sample_weight=weight)
    trees = HistGradientBoostingRegressor(**TREES).fit(units, rows.excess, sample_weight=weight)
    coefficients = _linear(linear.coef_[None], np.array([linear.intercept_]))
    return {"names": names} | scaling | coefficients | _trees(trees)


def _weights(rows: pd.DataFrame) -> np.ndarray:
    """Weigh sources alike, those of good runs alone less; in one, small tasks count for more."""
    weight = rows.groupby(["source", "task"]).label.transform("size").to_numpy(float) ** -0.5
    whole = pd.Series(weight).groupby(rows.source.to_numpy()).transform("sum").to_numpy()
    has_bad = rows.groupby("source").label.transform("nunique").to_numpy() > 1
    weights: np.ndarray = weight / whole * np.where(has_bad, 1.0, ONE_SIDED)
    weights /= weights.mean()
    return weights


def _scaling(raw: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    low, high = np.nanquantile(raw, 0.005, axis=0), np.nanquantile(raw, 0.995, axis=0)
    clipped = np.clip(raw, low, high)
    center, scale = np.nanmean(clipped, axis=0), np.nanstd(clipped, axis=0) + 1e-9
    units = np.nan_to_num((clipped - center) / scale)
    arrays = {"low": low, "high": high, "center": center, "scale": scale}
    return {name: _rounded(array) for name, array in arrays.items()}, units


def _hinges(units: np.ndarray) -> np.ndarray:
    return np.hstack([units, np.maximum(units - KNOT, 0), np.maximum(-units - KNOT, 0)])


def _linear(weights: np.ndarray, bias: np.ndarray) -> dict[str, Any]:
    return {"weights": _rounded(weights), "bias": _rounded(bias)}


def _trees(model: Any) -> dict[str, Any]:
    """Unfold sklearn's trees to full ones of `DEPTH` levels."""
    trees = [_unfolded(tree.nodes) for round_ in model._predictors for tree in round_]
    node, threshold, leaf = (np.array(part) for part in zip(*trees, strict=True))
    base = np.atleast_1d(np.ravel(model._baseline_prediction))
    return {
        "node": node.astype(int).tolist(),
        "threshold": _rounded(threshold),
        "leaf": _rounded(leaf),
        "base": _rounded(base),
    }


def _unfolded(nodes: Any) -> tuple[list[int], list[float], list[float]]:
    feature, threshold, leaf = [0] * 7, [0.0] * 7, [0.0] * 8

    def visit(source: int, at: int) -> None:
        node = nodes[source]
        if at >= len(feature):
            leaf[at - len(feature)] = float(node["value"])
        elif node["is_leaf"]:
            visit(source, 2 * at + 1)
            visit(source, 2 * at + 2)
        else:
            feature[at], threshold[at] = int(node["feature_idx"]), float(node["num_threshold"])
            visit(int(node["left"]), 2 * at + 1)
            visit(int(node["right"]), 2 * at + 2)

    visit(0, 0)
    return feature, threshold, leaf


def _rounded(array: np.ndarray) -> Any:
    return np.round(array, DIGITS).tolist()
