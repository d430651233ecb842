"""A number of each layer by step, as a picture: a row a layer, its colours on a log scale."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch.formats import number
from lrwatch.records import FloatArray
from lrwatch_dashboard.figures.panel import Panel, shortened
from lrwatch_dashboard.own_metrics import Family, is_layer
from lrwatch_dashboard.views import Curve, RunCurves

__all__ = ["heat_panels"]

_NAMES: Final = {
    "layer_grad_norm": "Gradient norm by layer",
    "layer_update_norm": "Update norm by layer",
    "layer_param_norm": "Parameter norm by layer",
}
_N_COLUMNS: Final = 240
_MOST_NAMED: Final = 16  # layers whose names stand beside their rows
_LONGEST: Final = 18
# Dark to bright at even steps of lightness, told apart with any colour vision (viridis).
_SCALE: Final = np.array(
    [(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)], dtype=np.float64
)
_Bytes = npt.NDArray[np.uint8]


def heat_panels(curves: RunCurves, shown: Sequence[Family]) -> list[Panel]:
    """Return a panel for each kind of number by layer that is shown."""
    known = {curve.name: curve for curve in curves.own if is_layer(curve.name) and len(curve.x)}
    panels = []
    for family in shown:
        layers = [known[name] for name in family.metrics if name in known]
        if layers:
            panels.append(_panel(family.name, layers, curves))
    return panels


def _panel(kind: str, layers: Sequence[Curve], curves: RunCurves) -> Panel:
    first, last = curves.window or (
        min(float(layer.x[0]) for layer in layers),
        max(float(layer.x[-1]) for layer in layers),
    )
    table = np.array([_row(layer, first, last) for layer in layers])
    low, high = (float(f(table)) for f in (np.nanmin, np.nanmax)) if _any(table) else (0.0, 0.0)
    n = len(layers)
    image = {
        "source": _png(_painted(table, low, high)),
        "x": first,
        "y": n,
        "sizex": max(last - first, 1e-9),
        "sizey": n,
        "xref": "x",
        "sizing": "stretch",
        "layer": "below",
    }
    every = -(-n // _MOST_NAMED)
    named = list(range(0, n, every))
    names = _told_apart([layers[i].name.removeprefix(f"{kind}/") for i in named])
    axis = {
        "type": "linear",
        "range": [0, n],
        "tickvals": [n - i - 0.5 for i in named],
        "ticktext": [shortened(name, _LONGEST) for name in names],
        "showgrid": False,
    }
    note = f"dark {number(10**low, 2)}, bright {number(10**high, 2)}, log"
    longest = min(max(map(len, names)) + 1, _LONGEST)
    return Panel(_NAMES[kind], note, axis=axis, image=image, n_rows=n, longest_label=longest)


def _told_apart(names: list[str]) -> list[str]:
    """Return paths in a model without the modules at their beginning that all of them share.

    A number keeps the name before it: "blocks.0" says more than "0".
    """
    paths = [name.split(".") for name in names]
    levels = list(zip(*paths, strict=False)) if len(paths) > 1 else []
    n_shared = next((i for i, level in enumerate(levels) if len({*level}) > 1), 0)
    if n_shared and all(part.isdigit() for part in levels[n_shared]):
        n_shared -= 1
    return [".".join(path[n_shared:]) or path[-1] for path in paths]


def _any(table: FloatArray) -> bool:
    return bool(np.isfinite(table).any())


def _row(layer: Curve, first: float, last: float) -> FloatArray:
    """Return the mean logarithm in each column; a column without a value has the one before."""
    fits = (layer.x >= first) & (layer.x <= last) & (layer.y > 0)
    places = (layer.x[fits] - first) / max(last - first, 1e-9) * _N_COLUMNS
    places = np.minimum(places.astype(np.intp), _N_COLUMNS - 1)
    counts = np.bincount(places, minlength=_N_COLUMNS)
    sums = np.bincount(places, np.log10(layer.y[fits]), _N_COLUMNS)
    with np.errstate(invalid="ignore"):
        means = sums / counts
    seen = np.maximum.accumulate(np.where(counts > 0, np.arange(_N_COLUMNS), -1))
    end = places.max() if len(places) else -1
    is_known = (seen >= 0) & (np.arange(_N_COLUMNS) <= max(end, 0))
    return np.where(is_known, means[seen], np.nan)


def _painted(table: FloatArray, low: float, high: float) -> _Bytes:
    """Return the picture of a table, shape ``(n_rows, n_columns, 4)``; nothing where it is NaN."""
    share = (table - low) / ((high - low) or 1.0)
    stops = np.linspace(0, 1, len(_SCALE))
    is_seen = np.isfinite(share)
    filled = np.where(is_seen, share, 0.0)
    channels = [np.interp(filled, stops, _SCALE[:, i]) for i in range(3)]
    return np.stack([*channels, 255.0 * is_seen], axis=-1).astype(np.uint8)


def _png(pixels: _Bytes) -> str:
    """Return a picture as an address that holds it."""
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    file += chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(file).decode()}"
