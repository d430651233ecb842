"""What a notebook shows of a run and of a diagnosis, and that a run is taken where its path is."""

from __future__ import annotations

import html.parser
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch_models import small_net, train

import lrwatch
from lrwatch.card import card, sparkline
from lrwatch.errors import MissingExtra
from lrwatch.recording.notebook import run_card, run_figure

SAMPLES = Path(__file__).parents[3] / "sample_runs"


class Parsed(html.parser.HTMLParser):
    """The text and the elements of a piece of HTML, each closed in its turn."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text, self.tags, self.open = "", list[str](), list[str]()
        self.points: list[tuple[float, float]] = []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        for pair in (dict(attrs).get("points") or "").split():
            x, y = pair.split(",")
            self.points.append((float(x), float(y)))

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


HELD: list[tuple[object, lrwatch.Run]] = []  # a run ends with its optimizer


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    for _, run in HELD:
        run.finish()
    HELD.clear()


def trained(folder: Path, n_steps: int, **options: Any) -> lrwatch.Run:
    net = small_net()
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    run = lrwatch.watch(sgd, dir=folder, **options)
    train(net, sgd, n_steps)
    HELD.append((sgd, run))
    return run


def test_a_run_is_taken_wherever_its_path_is(tmp_path: Path) -> None:
    run = trained(tmp_path, 30)
    assert len(lrwatch.read(run)) == 30  # while it is being recorded
    assert lrwatch.diagnose(run) == lrwatch.diagnose(run.path)
    assert lrwatch.diagnose_sweep({"a": run}) == lrwatch.diagnose_sweep({"a": run.path})
    run.finish()
    assert len(lrwatch.read(run)) == 30


def test_a_run_shows_its_verdict_and_its_loss(tmp_path: Path) -> None:
    run = trained(tmp_path, 30, name="sgd & more")
    shown, found = Parsed(run._repr_html_()), lrwatch.diagnose(run)
    assert {"sgd & more", found.reason} <= set(_texts(run._repr_html_()))
    assert found.verdict.replace("_", " ") in shown.text
    assert "30 steps · peak rate 0.1 · last loss" in shown.text
    assert len(shown.points) == 30
    assert shown.points[0][0] == 0
    assert "script" not in shown.tags


def test_of_a_long_run_the_line_keeps_its_extremes() -> None:
    shown = Parsed(run_card(SAMPLES / "chars-adam-constant-1"))
    rows = lrwatch.read(SAMPLES / "chars-adam-constant-1")
    assert len(shown.points) <= 84 < len(rows)
    assert min(y for _, y in shown.points) == 2.0  # the highest loss touches the upper edge


def test_before_the_first_step_and_without_files_it_says_so(tmp_path: Path) -> None:
    run = trained(tmp_path, 0, name="new")
    assert "No step is recorded yet." in Parsed(run._repr_html_()).text
    run.finish()
    (run.path / "run.json").write_text("<script>alert(1)</script>")
    shown = Parsed(run._repr_html_())
    assert "unreadable" in shown.text
    assert "script" not in shown.tags


def test_a_diagnosis_shows_what_it_says() -> None:
    found = lrwatch.diagnose(SAMPLES / "digits-sgd-constant-0.001")
    shown = Parsed(found._repr_html_())
    assert {found.reason, found.advice} <= set(_texts(found._repr_html_()))
    assert f"rate to try: {found.suggested_lr:.2g}" in shown.text
    assert "too low" in shown.text


def test_no_text_becomes_markup() -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e\x00\"'"
    shown = Parsed(
        card(hostile, hostile, title=hostile, advice=hostile, facts=[hostile])
        + sparkline([0.0, 1.0], hostile)
    )
    assert set(shown.tags) <= {"div", "span", "strong", "svg", "polyline"}
    assert shown.text.count("<img src=x") == 5


@pytest.mark.parametrize(
    "values", [[1.0, 1.0], [-1.7e308, 1.7e308], [5e-324, 0.0], [1e308] * 3, [0.0, 1e-300]]
)
def test_any_finite_numbers_can_be_drawn(values: list[float]) -> None:
    points = Parsed(sparkline(values, "loss")).points
    assert len(points) == len(values)
    assert all(0 <= y <= 28 for _, y in points)


def test_a_run_is_plotted(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    run = trained(tmp_path, 12)
    figure = run.plot()
    rows = lrwatch.read(run)
    drawn = {line.name: line for line in figure.data}
    assert list(drawn) == ["loss", "lr", "grad_norm"]  # nothing was clipped
    for name, line in drawn.items():
        assert np.array_equal(line.y, rows[name])
        assert np.array_equal(line.x, rows["step"])
    assert figure.layout.yaxis.type == "linear"
    low, high = figure.layout.yaxis2.range  # of a rate that never changed
    assert low == 0 < rows["lr"][0] < high
    assert figure.layout.yaxis.range is None


def test_a_diverging_run_is_plotted_by_magnitude() -> None:
    pytest.importorskip("plotly")
    figure = run_figure(SAMPLES / "chars-adam-constant-1")
    rows = lrwatch.read(SAMPLES / "chars-adam-constant-1")
    assert max(figure.data[0].y) == rows["loss"].replace(np.inf, np.nan).max()
    assert figure.layout.xaxis3.title.text == "step"


def test_without_plotly_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(tmp_path, 2)
    for name in [name for name in sys.modules if name.partition(".")[0] == "plotly"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(MissingExtra, match=r"pip install 'lrwatch\[dashboard\]'"):
        run.plot()


def _texts(source: str) -> list[str]:
    """Return the text of each element."""
    found: list[str] = []
    parser = html.parser.HTMLParser()
    parser.handle_data = found.append  # type: ignore[assignment,method-assign]
    parser.feed(source)
    return found
