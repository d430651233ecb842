"""Which program a script starts, as far as it may train."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lrwatch.autowatch.launchers import launcher_of

PYTHON = ["/usr/bin/python3.12", "-u", "train.py"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("torchrun train.py", "torchrun"),
        ("OMP_NUM_THREADS=1 /opt/bin/torchrun --nproc-per-node 8 train.py", "torchrun"),
        ("python -m torch.distributed.launch train.py", "torchrun"),
        ("nohup accelerate launch train.py --lr 1", "accelerate"),
        (["deepspeed.exe", "train.py"], "deepspeed"),
        (["accelerate", b"launch", Path("train.py")], "accelerate"),
        (PYTHON, "python"),
        ("sh -c 'an open quote", None),
        (["nvidia-smi"], None),
        ("git log torch.py", None),
        (b"python", "python"),
        (Path("/bin/ls"), None),
        ([], None),
        (None, None),
        ([1, 2], None),
    ],
)
def test_a_launcher_is_known_by_its_command_line(command: object, expected: str | None) -> None:
    assert launcher_of(command) == expected


def test_a_launcher_that_is_called_is_known_by_what_it_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    given = {**os.environ, "TORCHELASTIC_RUN_ID": "1"}
    assert launcher_of(PYTHON, given) == "torchrun"
    assert launcher_of(["nvidia-smi"], given) is None
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")  # under torchrun, everything has it
    assert launcher_of(PYTHON, given) == "python"
