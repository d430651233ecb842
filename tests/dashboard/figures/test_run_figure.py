from __future__ import annotations

import base64
import dataclasses
import functools
import itertools
import math
import struct
import zlib
from typing import Any
from xml.etree.ElementTree import tostring

import numpy as np
import pytest
from dashboard_views import a_diagnosis, curve, curves
from lrwatch_dashboard.address import ChartView
from lrwatch_dashboard.figures import message_figure, run_figure
from lrwatch_dashboard.own_metrics import families, layer_families
from lrwatch_dashboard.pages.page import GRAPH_CONFIG
from lrwatch_dashboard.standalone.chart import chart
from lrwatch_dashboard.theme import DARK, LIGHT
from lrwatch_dashboard.views import AlertMark, Curve, StepTimes

NOTHING = curve(n=0, y=[])


@functools.cache
def plain() -> Any:
    """Return the figure of a run without anything odd; it is drawn once."""
    return run_figure(curves())


def _layout(figure: Any) -> dict[str, Any]:
    layout: dict[str, Any] = figure.to_dict()["layout"]
    return layout


def _drawn(figure: Any) -> list[Any]:
    """Return the traces in the panels; the axis below the first one has one of its own."""
    return [trace for trace in figure.data if trace.xaxis == "x"]


def _names(figure: Any) -> list[str]:
    return [trace.name for trace in _drawn(figure)]


def _texts(figure: Any) -> str:
    return " | ".join(str(a["text"]) for a in _layout(figure)["annotations"])


def test_all_panels_share_the_one_real_x_axis_and_one_hover_box() -> None:
    figure = plain()
    assert _names(figure) == [
        "loss",
        "smoothed",
        "learning rate",
        "gradient norm",
        "update / weight",
    ]
    assert [trace.yaxis for trace in _drawn(figure)] == ["y", "y", "y2", "y3", "y4"]
    layout = _layout(figure)
    assert [name for name in layout if name.startswith("xaxis")] == ["xaxis", "xaxis2"]
    assert layout["xaxis2"]["matches"] == "x"
    assert (layout["hovermode"], layout["hoversubplots"]) == ("x unified", "axis")


def test_no_line_is_drawn_by_the_graphics_card() -> None:
    assert {trace.type for trace in plain().data} == {"scatter"}


def test_the_learning_rate_is_a_step_line_and_the_loss_is_smoothed_over_the_raw() -> None:
    figure = plain()
    loss, smooth, lr = figure.data[:3]
    assert lr.line.shape == "hv"
    assert loss.opacity == pytest.approx(0.35)
    assert smooth.opacity is None


def test_points_travel_as_binary_and_not_as_lists() -> None:
    data = plain().to_dict()["data"]
    assert all("bdata" in trace["x"] and "bdata" in trace["y"] for trace in data)


@pytest.mark.slow
def test_panels_do_not_overlap_and_the_y_axes_follow_the_server() -> None:
    layout = _layout(plain())
    axes = [layout[name] for name in ("yaxis", "yaxis2", "yaxis3", "yaxis4")]
    for upper, lower in itertools.pairwise(axes):
        assert lower["domain"][1] < upper["domain"][0]
    assert all(axis["fixedrange"] for axis in axes)
    assert [axis["type"] for axis in axes] == ["log", "linear", "log", "log"]


def test_flagged_steps_are_shaded_in_every_panel_in_the_colour_of_the_verdict() -> None:
    layout = _layout(run_figure(curves(), a_diagnosis("oscillating")))
    shades = [shape for shape in layout["shapes"] if shape["type"] == "rect"]
    assert [(s["x0"], s["x1"]) for s in shades] == [(20, 60)] * 4
    assert {s["fillcolor"] for s in shades} == {LIGHT.marks["up"]}
    assert {s["yref"] for s in shades} == {f"y{i} domain" for i in ("", 2, 3, 4)}


