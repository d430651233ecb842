from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from lrwatch_dashboard.data.loaded_run import LoadedRun
from stores import new_writer, row, write_run

from lrwatch.errors import RunNotFound
from lrwatch.records import FLOAT_COLUMNS, NULL, RunInfo
from lrwatch.store.creation import create_run


def test_new_rows_come_with_every_call(tmp_path: Path) -> None:
    writer = new_writer(tmp_path)
    history = LoadedRun(writer.folder)
    assert history.curves().last_step is None
    for step in range(5):
        writer.append(row(step, writer))
    first = history.curves()
    assert first.last_step == 4
    writer.append(row(5, writer))
    second = history.curves()
    assert second.loss.x.tolist() == [0, 1, 2, 3, 4, 5]
    assert second.token != first.token
    writer.close("finished")
    assert history.curves().token == second.token


def test_a_resumed_run_shows_each_step_once_and_where_it_was_resumed(tmp_path: Path) -> None:
    steps = [*range(10), *range(6, 12)]
    loss = [1.0] * 10 + [2.0] * 6
    path = write_run(tmp_path, steps=steps, values={"loss": loss})
    curves = LoadedRun(path).curves()
    assert curves.loss.x.tolist() == list(range(12))
    assert curves.loss.y.tolist() == [1.0] * 6 + [2.0] * 6
    assert curves.resumes == (6,)


def test_a_run_resumed_while_it_is_watched_is_cut_back(tmp_path: Path) -> None:
    writer = new_writer(tmp_path)
    history = LoadedRun(writer.folder)
    for steps, last in ((range(10), 9), (range(3, 5), 4)):
        for step in steps:
            writer.append(row(step, writer))
        assert history.curves().last_step == last
    writer.close("finished")


def test_losses_that_are_not_finite_are_marked_and_unseen_ones_are_not(tmp_path: Path) -> None:
    loss = [1.0, NULL, math.nan, math.inf, 1.0]
    path = write_run(tmp_path, steps=range(5), values={"loss": loss})
    curves = LoadedRun(path).curves()
    assert curves.broken.tolist() == [2, 3]
    assert (curves.n_broken, curves.first_broken, curves.stays_broken) == (2, 2, False)
    assert curves.loss.x.tolist() == [0, 4]


def test_a_run_that_never_recovers_is_said_to_stay_broken(tmp_path: Path) -> None:
    path = write_run(tmp_path, steps=range(4), values={"loss": [1.0, 1.0, math.nan, math.inf]})
    assert LoadedRun(path).curves().stays_broken


def test_learning_rates_come_by_group_in_the_order_of_the_groups(tmp_path: Path) -> None:
    info = RunInfo(id="a", name="run", parameter_groups=("head", "body"))
    columns = (*FLOAT_COLUMNS, "lr/body", "lr/head")
    writer = create_run(tmp_path, info, columns)
    writer.append(row(0, writer, **{"lr/body": 0.1, "lr/head": 0.2}))
    writer.close("finished")
    curves = LoadedRun(writer.folder).curves()
    assert [(c.name, c.y.tolist()) for c in curves.lr] == [("head", [0.2]), ("body", [0.1])]


def test_rates_that_never_changed_are_known_for_it(tmp_path: Path) -> None:
    about = [1e-5, float(np.float32(1e-5)), 1e-5]  # one rate, in two precisions
    steady = LoadedRun(write_run(tmp_path, "a", steps=range(3), values={"lr": about})).curves()
    falls = LoadedRun(write_run(tmp_path, "b", steps=range(3), values={"lr": [2, 2, 1]})).curves()
    assert (steady.is_steady, falls.is_steady) == (True, False)


def test_clipping_is_shown_only_where_it_ever_engaged(tmp_path: Path) -> None:
    norms = {"grad_norm": [3.0, 1.0], "grad_norm_clipped": [2.0, 1.0]}
    clipped = LoadedRun(write_run(tmp_path, "a", steps=range(2), values=norms)).curves().clipped
    assert clipped is not None
    assert clipped.y.tolist() == [2.0, 1.0]
    norms["grad_norm_clipped"] = norms["grad_norm"]
    path = write_run(tmp_path, "b", steps=range(2), values=norms)
    assert LoadedRun(path).curves().clipped is None


def test_the_update_ratio_stands_at_the_sampled_steps(tmp_path: Path) -> None:
    norms = {"update_norm": [0.1, NULL, 0.3], "param_norm": [10.0, NULL, 10.0]}
    ratio = LoadedRun(write_run(tmp_path, steps=range(3), values=norms)).curves().update_ratio
    assert ratio.x.tolist() == [0, 2]
    assert ratio.y == pytest.approx([0.01, 0.03])


def test_a_zoom_brings_back_every_point_of_a_long_run(tmp_path: Path) -> None:
    n = 5000
    loss = np.random.default_rng(0).gamma(2, size=n)
    path = write_run(tmp_path, steps=range(n), values={"loss": loss})
    history = LoadedRun(path)
    assert len(history.curves().loss.x) < n
    zoomed = history.curves((1000.0, 1500.0)).loss
    inside = (zoomed.x >= 1000) & (zoomed.x <= 1500)
    assert zoomed.y[inside].tolist() == loss[1000:1501].tolist()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound):
        LoadedRun(tmp_path)


def test_released_rows_come_back_when_another_view_is_asked_for(tmp_path: Path) -> None:
    n = 5000
    loss = np.random.default_rng(0).gamma(2, size=n)
    path = write_run(tmp_path, steps=range(n), values={"loss": loss})
    kept, history = LoadedRun(path), LoadedRun(path)
    before = history.curves()
    assert history.n_bytes > 0
    history.release()
    assert history.n_bytes == 0
    assert history.curves() is before  # what was drawn last is still at hand
    assert history.n_bytes == 0
    zoomed, wanted = history.curves((1000.0, 1500.0)), kept.curves((1000.0, 1500.0))
    assert zoomed.loss.y.tolist() == wanted.loss.y.tolist()
    assert zoomed.smooth_loss.y.tolist() == wanted.smooth_loss.y.tolist()
    assert zoomed.token == before.token


def test_a_released_run_that_goes_on_shows_all_its_rows(tmp_path: Path) -> None:
    writer = new_writer(tmp_path)
    history = LoadedRun(writer.folder)
    for step in range(10):
        writer.append(row(step, writer, loss=math.nan if step == 4 else 1.0))
    first = history.curves()
    history.release()
    for step in [*range(6, 12)]:  # resumed from an older step
        writer.append(row(step, writer))
    curves = history.curves()
    writer.close("finished")
    assert curves.loss.x.tolist() == [0, 1, 2, 3, *range(5, 12)]
    assert curves.resumes == (6,)
    assert curves.broken.tolist() == [4]
    assert curves.token != first.token


def test_a_loss_that_is_written_again_is_broken_no_longer(tmp_path: Path) -> None:
    loss = [1.0, math.nan, math.nan, 1.0, 2.0, 2.0]
    path = write_run(tmp_path, steps=[0, 1, 2, 3, 2, 3], values={"loss": loss})
    curves = LoadedRun(path).curves()
    assert curves.broken.tolist() == [1]
