"""The id of every component that a callback or a script of the assets speaks to."""

from typing import Final

__all__ = [
    "BEAT",
    "COMPARE_BUTTON",
    "COMPARE_GRAPH",
    "COMPARE_RUNS",
    "COMPARE_STATUS",
    "COMPARE_TABLE",
    "COMPARE_TICK",
    "COMPARE_TOKEN",
    "CSV_BUTTON",
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
    "RUN_NUMBERS",
    "RUN_STATUS",
    "RUN_TICK",
    "RUN_TOKEN",
    "RUN_VERDICT",
    "SUMMARY",
    "SWEEP_CARD",
    "SWEEP_GRAPH",
    "SWEEP_LIST",
    "SWEEP_TABLE",
    "SWEEP_TICK",
    "SWEEP_TOKEN",
    "TABLE",
    "THEME",
    "THEME_TOGGLE",
    "URL",
    "VIEW",
]

URL: Final = "url"
PAGE: Final = "page"
THEME: Final = "theme"
THEME_TOGGLE: Final = "theme-toggle"
HELP: Final = "help"
VIEW: Final = "view"
"""How the charts of a page are shown, in the words of `lrwatch_dashboard.address`."""

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
RUN_NUMBERS: Final = "run-numbers"
GRAPH: Final = "run-graph"

SWEEP_TICK: Final = "sweep-tick"
SWEEP_TOKEN: Final = "sweep-token"  # noqa: S105
SWEEP_LIST: Final = "sweep-list"
SWEEP_CARD: Final = "sweep-card"
SWEEP_GRAPH: Final = "sweep-graph"
SWEEP_TABLE: Final = "sweep-table"

COMPARE_BUTTON: Final = "compare-button"
CSV_BUTTON: Final = "csv-button"
COMPARE_TICK: Final = "compare-tick"
COMPARE_RUNS: Final = "compare-runs"
COMPARE_TOKEN: Final = "compare-token"  # noqa: S105
COMPARE_STATUS: Final = "compare-status"
COMPARE_TABLE: Final = "compare-table"
COMPARE_GRAPH: Final = "compare-graph"
