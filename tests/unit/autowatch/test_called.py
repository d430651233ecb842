"""What the script calls an optimizer, as its source says."""

from __future__ import annotations

import runpy
import textwrap
from pathlib import Path

import pytest
import torch

from lrwatch.autowatch import optimizers as module
from lrwatch.autowatch.called import Site, called

HEAD = """
import itertools, torch
from torch.optim import Adam

class Pair:
    def __init__(self):
        self.generator = torch.nn.Linear(2, 2)
        self.D = torch.nn.parallel.DataParallel(torch.nn.Linear(2, 1))

G, disc = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
pair = Pair()
"""


def labels(folder: Path, text: str) -> list[str]:
    """Run a script, and return what each optimizer in it is called, in order."""
    script = folder / "train.py"
    script.write_text(HEAD + textwrap.dedent(text))
    found: list[str] = []

    def note(optimizer: torch.optim.Optimizer, at: Site) -> None:
        found.append(called(at, type(optimizer).__name__))

    construction = module._OnConstruction(note)
    try:
        runpy.run_path(str(script))
    finally:
        construction.end()
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("optimizer_G = Adam(G.parameters())", "G"),
        ("optG = Adam(disc.parameters())", "G"),
        ("opt = Adam(disc.parameters())", "disc"),
        ("opt = torch.optim.Adam(params=list(pair.generator.parameters()))", "generator"),
        ("opt = Adam(pair.D.module.parameters())", "D"),
        ("opt = Adam([{'params': G.parameters()}])", "G"),
        ("opt = Adam(p for p in G.parameters() if p.requires_grad)", "G"),
        ("opt = Adam(itertools.chain(G.parameters(), disc.parameters()))", ""),
        ("pair.opt_g = Adam(G.parameters())", "g"),
        ("optimizer2 = Adam(disc.parameters())", "disc"),
        ("optimizer2 = Adam([torch.nn.Parameter(torch.ones(1))])", "2"),
        ("pair.opt = Adam(list(G.parameters()))", "G"),
        ("opts = {'gen': Adam(G.parameters())}", "gen"),
        ("opts = dict(gen=Adam(G.parameters()))", "gen"),
        ("opts = {}\nopts['gen'] = Adam(disc.parameters())", "gen"),
        ("x, opt_gen = 1, Adam(disc.parameters())", "gen"),
        ("if (opt_gen := Adam(disc.parameters())): pass", "gen"),
        ("opt: object = Adam(\n    G.parameters(),\n    lr=0.1,\n)", "G"),
        ("losses = print(Adam([torch.nn.Parameter(torch.ones(1))]))", ""),
        ("adam = Adam([torch.nn.Parameter(torch.ones(1))])", ""),
        ("opts = [Adam(net.parameters()) for net in (G,)]", ""),
    ],
)  # fmt: skip
def test_names_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    assert labels(tmp_path, text) == [expected]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("return Adam(net.parameters())", ["gen", "D"]),
        ("optimizer = Adam(net.parameters())\n    return optimizer", ["gen", "D"]),
        ("optimizer = Adam(net.parameters())\n    return optimizer.step", ["", ""]),
        ("return print(Adam(net.parameters()))", ["", ""]),
    ],
)
def test_a_function_that_makes_them(tmp_path: Path, made: str, expected: list[str]) -> None:
    text = f"def make(net):\n    {made}\n\nopt_gen = make(G)\noptimizers = {{'D': make(disc)}}"
    assert labels(tmp_path, text) == expected


def test_an_optimizer_of_the_scripts_own(tmp_path: Path) -> None:
    text = """
    class Own(Adam):
        def __init__(self, parameters):
            super().__init__(parameters, lr=0.5)

    opt_gen = Own(disc.parameters())
    """
    assert labels(tmp_path, text) == ["gen"]


def test_the_script_is_not_looked_into(tmp_path: Path) -> None:
    """What a function has from `locals()` would otherwise change under its hands."""
    text = """
    def train():
        settings = locals()
        opt_gen = Adam(G.parameters())
        assert settings == {}, settings

    train()
    """
    assert labels(tmp_path, text) == ["gen"]


def test_without_source_there_is_no_name(tmp_path: Path) -> None:
    assert labels(tmp_path, "exec('opt_gen = Adam(G.parameters())')") == [""]
    text = """
    from pathlib import Path
    Path(__file__).write_text("(")
    opt_gen = Adam(G.parameters())
    """
    assert labels(tmp_path, text) == [""]
