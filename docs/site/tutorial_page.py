"""The tutorial as a page: each of its cells run, with what it printed and drew."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any, Final

import nbformat
import plotly
from nbclient import NotebookClient

__all__ = ["PLOTLY", "executed", "page_of"]

PLOTLY: Final = Path(plotly.__file__).parent / "package_data/plotly.min.js"
"""The script that draws figures, which is served with the page."""

FIGURE: Final = "application/vnd.plotly.v1+json"
SECONDS: Final = 300  # of one cell, on a slow machine


def executed(path: Path) -> Any:
    """Return a notebook with the outputs of its cells, run in a folder that is gone afterwards.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    paths = [str(path.resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": folder}})
        kernel = client.create_kernel_manager()
        kernel.transport, kernel.ip = "ipc", f"{folder}/kernel"  # nobody else reads along
        return client.execute(env={**os.environ, **environment})


def page_of(path: Path) -> str:
    """Return a notebook as Markdown, with its outputs."""
    parts = ['<script src="site/plotly.min.js"></script>']
    place = 0
    for cell in executed(path).cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            place += 1
            parts.append(_shown(output, f"figure-{place}"))
    # The title of a page is its first line.
    parts[0], parts[1] = parts[1], parts[0]
    return "\n\n".join(parts) + "\n"


def _shown(output: Any, name: str) -> str:
    if output.output_type == "stream":
        return f"```text\n{output.text.rstrip()}\n```"
    data = output.data
    if FIGURE in data:
        figure = json.dumps(data[FIGURE]).replace("</", r"<\/")
        draw = f'Plotly.newPlot("{name}", {figure})'
        return f'<div class="figure" id="{name}"></div>\n<script>{draw}</script>'
    if "text/html" in data:
        text = re.sub(r"\n\s*", "\n", "".join(data["text/html"])).strip()
        return f'<div class="output">\n{text}\n</div>'
    return f"```text\n{data['text/plain']}\n```"
