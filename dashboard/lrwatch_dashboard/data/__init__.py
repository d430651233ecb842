"""The only door of the dashboard to lrwatch: a folder of runs in, view models out."""

from lrwatch_dashboard.data.run_store import RunStore
from lrwatch_dashboard.data.verdict_memory import cache_folder

__all__ = ["RunStore", "cache_folder"]
