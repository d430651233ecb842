"""The id of every component that a callback or a script of the assets speaks to."""

from typing import Final

__all__ = [
    "ALERTS_BOARD",
    "ALERTS_HEALTH",
    "ALERTS_NEWS",
    "ALERTS_SAYING",
    "ALERTS_TICK",
    "ALERTS_TOKEN",
    "ALERTS_WORDS",
    "ALERT_COUNT",
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
    "OVERVIEW_VERDICTS",
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
    "SHARED",
    "SILENCE_BY",
    "SILENCE_DONE",
    "SILENCE_FORM",
    "SILENCE_PROBLEM",
    "SILENCE_REASON",
    "SILENCE_RUN",
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
OVERVIEW_VERDICTS: Final = "overview-verdicts"
"""How many runs have each verdict, as text, when what they share was worked out."""

SUMMARY: Final = "summary"
SHARED: Final = "shared"
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

ALERT_COUNT: Final = "alert-count"
ALERTS_TICK: Final = "alerts-tick"
ALERTS_TOKEN: Final = "alerts-token"  # noqa: S105
ALERTS_WORDS: Final = "alerts-words"
ALERTS_HEALTH: Final = "alerts-health"
ALERTS_BOARD: Final = "alerts-board"
ALERTS_SAYING: Final = "alerts-saying"
"""Receives what a button of an alert says, from the script of the assets."""

ALERTS_NEWS: Final = "alerts-news"
SILENCE_RUN: Final = "silence-run"
SILENCE_REASON: Final = "silence-reason"
SILENCE_BY: Final = "silence-by"
SILENCE_FORM: Final = "silence-form"
"""Receives what the form for a silence holds, from the script of the assets."""

SILENCE_PROBLEM: Final = "silence-problem"
SILENCE_DONE: Final = "silence-done"
"""Receives the time at which a silence was written; the script of the assets closes the form."""
