"""From view models to plotly figures; pure functions, without Dash."""

from lrwatch_dashboard.figures.compare_figure import compare_figure
from lrwatch_dashboard.figures.range_figure import range_figure
from lrwatch_dashboard.figures.run_figure import run_figure
from lrwatch_dashboard.figures.settings_figure import parallel_figure, scatter_figure
from lrwatch_dashboard.figures.stack import message_figure, no_figure
from lrwatch_dashboard.figures.sweep_figure import sweep_figure

__all__ = [
    "compare_figure",
    "message_figure",
    "no_figure",
    "parallel_figure",
    "range_figure",
    "run_figure",
    "scatter_figure",
    "sweep_figure",
]
