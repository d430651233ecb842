"""A user's own metrics from the rows to lines: summed up as they come, read when shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from lrwatch_dashboard.data.loaded_run import LoadedRuns
from lrwatch_dashboard.data.own_columns import OwnColumns
from lrwatch_dashboard.data.rulers import ruled, ruler
from lrwatch_dashboard.data.run_store import RunStore
from lrwatch_dashboard.own_metrics import MetricSummary
from lrwatch_dashboard.views import Curve
from stores import new_writer, row

from lrwatch.following.metric_tracker import MetricTracker
from lrwatch.tables import step_block

NAN = math.nan


def tracked(*blocks: Mapping[str, Sequence[float]]) -> dict[str, MetricSummary]:
    tracker = MetricTracker()
    for block in blocks:
        tracker.add(step_block({"lr": [0.1] * len(block["step"]), **block}))
    return dict(tracker.summaries())


def test_a_metric_comes_to_its_last_and_best_and_where_the_loss_was_least() -> None:
    first: dict[str, list[float]] = {
        "step": [0, 1, 2],
        "loss": [3, 1, 2],
        "acc": [0.2, NAN, 0.9],
        "lr/a": [1, 1, 1],
    }
    found = tracked(first, {"step": [3, 4], "loss": [2, 2], "acc": [0.6, NAN]})
    assert list(found) == ["acc"]
    acc = found["acc"]
    assert (acc.n, acc.last, acc.last_step) == (3, 0.6, 3)
    assert (acc.best(least=True), acc.low_step) == (0.2, 0)
    assert (acc.best(least=False), acc.high_step) == (0.9, 2)
    assert acc.at_best_loss == 0.2  # at step 1 the last value known
    assert not acc.rises


def test_blocks_of_any_size_come_to_the_same() -> None:
    rng = np.random.default_rng(0)
    loss, acc = rng.random(40), np.where(rng.random(40) < 0.4, rng.random(40), NAN)
    parts = [slice(0, 7), slice(7, 8), slice(8, 30), slice(30, 40)]
    whole = {"step": list(range(40)), "loss": loss.tolist(), "acc": acc.tolist()}
    cut = [{name: values[part] for name, values in whole.items()} for part in parts]
    assert str(tracked(*cut)) == str(tracked(whole))


def test_what_only_rises_is_known_for_it_also_after_a_resume() -> None:
    one = {"step": [0, 1, 2], "loss": [1, 1, 1], "n": [0, 1, 2], "flat": [1, 1, 1], "u": [0, 2, 1]}
    again = {"step": [1, 2, 3], "loss": [1, 1, 1], "n": [1, 2, 3], "flat": [1, 1, 1]}
    found = tracked(one, again)
    assert [name for name, metric in found.items() if metric.rises] == ["n"]
    late: dict[str, list[float]] = {"step": [4], "loss": [1], "flat": [2.0], "n": [1.0]}
    assert [name for name, m in tracked(one, again, late).items() if m.rises] == ["flat"]


def test_columns_are_read_when_asked_for_and_grow_with_the_run(tmp_path: Path) -> None:
    writer = new_writer(tmp_path)
    writer.widen(["acc", "other"])
    for step in range(6):
        seen = {"acc": step / 10} if step % 2 else {}
        writer.append(row(step, writer, other=1.0, **seen))
    own = OwnColumns(writer.folder)
    (acc,) = own.curves(["acc"], None)
    assert acc.x.tolist() == [1, 3, 5]
    assert own.drawn("other") is None  # nobody has asked for it
    for step in (4, 5, 6, 7):  # a resumed run makes two steps again
        writer.append(row(step, writer, acc=9.0))
    acc, other, none = own.curves(["acc", "other", "none"], None)
    assert acc.x.tolist() == [1, 3, 4, 5, 6, 7]
    assert acc.y.tolist() == [0.1, 0.3, 9, 9, 9, 9]
    assert other.x.tolist() == [0, 1, 2, 3]
    assert len(none.x) == 0
    assert own.curves(["acc"], (3, 4))[0].x.tolist() == [1, 3, 4, 5, 6, 7]


@pytest.mark.slow
def test_a_long_metric_keeps_its_spike_and_a_zoom_brings_every_point(tmp_path: Path) -> None:
    n = 30_000  # the last rows are in the journal
    values = np.random.default_rng(0).random((2, n))
    values[0, 12_345] = 50.0
    writer = new_writer(tmp_path)
    writer.widen(["acc", "other"])
    for step in range(n):
        writer.append(row(step, writer, acc=values[0, step], other=values[1, step]))
    own = OwnColumns(writer.folder)
    acc, _ = own.curves(["acc", "other"], None)
    assert len(acc.x) <= 2003
    assert (acc.x[0], acc.x[-1]) == (0, n - 1)
    assert acc.x[acc.y.argmax()] == 12_345
    for first, last in ((2_000, 2_500), (16_000, 17_000), (29_900, 40_000)):
        (zoomed,) = own.curves(["acc"], (first, last))
        inside = (zoomed.x >= first) & (zoomed.x <= last)
        assert zoomed.y[inside].tolist() == values[0, first : last + 1].tolist()
        assert (np.diff(zoomed.x) > 0).all()
    for step in (1_000, 1_001):  # the run goes back: all the rest counts no longer
        writer.append(row(step, writer, acc=-1.0))
    assert own.curves(["acc"], (990, 5_000))[0].y[-2:].tolist() == [-1, -1]
    again, other = own.curves(["acc", "other"], None)
    assert (again.x[-1], other.x[-1]) == (1_001, 999)
    writer.close("finished")
    assert OwnColumns(writer.folder).curves(["acc"], None)[0].y.tolist() == again.y.tolist()


def test_lines_that_take_long_come_later_and_the_old_ones_stay_meanwhile(tmp_path: Path) -> None:
    writer = new_writer(tmp_path)
    writer.widen(["acc", "other"])
    for step in range(5):
        writer.append(row(step, writer, acc=step, other=step))
    loaded, ask = LoadedRuns(), ("run", writer.folder, ["acc", "other"])
    assert loaded.own("run", writer.folder, ["acc"], None, 60)[1] == ()
    own = loaded._loaded("run", writer.folder).own
    with own._lock:  # as while another page reads them
        (acc, other), waiting = loaded.own(*ask, None, 0.01)
        assert (len(acc.x), len(other.x), waiting) == (5, 0, ("other",))
        assert loaded.own(*ask, (1, 2), 0.01)[1] == ("acc", "other")
    (acc, other), waiting = loaded.own(*ask, None, 60)
    assert (len(acc.x), len(other.x), waiting) == (5, 5, ())


def test_an_epoch_grows_between_its_rises_and_after_the_last() -> None:
    epoch = Curve("epoch", np.arange(25.0), np.array([float(i // 10) for i in range(25)]))
    clock = ruler(epoch, 24)
    assert clock.seconds_at([0, 5, 10, 20, 24]).tolist() == pytest.approx([0, 0.5, 1, 2, 2.4])
    assert clock.steps_at([1.5]).tolist() == [15]
    for falls in ([0.0, 2.0, 1.0], [1.0, 1.0, 1.0], [1.0]):
        assert not ruler(Curve("x", np.arange(float(len(falls))), np.array(falls)), 9)


def test_a_run_is_measured_by_its_tokens_or_from_its_first_step(tmp_path: Path) -> None:
    writer = new_writer(tmp_path, "late")
    writer.widen(["tokens"])
    for step in range(100, 140):
        writer.append(row(step, writer, tokens=64.0 * (step - 99)))
    writer.close("finished")
    source = RunStore(tmp_path, threaded=False)
    source.refresh()
    view = source.run("late")
    assert view is not None
    assert view.metrics["tokens"].rises
    assert ruled(source, view, "start").clock.seconds_at([100, 139]).tolist() == [0, 39]
    assert ruled(source, view, "own:tokens").clock.seconds_at([100, 139]).tolist() == [64, 2560]
    assert not ruled(source, view, "own:nothing").clock
    assert ruled(source, view, "step") is view
