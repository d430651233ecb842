"""The command line, one file a command: parse, call, print. The only place that prints.

A module of a command imports click, errors and formats when it is loaded, so that
``lrwatch --help`` answers at once; whatever else it needs is imported when it runs.
"""

from lrwatch.cli.program import main

__all__ = ["main"]
