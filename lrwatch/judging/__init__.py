"""Runs judged once and remembered: `judge` one, or a whole store on processes or on Dask.

What was found is kept in a Parquet table beside the runs, so that only what is new is judged.
"""

from lrwatch.judging.judged_runs import JudgedRuns, OnJudged, judge_runs
from lrwatch.judging.rows import judge
from lrwatch.judging.table import VerdictTable
from lrwatch.judging.workers import Workers

__all__ = ["JudgedRuns", "OnJudged", "VerdictTable", "Workers", "judge", "judge_runs"]