def test_no_shade_says_that_all_steps_are_flagged() -> None:
    every = dataclasses.replace(a_diagnosis("too_low"), interval=(0, 99))
    layout = _layout(run_figure(curves(), every))
    assert not [shape for shape in layout["shapes"] if shape["type"] == "rect"]


def test_steps_are_whole_on_the_axis_of_a_short_run() -> None:
    few = curves(last_step=2, loss=Curve("loss", np.arange(3.0), np.ones(3)))
    assert _layout(run_figure(few))["xaxis"]["dtick"] == 1
    one = curves(last_step=0, loss=Curve("loss", np.zeros(1), np.ones(1)))
    assert list(_layout(run_figure(one))["xaxis"]["tickvals"]) == [0]


@pytest.mark.parametrize("verdict", ["ok", "converged", "insufficient_data", "judging"])
def test_a_run_that_is_not_flagged_has_no_shade(verdict: str) -> None:
    layout = _layout(run_figure(curves(), a_diagnosis(verdict)))
    assert not [shape for shape in layout["shapes"] if shape["type"] == "rect"]


def test_broken_losses_are_crosses_on_the_top_frame_with_a_line_at_the_first() -> None:
    broken = {"broken": np.array([40.0, 41.0]), "n_broken": 2, "first_broken": 40}
    figure = run_figure(curves(**broken, stays_broken=True))
    crosses = figure.data[-1]
    assert crosses.x.tolist() == [40, 41]
    assert math.log10(crosses.y[0]) == pytest.approx(_layout(figure)["yaxis"]["range"][1])
    lines = [s for s in _layout(figure)["shapes"] if s["type"] == "line" and s["x0"] == 40]
    assert len(lines) == 4
    assert "not finite from step 40" in _texts(figure)


def test_a_loss_that_recovered_is_not_said_to_stay_broken() -> None:
    broken = {"broken": np.array([40.0, 60.0]), "n_broken": 2, "first_broken": 40}
    assert "not finite at 2 steps, first at 40" in _texts(run_figure(curves(**broken)))


def test_a_loss_that_was_never_finite_still_shows_its_crosses() -> None:
    broken = {"broken": np.arange(5.0), "n_broken": 5, "first_broken": 0, "stays_broken": True}
    figure = run_figure(curves(loss=NOTHING, smooth_loss=NOTHING, **broken))
    assert len(figure.data[-1].x) == 5


def test_a_resume_is_a_dotted_line() -> None:
    shapes = _layout(run_figure(curves(resumes=(30,))))["shapes"]
    assert [s["line"]["dash"] for s in shapes if s.get("x0") == 30] == ["dot"] * 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("loss", NOTHING, "No loss recorded"),
        ("lr", (NOTHING,), "No learning rate recorded"),
        ("grad_norm", NOTHING, "No gradient norm recorded"),
        ("update_ratio", NOTHING, "No update norm recorded"),
    ],
)
def test_a_panel_without_its_metric_says_what_is_missing_and_takes_less_room(
    field: str, value: Any, sentence: str
) -> None:
    whole, without = plain(), run_figure(curves(**{field: value}))
    assert sentence in _texts(without)
    assert sentence not in _texts(whole)
    assert _layout(without)["height"] < _layout(whole)["height"]


def test_parameter_groups_are_named_apart_and_their_names_are_text() -> None:
    groups = (curve("<b>body</b>"), curve("head & co"))
    figure = run_figure(curves(lr=groups))
    assert "&lt;b&gt;body&lt;/b&gt;" in _names(figure)
    assert "head &amp; co" in _names(figure)
    colours = {trace.line.color for trace in figure.data if trace.yaxis == "y2"}
    assert len(colours) == 2


def test_groups_whose_rates_are_far_apart_get_a_log_axis() -> None:
    falls = np.linspace(2, 1, 100)
    groups = (curve("a", y=1e-5 * falls), curve("b", y=0.1 * falls))
    assert _layout(run_figure(curves(lr=groups)))["yaxis2"]["type"] == "log"


