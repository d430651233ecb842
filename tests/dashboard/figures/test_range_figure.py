from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from lrwatch_dashboard.comparison_views import RangeTest
from lrwatch_dashboard.figures import range_figure
from lrwatch_dashboard.views import Curve

X = np.geomspace(1e-4, 1, 50)
TEST = RangeTest(
    key="range",
    name="range",
    is_running=False,
    loss=Curve("loss", X, np.linspace(2, 1, 50)),
    smooth_loss=Curve("median", X, np.linspace(2, 1, 50)),
    steepest=1e-3,
    lowest=0.1,
    diverges=0.9,
    band=(1e-3, 1e-2),
    reason="",
)


def test_the_rates_that_tell_are_marks_on_the_line_and_the_band_is_shaded() -> None:
    figure = range_figure(TEST)
    marks = {t.name: t for t in figure.data if t.mode == "markers"}
    assert {name: mark.x[0] for name, mark in marks.items()} == {
        "steepest": 1e-3,
        "lowest": 0.1,
        "diverges": 0.9,
    }
    assert marks["lowest"].y[0] == pytest.approx(1.25, abs=0.01)
    (band,) = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert (band.x0, band.x1) == pytest.approx((1e-3, 1e-2), rel=0.1)
    assert figure.layout.xaxis.type == "log"


def test_what_was_not_found_is_not_drawn() -> None:
    nothing = dataclasses.replace(TEST, steepest=None, lowest=None, diverges=None, band=None)
    figure = range_figure(nothing, theme="dark")
    assert not [t for t in figure.data if t.mode == "markers"]
    assert not figure.layout.shapes


def test_a_loss_that_was_lost_does_not_press_the_rest_flat() -> None:
    loss = np.append(np.linspace(2, 1, 49), 1e12)
    test = dataclasses.replace(TEST, loss=Curve("loss", X, loss))
    assert 10 ** range_figure(test).layout.yaxis.range[1] < 100


def test_a_loss_that_is_not_positive_has_a_straight_axis() -> None:
    shifted = Curve("loss", X, TEST.loss.y - 1.5)
    test = dataclasses.replace(TEST, loss=shifted, smooth_loss=shifted)
    assert range_figure(test).layout.yaxis.type == "linear"
