"""Find the loss without being told: the root of `backward` is the function that is trained.

`Tensor.backward` calls `torch.autograd.backward` by that name, so that is the one place to
listen; it is put back as it was when the last listener leaves.

The engine replaces gradients without the interpreter's lock, and torch gives that lock away while
it drops one. Who reads ``p.grad`` of a net that another thread trains reads memory that is being
freed, and the process dies. So anything may be looked at only as long as a single thread is known
to train; and later, only what the caller's own `backward` reaches, as its graph tells.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, Protocol

import torch
from torch import Tensor

from lrwatch.capture.backward_call import BackwardCall
from lrwatch.capture.listeners import Listeners
from lrwatch.system import in_forked_child, new_lock

__all__ = ["BackwardListener", "call_under_way", "is_one_thread", "listeners", "note_thread"]


class BackwardListener(Protocol):
    """Somebody who wants to know of the losses whose gradients reached its parameters."""

    def before_backward(self, call: BackwardCall) -> Any:
        """Look at the gradients that a `backward` is about to add to; returns what was seen."""
        ...

    def after_backward(self, call: BackwardCall, before: Any, *, roots: Sequence[object]) -> None:
        """Look again, and take the roots, none if it failed, if gradients were added to."""
        ...


_original: Callable[..., Any] | None = None
_installed: Callable[..., Any] | None = None
_turnstile = new_lock()  # calls begin and end one at a time: gradients are looked at within it
_under_way: list[BackwardCall] = []
_threads: set[int] = set()  # that train: they were seen in `backward` or in a step


def _install() -> None:
    global _original, _installed  # noqa: PLW0603  torch has one `backward` in a process
    if _installed is None:
        _original = torch.autograd.backward
        _installed = _announcing(_original)
        setattr(torch.autograd, "backward", _installed)  # noqa: B010  mypy knows only the original
        _threads.update(_threads_in_backward())


def _restore() -> None:
    global _original, _installed  # noqa: PLW0603
    # Where somebody else wrapped `backward` after us, ours stays, with nobody to tell.
    if _installed is not None and torch.autograd.backward is _installed:
        setattr(torch.autograd, "backward", _original)  # noqa: B010
        _original = _installed = None
        _threads.clear()


listeners: Listeners[BackwardListener] = Listeners(_install, _restore)
"""Those who are told of every `backward`."""


def is_one_thread() -> bool:
    """Tell whether no second thread was seen to train: what changes is of the caller's doing."""
    return len(_threads) < 2  # noqa: PLR2004


def note_thread() -> None:
    """Take note that the calling thread trains; one of the engine's own acts for another."""
    if threading.get_ident() not in _threads and not _is_in_engine():
        with _turnstile:
            _threads.add(threading.get_ident())


def call_under_way() -> BackwardCall | None:
    """Return the `backward` within which this is called, if any, as by a hook on a tensor.

    On the thread that made it or, for nets on a device, on one of the engine's own.
    """
    if not _under_way or not _is_in_engine():
        return None
    mine = [call for call in _under_way if call.thread == threading.get_ident()]
    if mine or all(call.outermost is _under_way[0].outermost for call in _under_way):
        return (mine or _under_way)[-1]
    return None  # of several calls, it cannot be told which


def _is_in_engine() -> bool:
    return torch._C._current_graph_task_id() != -1  # noqa: SLF001


def _announcing(backward: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(backward)
    def call(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(tensors, Tensor | tuple | list):
            tensors = tuple(tensors)  # an iterator gives its tensors only once
        roots = (tensors,) if isinstance(tensors, Tensor) else tensors
        note_thread()
        this = BackwardCall(roots, kwargs.get("inputs"), call_under_way())
        told: list[tuple[BackwardListener, Any]] = []
        reached: Sequence[object] = ()
        try:
            with _turnstile:
                _under_way.append(this)
                told += [(one, one.before_backward(this)) for one in listeners.live()]
            result = backward(tensors, *args, **kwargs)
            reached = roots
        finally:
            with _turnstile:
                if this in _under_way:  # or it was interrupted before
                    _under_way.remove(this)
                for listener, before in told:
                    listener.after_backward(this, before, roots=reached)
                if this.outer is not None and not is_one_thread():
                    this.outer.leaves.update(this.leaves)  # it fills those as well
        return result

    return call


def _threads_in_backward() -> set[int]:
    frames = sys._current_frames()  # noqa: SLF001  documented
    del frames[threading.get_ident()]  # which would hold itself, and all that is on the stack
    return {thread for thread, frame in frames.items() if _is_in_backward(frame)}


def _is_in_backward(frame: FrameType) -> bool:
    codes = (each.f_code for each in callers(frame))
    return any(
        code.co_name == "backward" and code.co_filename == torch.autograd.__file__ for code in codes
    )


def callers(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield a frame, and those that it was called from."""
    while frame is not None:
        yield frame
        frame = frame.f_back


@in_forked_child
def _forget_other_threads() -> None:
    mine = threading.get_ident()
    _under_way[:] = [call for call in _under_way if call.thread == mine]
    _threads.intersection_update({mine})
