"""Say what a measurement was allowed to be, and what it was."""

from __future__ import annotations

__all__ = ["budget"]


def budget(what: str, reached: float, unit: str, allowed: float, aim: float | None = None) -> None:
    """Print one line: budget, aim if there is one, what was reached, and whether it holds."""
    aimed = "" if aim is None else f", aim {aim:g} {unit}"
    if aim is not None and reached <= aim:
        verdict = "aim met"
    else:
        verdict = "budget met" if reached <= allowed else "MISSED"
    print(f"  {what}: budget {allowed:g} {unit}{aimed}: reached {reached:.1f} {unit}, {verdict}")
