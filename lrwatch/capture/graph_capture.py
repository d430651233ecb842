"""Leave alone what is being captured into a CUDA graph.

While a stream is captured its work is not done but noted, to be replayed. A number read, copied or
waited for within would be part of the graph, or end the capture with an error. Replays run no
Python, and so no hooks: of them nothing is recorded.
"""

from __future__ import annotations

import logging

import torch

__all__ = ["is_captured", "say_that_replays_are_not_recorded"]

logger = logging.getLogger("lrwatch")


def is_captured() -> bool:
    """Tell whether what is done now on a device goes into a CUDA graph."""
    return torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing()


def say_that_replays_are_not_recorded() -> None:
    """Tell the reader of the log why rows are missing."""
    logger.warning(
        "a step of the optimizer is captured into a CUDA graph: neither it nor its replays are "
        "recorded, as replays call no hooks; training goes on. Hand their numbers over with "
        "run.record(loss=..., lr=..., grad_norm=...) after each replay, or leave optimizer.step() "
        "out of the graph"
    )