@pytest.mark.slow
def test_a_rate_that_never_changed_is_a_line_of_text() -> None:
    steady = (curve("a", y=np.full(100, 1e-5)), curve("<i>", y=np.full(100, 0.1)))
    figure = run_figure(curves(lr=steady, is_steady=True))
    assert "1e-5 (a), 0.1 (&lt;i&gt;) at every step" in _texts(figure)
    assert "a" not in _names(figure)
    assert _layout(figure)["height"] < _layout(plain())["height"] - 100


@pytest.mark.slow
def test_clipping_is_a_second_line_only_where_it_engaged() -> None:
    assert "after clipping" not in _names(plain())
    assert "after clipping" in _names(run_figure(curves(clipped=curve("c"))))


def test_a_loss_that_is_not_positive_is_drawn_on_a_linear_axis() -> None:
    lines = curves(loss=curve(y=np.linspace(1, -1, 100)))
    assert _layout(run_figure(lines))["yaxis"]["type"] == "linear"


def test_a_single_huge_loss_does_not_flatten_the_rest_and_is_counted() -> None:
    y = np.ones(100)
    y[50] = 1e12
    figure = run_figure(curves(loss=curve(y=y)))
    assert _layout(figure)["yaxis"]["range"][1] < 1
    assert "1 above the frame" in _texts(figure)


@pytest.mark.slow
def test_the_zoom_is_said_to_plotly_and_the_y_range_follows_it() -> None:
    zoomed = _layout(run_figure(curves(window=(50.0, 60.0))))
    assert (zoomed["xaxis"]["range"], zoomed["xaxis"]["autorange"]) == ([50, 60], False)
    whole = _layout(plain())
    assert whole["xaxis"]["autorange"] is True
    assert zoomed["yaxis"]["range"][1] < whole["yaxis"]["range"][1]


def test_extreme_values_keep_their_precision_on_the_wire() -> None:
    y = np.geomspace(1e-300, 1e300, 100)
    assert run_figure(curves(loss=curve(y=y))).data[0].y.tolist() == y.tolist()


def test_a_run_without_a_step_has_sentences_and_no_axis() -> None:
    nothing = {"loss": NOTHING, "smooth_loss": NOTHING, "lr": (NOTHING,), "grad_norm": NOTHING}
    figure = run_figure(curves(**nothing, update_ratio=NOTHING, last_step=None))
    assert not figure.data
    assert _layout(figure)["xaxis"]["visible"] is False


@pytest.mark.parametrize(("theme", "palette"), [("light", LIGHT), ("dark", DARK), (None, LIGHT)])
def test_the_colours_are_those_of_the_theme(theme: str | None, palette: Any) -> None:
    for figure in (run_figure(curves(), theme=theme), message_figure("none", theme=theme)):
        assert _layout(figure)["paper_bgcolor"] == palette.ground


def test_a_message_is_text() -> None:
    assert "&lt;b&gt;" in _texts(message_figure("<b>"))


def test_no_chart_can_be_sent_to_a_server() -> None:
    assert "sendChartToCloud" in GRAPH_CONFIG["modeBarButtonsToRemove"]
    assert GRAPH_CONFIG["plotlyServerURL"] == ""
    assert GRAPH_CONFIG["displaylogo"] is False


def test_drawing_changes_nothing_in_the_view_model() -> None:
    lines = curves()
    before = {f.name: getattr(lines, f.name) for f in dataclasses.fields(lines)}
    run_figure(lines, a_diagnosis())
    assert all(getattr(lines, name) is value for name, value in before.items())


