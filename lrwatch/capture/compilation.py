"""Keep `torch.compile` out of lrwatch's own code.

Where a compiled function calls an optimizer, the hooks of the optimizer are called too. Left
to itself the compiler would trace them: it would warn of numbers that are read from tensors,
and compile anew as the numbers that lrwatch keeps change. With its files marked as not to be
traced, the graph ends before a hook and another begins behind it, once.
"""

from __future__ import annotations

import contextlib
import functools

__all__ = ["hide_from_compiler"]


@functools.cache
def hide_from_compiler() -> None:
    """Have `torch.compile` trace no function of lrwatch; once a process is enough.

    Making an optimizer has imported the compiler's front end already, so this imports nothing
    heavy. Where torch has none, or another one, there is nothing to hide from.
    """
    with contextlib.suppress(ImportError, AttributeError):
        from torch._dynamo import trace_rules

        trace_rules.add("lrwatch")
