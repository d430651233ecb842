"""Words mean one thing: a class has a name of its own, and the glossary names real ones."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from sources import ROOT, module_name, modules, tree

GLOSSARY = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def public_classes(path: Path) -> set[str]:
    named = {node.name for node in tree(path).body if isinstance(node, ast.ClassDef)}
    return {name for name in named if not name.startswith("_")}


def test_no_two_classes_have_one_name() -> None:
    homes = defaultdict(set)
    for path in modules():
        for name in public_classes(path):
            homes[name].add(module_name(path))
    assert not {name: where for name, where in homes.items() if len(where) > 1}


def test_the_words_of_the_glossary_are_there() -> None:
    there = {name for path in modules() for name in public_classes(path)}
    words = GLOSSARY.split("## Words")[1].split("## ")[0]
    named = set(re.findall(r"`([A-Z][A-Za-z]+)`", words))
    assert named
    assert not named - there