@pytest.mark.slow
def test_events_have_a_line_and_a_name_where_they_were() -> None:
    happened = curves(cuts=(30, 60), resumes=(50,))
    figure = run_figure(happened, a_diagnosis(first_alarm_step=70))
    dashes = {s["x0"]: s["line"]["dash"] for s in _layout(figure)["shapes"] if s["type"] == "line"}
    assert {x: dashes[x] for x in (30, 50, 60, 70)} == {
        30: "dash",
        50: "dot",
        60: "dash",
        70: "dashdot",
    }
    named = [(note["text"], note["x"]) for note in _layout(figure)["annotations"] if note["x"]]
    assert named == [("rate cut", 30), ("resumed", 50), ("rate cut", 60), ("first alarm", 70)]


@pytest.mark.slow
def test_every_alert_has_a_line_where_it_fired_and_where_it_was_over() -> None:
    fired = (
        AlertMark(20, "too_high", 1),
        AlertMark(40, "too_high", 1, is_over=True),
        AlertMark(60, "too_high", 2),
        AlertMark(90, "<b>", 1),
    )
    run, said_of = curves(marks=fired), a_diagnosis(first_alarm_step=20)
    by_step = run_figure(run, said_of)
    clock = StepTimes(np.array([0.0, 99.0]), np.array([0.0, 990.0]))
    by_time = run_figure(run, said_of, view=ChartView(x="time"), clock=clock)
    said = ["alert: too high", "alert over: too high", "alert: too high (2)", "alert: &lt;b&gt;"]
    for figure, scale in ((by_step, 1), (by_time, 10)):
        named = [(n["text"], n["x"] / scale) for n in _layout(figure)["annotations"] if n["x"]]
        assert named == list(zip(said, [20, 40, 60, 90], strict=True))


@pytest.mark.slow
def test_own_metrics_stand_by_family_and_losses_beside_the_loss() -> None:
    names = ["val_loss", "val/f1", "train/f1", "gpu/a", "gpu/b"]
    own = tuple(curve(name, n=9, y=np.linspace(1, 2, 9)) for name in names)
    own = (*own[:-1], curve("gpu/b", n=9, y=np.linspace(100, 200, 9)))
    shown = families([*names, "never"])
    figure = run_figure(curves(own=own), shown=shown)
    panels = {trace.name: trace.yaxis for trace in _drawn(figure)}
    assert panels["val_loss"] == "y"
    assert panels["val/f1"] == panels["train/f1"] == "y5"
    assert (panels["gpu/a"], panels["gpu/b"]) == ("y6", "y7")  # sizes that one axis cannot show
    assert "never" not in panels
    assert next(t.mode for t in figure.data if t.name == "val_loss") == "lines+markers"
    empty = curve(n=0)
    alone = run_figure(curves(loss=empty, smooth_loss=empty, own=own), shown=shown)
    assert "No loss recorded" not in _texts(alone)


@pytest.mark.slow
def test_a_metric_that_is_still_read_has_its_place() -> None:
    names = ["acc", "f1"]
    nothing = Curve("f1", np.empty(0), np.empty(0))
    shown = families(names)
    early = run_figure(curves(own=(curve("acc"), nothing), waiting=("f1",)), shown=shown)
    whole = run_figure(curves(own=(curve("acc"), curve("f1"))), shown=shown)
    assert "Being read" in _texts(early)
    assert early.layout.height == whole.layout.height
    old = run_figure(curves(own=(curve("acc"), curve("f1")), waiting=("f1",)), shown=shown)
    assert "Being read" not in _texts(old)


