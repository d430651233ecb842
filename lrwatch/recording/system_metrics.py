"""What the machine does while a run trains: taken beside it, every 10 seconds.

Columns of a run, each null but on the step that was current when it was taken:

``system/cpu_percent``          of all cores, 0 to 100
``system/memory_used``          bytes, of all programs
``system/process_cpu_percent``  of this process; 100 is one core
``system/process_memory``       bytes in memory, of this process
``system/gpuN_percent``         how much of the time GPU N worked, for those that this process sees
``system/gpuN_memory_used``     bytes, of all programs
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from lrwatch.recording.run import Run

__all__ = ["SECONDS", "record_system", "sampler"]

logger = logging.getLogger("lrwatch")

SECONDS: Final = 10.0
"""Between two samples."""

NO_SYSTEM: Final = "LRWATCH_NO_SYSTEM"
"""Environment variable that, set to anything, keeps the machine from being looked at."""

_MOST_GPUS: Final = 8


def record_system(run: Run) -> None:
    """Have a run keep what the machine does, where psutil is installed and nobody objects."""
    if NO_SYSTEM not in os.environ and (take := sampler()) is not None:
        run.log_beside(take, SECONDS)


@functools.cache
def sampler() -> Callable[[], Mapping[str, float]] | None:
    """Return what takes a sample of this machine; ``None`` without psutil."""
    try:
        import psutil
    except Exception:  # noqa: BLE001  not installed, or not for this system
        return None
    return _Machine(psutil, os.getpid()).sample


class _Machine:
    def __init__(self, psutil: Any, pid: int) -> None:
        self._psutil, self._pid = psutil, pid
        self._process = psutil.Process()
        self._gpus: Sequence[tuple[str, Any]] | None = None
        self._nvml: Any = None
        psutil.cpu_percent()  # from here on; the first answer means nothing
        self._process.cpu_percent()

    def sample(self) -> dict[str, float]:
        if os.getpid() != self._pid:  # forked since
            self._process, self._pid = self._psutil.Process(), os.getpid()
        if self._gpus is None:
            self._find_gpus()
        found = {
            "system/cpu_percent": self._psutil.cpu_percent(),
            "system/memory_used": self._psutil.virtual_memory().used,
            "system/process_cpu_percent": self._process.cpu_percent(),
            "system/process_memory": self._process.memory_info().rss,
        }
        for name, gpu in self._gpus or ():
            found[f"system/{name}_percent"] = self._nvml.nvmlDeviceGetUtilizationRates(gpu).gpu
            found[f"system/{name}_memory_used"] = self._nvml.nvmlDeviceGetMemoryInfo(gpu).used
        return {name: float(value) for name, value in found.items()}

    def _find_gpus(self) -> None:
        """Find the GPUs; here and not at the start, as the driver may take its time."""
        self._gpus = ()
        try:
            import pynvml

            pynvml.nvmlInit()
            self._nvml, self._gpus = pynvml, tuple(_visible(pynvml))
        except Exception:
            logger.debug("no GPU is looked at", exc_info=True)


def _visible(nvml: Any) -> Iterator[tuple[str, Any]]:
    """Return the GPUs that this process may use, by the number that it knows them by."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        chosen = ",".join(map(str, range(nvml.nvmlDeviceGetCount())))
    names = [name.strip() for name in chosen.split(",") if name.strip()]
    for place, name in enumerate(names[:_MOST_GPUS]):
        by_number = name.isdecimal()
        find = nvml.nvmlDeviceGetHandleByIndex if by_number else nvml.nvmlDeviceGetHandleByUUID
        yield f"gpu{place}", find(int(name) if by_number else name)
