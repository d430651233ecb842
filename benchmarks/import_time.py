"""What `import lrwatch`, its public names and `watch` add to the start of a program.

    python benchmarks/import_time.py

Each line is the median of fresh interpreters. "beside torch" counts what comes after
`import torch`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

CASES = {
    "import lrwatch": ("", "import lrwatch"),
    "lrwatch.read": ("", "import lrwatch; lrwatch.read"),
    "lrwatch.diagnose": ("", "import lrwatch; lrwatch.diagnose"),
    "lrwatch.watch, beside torch": ("import torch", "import lrwatch; lrwatch.watch"),
}


def seconds(before: str, work: str, repeats: int = 5) -> float:
    code = (
        f"{before}\nimport time; begin = time.perf_counter()\n{work}\n"
        "print(time.perf_counter() - begin)"
    )
    times = [
        float(subprocess.check_output([sys.executable, "-c", code], text=True))
        for _ in range(repeats + 1)
    ]
    return statistics.median(times[1:])


def main() -> None:
    for name, (before, work) in CASES.items():
        print(f"{name:30s} {seconds(before, work) * 1e3:6.0f} ms")


if __name__ == "__main__":
    main()
