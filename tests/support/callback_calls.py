"""What a browser posts when a page calls one of its callbacks."""

from __future__ import annotations

from typing import Any

from lrwatch_dashboard import ids
from lrwatch_dashboard.theme import MARKS

__all__ = ["callback_call"]


def callback_call(dependency: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return a call of a callback, as ``/_dash-dependencies`` names it.

    `values` are what components hold, by id; what is not there is an empty text.
    """
    given = {
        kind: [{**part, "value": values.get(part["id"], "")} for part in dependency[kind]]
        for kind in ("inputs", "state")
    }
    changed = [f"{part['id']}.{part['property']}" for part in dependency["inputs"]]
    output = dependency["output"]
    return {"output": output, "outputs": _outputs(output), **given, "changedPropIds": changed}


def _outputs(output: str) -> Any:
    """Return what a call is to write: one thing, or a list."""
    outputs: list[Any] = []
    for id_, _, name in (o.rpartition(".") for o in output.strip(".").split("...")):
        marks = [{"id": {"type": ids.MARK_COUNT, "mark": m}, "property": name} for m in MARKS]
        outputs.append(marks if id_.startswith("{") else {"id": id_, "property": name})
    return outputs if output.startswith("..") else outputs[0]
