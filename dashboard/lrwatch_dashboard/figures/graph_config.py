"""What every chart of the dashboard allows: one configuration for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["GRAPH_CONFIG"]

GRAPH_CONFIG: Final[Mapping[str, Any]] = {
    "displaylogo": False,
    "responsive": True,
    # With "reset" plotly would go back to the range of the first draw, which a live run outgrows.
    "doubleClick": "autosize",
    # plotly.js 4 offers by default to upload the chart to a server of its makers.
    "modeBarButtonsToRemove": [
        "sendChartToCloud",
        "lasso2d",
        "select2d",
        "zoomIn2d",
        "zoomOut2d",
        "resetScale2d",
    ],
    "plotlyServerURL": "",
    "showLink": False,
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "lrwatch"},
}
