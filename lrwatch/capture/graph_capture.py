"""Leave alone what torch makes a graph of: for CUDA, or in `torch.compile`.

While a stream is captured its work is not done but noted, to be replayed. A number read, copied or
waited for within would be part of the graph, or end the capture with an error. Replays run no
Python, and so no hooks: of them nothing is recorded.

Where a compiled function calls an optimizer, the hooks of the optimizer are called too. Left
to itself the compiler would trace them: it would warn of numbers that are read from tensors,
and compile anew as the numbers that lrwatch keeps change. With its files marked as not to be
traced, the graph ends before a hook and another begins behind it, once.
"""

from __future__ import annotations

import contextlib
import functools
import logging

import torch

__all__ = ["hide_from_compiler", "is_captured", "say_that_replays_are_not_recorded"]

logger = logging.getLogger("lrwatch")


@functools.cache
def hide_from_compiler() -> None:
    """Have `torch.compile` trace no function of lrwatch; once a process is enough.

    Making an optimizer has imported the compiler's front end already, so this imports nothing
    heavy. Where torch has none, or another one, there is nothing to hide from.
    """
    with contextlib.suppress(ImportError, AttributeError):
        from torch._dynamo import trace_rules

        trace_rules.add("lrwatch")


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