def test_layers_are_a_picture_whose_rows_go_from_the_first_to_the_last() -> None:
    names = [f"layer_grad_norm/blocks.{i}.<attention>.output" for i in range(3)]
    own = [curve(n, y=np.full(100, 10.0**-i)) for i, n in enumerate(names)]
    own[2] = Curve(names[2], own[2].x[:50], own[2].y[:50])
    shown = layer_families(names)
    figure = run_figure(curves(own=tuple(own)), shown=shown)
    (image,) = _layout(figure)["images"]
    assert (image["x"], image["sizex"], image["y"], image["sizey"]) == (0, 99, 3, 3)
    pixels = _pixels(image["source"])
    assert pixels.shape == (3, 240, 4)
    assert pixels[0, 0].tolist() == [253, 231, 37, 255]  # the greatest is bright
    assert pixels[2, 0].tolist() == [68, 1, 84, 255]
    assert pixels[2, -1, 3] == 0  # nothing where nothing was recorded
    axis = _layout(figure)[f"yaxis{image['yref'][1:]}"]
    assert axis["ticktext"][0] == "blocks.0…n&gt;.output"
    assert "<" not in "".join(axis["ticktext"])
    assert "by layer" in _texts(figure)
    assert not set(names) & set(_names(figure))
    assert "still-image" in tostring(chart(figure), encoding="unicode")


def _pixels(source: str) -> Any:
    """Return the pixels of a picture as `heat_map` writes it: each row unfiltered."""
    file = base64.b64decode(source.removeprefix("data:image/png;base64,"))
    assert file.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", file[16:24])
    packed = zlib.decompressobj().decompress(file[file.index(b"IDAT") + 4 :])
    rows = np.frombuffer(packed, np.uint8).reshape(height, 1 + 4 * width)
    return rows[:, 1:].reshape(height, width, 4)


@pytest.mark.parametrize(
    ("schedule", "shown"),
    [
        ("cosine decay", "cosine decay"),
        ("warm-up (100 steps), constant to step 800, linear decay", "..., constant to step 800, "),
        ("steps down at 100,000, 200,000, 300,000 and 7 other steps", "steps down at 100,000, "),
    ],
)
def test_the_schedule_is_named_in_few_words(schedule: str, shown: str) -> None:
    texts = _texts(run_figure(dataclasses.replace(curves(), schedule=schedule)))
    assert shown in texts
    assert "warm-up" not in texts


def _with_own(*own: Curve) -> Any:
    shown = families([each.name for each in own])
    return run_figure(curves(own=own), shown=shown)


def test_bytes_and_large_counts_are_read_in_their_units() -> None:
    steps = np.arange(9.0)
    memory = [Curve(f"gpu/{n}_bytes", steps, np.full(9, 2.0**n)) for n in (33, 34)]
    tokens = Curve("tokens", steps, np.linspace(5e8, 6e8, 9))
    figure = _with_own(*memory, tokens)
    layout = _layout(figure)
    assert layout["yaxis5"]["ticktext"][-1] == "15 GiB"
    assert "550 M" in layout["yaxis6"]["ticktext"]
    assert "last 600 M" in _texts(figure)
    drawn = {trace.name: trace for trace in figure.data}
    assert drawn["gpu/33_bytes"].y[0] == pytest.approx(8)
    assert drawn["gpu/33_bytes"].hovertemplate == "%{y:.4~g} GiB"


@pytest.mark.slow
def test_names_that_do_not_fit_beside_a_title_stand_in_rows_between_it_and_the_panel() -> None:
    long = "of_a_length_that_no_telephone_shows_in_one_line"
    short = _layout(_with_own(curve("train/acc"), curve("val/acc")))
    few = _layout(_with_own(curve("memory/used"), curve("memory/reserved")))
    many = _layout(_with_own(*(curve(f"an_eval/{i}_{long}") for i in range(3))))
    sides = [(each["legend5"]["xanchor"], each["legend5"]["yanchor"]) for each in (short, few)]
    assert sides == [("right", "bottom"), ("left", "top")]
    assert [few["height"], many["height"]] == [short["height"] + 19 * rows for rows in (1, 3)]
    heading = many["annotations"][4]
    drawable = many["height"] - many["margin"]["t"] - many["margin"]["b"]
    rows = (many["legend5"]["y"] - many["yaxis5"]["domain"][1]) * drawable
    assert rows == pytest.approx(heading["yshift"])
    assert heading["yshift"] == 7 + 3 * 19


