"""The id of every component that a callback or a script of the assets speaks to."""

from typing import Final

__all__ = [
    "BEAT",
    "EMPTY",
    "FILTER",
    "GRAPH",
    "GRID",
    "HELP",
    "MARK_COUNT",
    "MARK_FILTER",
    "MARK_FILTERS",
    "OVERVIEW_CHANGE",
    "OVERVIEW_TICK",
    "OVERVIEW_TOKEN",
    "PAGE",
    "RUN_CURVES_TOKEN",
    "RUN_EVIDENCE",
    "RUN_KEY",
    "RUN_MISSING",
    "RUN_STATUS",
    "RUN_TICK",
    "RUN_TOKEN",
    "RUN_VERDICT",
    "RUN_ZOOM",
    "SUMMARY",
    "TABLE",
    "THEME",
    "THEME_TOGGLE",
    "URL",
]

URL: Final = "url"
PAGE: Final = "page"
THEME: Final = "theme"
THEME_TOGGLE: Final = "theme-toggle"
HELP: Final = "help"
BEAT: Final = "beat"
"""Receives the server's clock at every poll; silence here shows the banner."""

OVERVIEW_TICK: Final = "overview-tick"
OVERVIEW_CHANGE: Final = "overview-change"
OVERVIEW_TOKEN: Final = "overview-token"  # noqa: S105  a revision of the table, no secret
SUMMARY: Final = "summary"
FILTER: Final = "filter"
MARK_FILTERS: Final = "mark-filters"
MARK_FILTER: Final = "mark-filter"
MARK_COUNT: Final = "mark-count"
TABLE: Final = "table"
GRID: Final = "runs"
EMPTY: Final = "empty"

RUN_TICK: Final = "run-tick"
RUN_KEY: Final = "run-key"
RUN_TOKEN: Final = "run-token"  # noqa: S105
RUN_CURVES_TOKEN: Final = "run-curves-token"  # noqa: S105
RUN_STATUS: Final = "run-status"
RUN_VERDICT: Final = "run-verdict"
RUN_EVIDENCE: Final = "run-evidence"
RUN_MISSING: Final = "run-missing"
RUN_ZOOM: Final = "run-zoom"
GRAPH: Final = "run-graph"
