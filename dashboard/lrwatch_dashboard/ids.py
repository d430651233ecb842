"""Ids of components that several modules or a script of the assets speak to.

Those of a single page stand in its module.
"""

from typing import Final

__all__ = [
    "ALERTS_SAYING",
    "ALERTS_WORDS",
    "ALERT_COUNT",
    "BEAT",
    "COMPARE_RUNS",
    "GRID",
    "HELP",
    "MARK_COUNT",
    "OVERVIEW_ASKED",
    "OVERVIEW_WORDS",
    "PAGE",
    "RUN_KEY",
    "SILENCE_BY",
    "SILENCE_FORM",
    "SILENCE_PROBLEM",
    "SILENCE_REASON",
    "SILENCE_RUN",
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
ALERT_COUNT: Final = "alert-count"
VIEW: Final = "view"
"""How the charts of a page are shown, in the words of `lrwatch_dashboard.address`."""

BEAT: Final = "beat"
"""Receives the server's clock at every poll; silence here shows the banner."""

GRID: Final = "runs"
MARK_COUNT: Final = "mark-count"

SILENCE_RUN: Final = "silence-run"
SILENCE_REASON: Final = "silence-reason"
SILENCE_BY: Final = "silence-by"
SILENCE_PROBLEM: Final = "silence-problem"

# What pages hold and the browser may send back; `lrwatch_dashboard.security.calls` checks it.
RUN_KEY: Final = "run-key"
COMPARE_RUNS: Final = "compare-runs"
ALERTS_WORDS: Final = "alerts-words"
ALERTS_SAYING: Final = "alerts-saying"
SILENCE_FORM: Final = "silence-form"
OVERVIEW_WORDS: Final = "overview-words"
"""Which runs the Overview shows, by the words of its address."""

OVERVIEW_ASKED: Final = "overview-asked"
"""What the Overview is asked to do to runs."""
