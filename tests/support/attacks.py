"""Texts that would do harm if a page took them for markup, and a store full of them."""

from __future__ import annotations

import json
from pathlib import Path

from stores import row

from lrwatch.records import FLOAT_COLUMNS, RunInfo
from lrwatch.store.creation import create_run

__all__ = ["ATTACKS", "hostile_store"]

ATTACKS = (
    "<script>window.owned=1</script>",
    "<img src=x onerror=window.owned=1>",
    '"><svg onload=window.owned=1>',
    "' onmouseover='window.owned=1",
    "javascript:window.owned=1",
    "{{constructor.constructor('window.owned=1')()}}",
    "${window.owned=1}",
    "</title><script>window.owned=1</script>",
    "&lt;img src=x onerror=window.owned=1&gt;",
    "<a href='javascript:window.owned=1'>click</a>",
    "[click](javascript:window.owned=1)",
    "\u202emoc.elpmaxe//:ptth",
    "%{y}<extra><b>x</b></extra>",
)


def hostile_store(store: Path) -> list[str]:
    """Write runs whose every text is an attack; return the names of their folders."""
    names = []
    for i, attack in enumerate(ATTACKS):
        # What a careful writer refuses can still lie in a store: names are changed by hand.
        name = attack.replace("/", "\u2215")
        groups = (attack, f"{i} {attack}")
        columns = (*FLOAT_COLUMNS, *(f"lr/{group}" for group in groups), attack)
        info = RunInfo(
            id=attack,
            name=f"run-{i}",
            optimizer=attack,
            parameter_groups=groups,
            group=attack,
            config={attack: attack, "nested": {attack: [attack, {attack: attack}]}},
            environment={attack: attack},
        )
        writer = create_run(store, info, columns)
        for step in range(40):
            logged = {f"lr/{group}": 0.1 * (1 + i) for i, group in enumerate(groups)}
            norms = {"grad_norm": 2.0, "grad_norm_clipped": 1.0}
            writer.append(row(step, writer, **norms, **logged, **{attack: 1.0}))
        writer.close("finished")
        description = writer.folder / "run.json"
        plain = json.loads(description.read_text("utf-8"))
        description.write_text(json.dumps({**plain, "name": name}), encoding="utf-8")
        writer.folder.rename(store / name)
        names.append(name)
    return names
