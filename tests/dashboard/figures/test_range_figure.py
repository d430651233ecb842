from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from lrwatch_dashboard.comparison_views import RangeReading
from lrwatch_dashboard.figures import range_figure

X = np.geomspace(1e-4, 1, 50)
Y = np.linspace(2, 1, 50)
TEST = RangeReading(3e-3, 1e-3, 1e-2, 0.9, 1e-3, 0.1, 0.9, "", X, Y, X, Y)


def test_the_rates_that_tell_are_marks_on_the_line_and_the_band_is_shaded() -> None:
    figure = range_figure("range", TEST)
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
    nothing = dataclasses.replace(
        TEST, steepest=None, lowest=None, diverges=None, low=None, high=None
    )
    figure = range_figure("range", nothing, theme="dark")
    assert not [t for t in figure.data if t.mode == "markers"]
    assert not figure.layout.shapes


def test_a_loss_that_was_lost_does_not_press_the_rest_flat() -> None:
    loss = np.append(np.linspace(2, 1, 49), 1e12)
    test = dataclasses.replace(TEST, losses=loss)
    assert 10 ** range_figure("range", test).layout.yaxis.range[1] < 100


def test_a_loss_that_is_not_positive_has_a_straight_axis() -> None:
    test = dataclasses.replace(TEST, losses=Y - 1.5, median_losses=Y - 1.5)
    assert range_figure("range", test).layout.yaxis.type == "linear"
