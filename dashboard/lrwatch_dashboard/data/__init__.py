"""The only door of the dashboard to lrwatch: a folder of runs in, view models out."""

# pyarrow loads pandas with the first file it reads; were that on a thread of its own, plotly could
# meet half a pandas on another, and fail.
import pandas  # noqa: F401

from lrwatch.cache_folder import cache_folder
from lrwatch_dashboard.data.run_store import RunStore

__all__ = ["RunStore", "cache_folder"]
