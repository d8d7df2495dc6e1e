"""Builds the reference of the package: `python reference.py FOLDER` (`ci/docs python`).

It fails where something public is not described. Of the native half the stubs are read, which is all that is known of it to
editors and checkers too; so nothing has to be built.
"""

from __future__ import annotations

import __future__

import ast
import importlib
import sys
import types
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import pdoc
import pdoc.doc

SOURCES = Path(__file__).parent / "python"
MODULES = ["dl", "dl.aio", "dl.errors", "dl.options", "dl.types"]


def main(folder: str) -> None:
    """Writes the pages, or says what is missing."""
    warnings.simplefilter("error")
    sys.path.insert(0, str(SOURCES))
    take_stubs()
    package = importlib.import_module("dl")
    # Those that are imported when they are first asked for.
    for name in package.__all__:
        setattr(package, name, getattr(package, name))
    missing = sorted(name for module in MODULES for name in undescribed(pdoc.doc.Module.from_name(module)))
    if missing:
        sys.exit("not described: " + ", ".join(missing))
    pdoc.pdoc(*MODULES, output_directory=Path(folder))


def take_stubs() -> None:
    """Puts the stubs where the native half would be."""
    path = SOURCES / "dl/_dl.pyi"
    stubs = types.ModuleType("dl._dl")
    stubs.__file__ = str(path)
    sys.modules["dl._dl"] = stubs
    tree = ast.parse(path.read_text())
    # What they take from the package, which takes all of theirs, has to wait.
    ours = [node for node in tree.body if isinstance(node, ast.ImportFrom) and str(node.module).startswith("dl.")]
    run([node for node in tree.body if node not in ours], stubs)
    run(ours, stubs)


def run(body: Sequence[ast.stmt], module: types.ModuleType) -> None:
    """Runs a part of a module, whose annotations are not looked at."""
    code = ast.Module(body=list(body), type_ignores=[])
    exec(compile(code, str(module.__file__), "exec", flags=__future__.annotations.compiler_flag), module.__dict__)


def undescribed(space: pdoc.doc.Namespace[types.ModuleType] | pdoc.doc.Class) -> Iterator[str]:
    """The full names of what is public in a module or class, and has no words."""
    for member in space.own_members:
        if member.name.startswith("_"):
            continue
        if not member.docstring:
            yield member.fullname
        if isinstance(member, pdoc.doc.Class):
            yield from undescribed(member)


if __name__ == "__main__":
    main(sys.argv[1])