def test_a_metric_that_never_changed_takes_a_line_and_no_panel() -> None:
    steps = np.arange(9.0)
    flat = Curve("data/workers", steps, np.full(9, 8.0))
    once = Curve("train_runtime", steps[-1:], np.array([857.0]))
    beside = Curve("val/acc", steps[-1:], np.array([0.5])), Curve("train/acc", steps, steps / 9)
    own = (flat, once, *beside)
    still = frozenset({"data/workers", "train_runtime", "val/acc"})
    shown = families([each.name for each in own])
    figure = run_figure(curves(own=own, flat=still), shown=shown)
    assert "8 throughout" in _texts(figure)
    assert "857 at step 8" in _texts(figure)
    names = [trace.name for trace in figure.data]
    assert {"val/acc", "train/acc"} <= {*names}
    assert not {"data/workers", "train_runtime"} & {*names}
    lower = _layout(run_figure(curves(own=own), shown=shown))["height"]
    assert _layout(figure)["height"] < lower - 200


def test_titles_stand_left_of_long_names_and_keep_their_room() -> None:
    plain = _layout(run_figure(curves()))["annotations"][0]
    assert "xshift" not in plain
    layers = [f"layer_grad_norm/encoder{i}.attention.weight" for i in range(3)]
    own = tuple(Curve(name, np.arange(9.0), np.linspace(1, 2, 9)) for name in layers)
    layout = _layout(run_figure(curves(own=own), shown=layer_families(layers)))
    assert layout["margin"]["l"] > 58
    assert layout["annotations"][0]["xshift"] == 58 - layout["margin"]["l"]


def test_long_names_lose_their_middle_in_legends_and_titles() -> None:
    ending = "of_everything_that_was_ever_asked"
    suite = [curve(f"a_suite/{kind}_{ending}") for kind in ("best", "mean")]
    figure = _with_own(*suite, curve("one_metric_with_a_name_that_goes_on_and_on"))
    cut = ["best_of_everythi…at_was_ever_asked", "mean_of_everythi…at_was_ever_asked"]
    assert [name for name in _names(figure) if name.endswith("asked")] == cut
    assert "<b>one_metric_with" in _texts(figure)


def test_names_of_layers_leave_room_for_the_lines() -> None:
    names = [f"layer_grad_norm/transformer.h.{i}.attn" for i in range(3)]
    own = tuple(curve(name) for name in names)
    layout = _layout(run_figure(curves(own=own), shown=layer_families(names)))
    assert [*layout["yaxis5"]["ticktext"]] == ["h.0.attn", "h.1.attn", "h.2.attn"]
    assert layout["margin"]["l"] == 63


@pytest.mark.slow
def test_what_the_training_said_is_marked_on_the_lower_frame_and_each_kind_named_once() -> None:
    saved = Curve("event/checkpoint", np.array([30.0, 60.0, 90.0]), np.ones(3))
    moved = Curve("event/<b>new</b> data", np.array([70.0]), np.ones(1))
    figure = run_figure(curves(own=(saved, moved)))
    marks = [trace for trace in figure.data if trace.name == "event"]
    assert [[*each.x] for each in marks] == [[30, 60, 90], [70]]
    axis = _layout(figure)["yaxis"]
    assert np.log10(marks[0].y[0]) == pytest.approx(axis["range"][0])
    names = [a for a in _layout(figure)["annotations"] if a["text"] == "checkpoint"]
    assert [(a["x"], a["y"], a["xanchor"]) for a in names] == [(30, axis["domain"][0], "left")]
    assert "&lt;b&gt;new" in _texts(figure)
    zoomed = run_figure(curves(own=(saved,), window=(50.0, 99.0)))
    assert [a["x"] for a in _layout(zoomed)["annotations"] if a["text"] == "checkpoint"] == [60]
    assert "checkpoint" in tostring(chart(figure), encoding="unicode")
