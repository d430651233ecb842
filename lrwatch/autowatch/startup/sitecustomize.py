"""Runs as the interpreter of ``lrwatch run`` starts, before the script.

Python imports a module of this name at its start if the path has one. This one leaves path
and environment as they would be without it, so that what the script starts has nothing of
lrwatch, and lets the machine's own module of this name have its turn.
"""

import os
import site
import sys

__all__ = ["start"]


def _restore_path(here: str, text: str) -> None:
    import json

    before = json.loads(text)["python_path"]
    if before is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = before
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]  # noqa: PTH100
    sys.path_importer_cache.pop(here, None)


def _begin(here: str, text: str) -> None:
    # The package that this file belongs to, wherever the script's path would find another.
    root = os.path.dirname(os.path.dirname(os.path.dirname(here)))  # noqa: PTH120
    sys.path.insert(0, root)
    try:
        from lrwatch.autowatch.beginning import begin
        from lrwatch.autowatch.settings import Settings
    finally:
        sys.path.remove(root)
    begin(Settings.from_text(text))


def start() -> None:
    """Begin to wait for torch, in an interpreter that is as it would be without lrwatch."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    text = os.environ.pop("LRWATCH_AUTOWATCH", None)
    if text is None:
        return
    _restore_path(here, text)
    try:
        _begin(here, text)
    except Exception as error:  # noqa: BLE001  the script runs in any case
        sys.stderr.write(f"lrwatch: nothing is recorded, as it could not start: {error}\n")
    ours = sys.modules.pop(__name__)
    try:
        site.execsitecustomize()
    finally:
        sys.modules.setdefault(__name__, ours)


start()
