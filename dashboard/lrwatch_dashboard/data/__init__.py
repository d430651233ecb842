"""The only door of the dashboard to lrwatch: a folder of runs in, view models out."""

from lrwatch_dashboard.data.run_store import RunStore

__all__ = ["RunStore"]
