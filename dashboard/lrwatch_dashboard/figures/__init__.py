"""From view models to plotly figures; pure functions, without Dash."""

from lrwatch_dashboard.figures.graph_config import GRAPH_CONFIG
from lrwatch_dashboard.figures.run_figure import message_figure, run_figure

__all__ = ["GRAPH_CONFIG", "message_figure", "run_figure"]
