"""Names of runs that nobody named."""

from __future__ import annotations

import re

__all__ = ["run_name"]

_MOST_SIGNS = 40


def run_name(program: str, what: str) -> str:
    """Join a program's name and what tells its runs apart.

    Parameters
    ----------
    program
        Any text; what a folder's name may not hold becomes a dash.
    what
        Optimizer and learning rate, say.

    Examples
    --------
    >>> run_name("train", "sgd-0.1"), run_name("a:b?", "sgd-0.1"), run_name("", "sgd-0.1")
    ('train-sgd-0.1', 'a-b-sgd-0.1', 'sgd-0.1')
    """
    plain = re.sub(r"[^\w.+=@-]+", "-", program)[:_MOST_SIGNS].strip(".-")
    return f"{plain}-{what}" if plain else what
