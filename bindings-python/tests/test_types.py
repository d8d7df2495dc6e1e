"""The types that the package states: two checkers have no complaint, of the package, its tests and examples."""

from __future__ import annotations

import importlib.util
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import dl
import dl._dl

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT.parent / "examples/python"
PACKAGE = Path(dl.__file__).parent


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_type_checker_has_no_complaint(checker: str) -> None:
    """Of the stubs and sources, and of what uses them."""
    if importlib.util.find_spec(checker) is None:
        # By hand it may be missing; the check installs it, so there its absence is a failure.
        if "CI" in os.environ:
            pytest.fail(f"{checker} is not installed")
        pytest.skip(f"{checker} is not installed")
    command = {
        "mypy": ["--strict", "--cache-dir", str(ROOT.parent / "target/python/mypy"), "--config-file", "pyproject.toml"],
        "pyright": ["--pythonpath", sys.executable],
    }[checker]
    subjects = ["python/dl", *(["../examples/python"] if EXAMPLES.exists() else [])]
    subjects += ["tests"] if checker == "mypy" else []
    checked = subprocess.run(
        [sys.executable, "-m", checker, *command, *subjects], capture_output=True, text=True, cwd=ROOT, timeout=600
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_package_says_that_it_has_types() -> None:
    assert (PACKAGE / "py.typed").exists()
    assert (PACKAGE / "_dl.pyi").exists()


def test_the_stubs_have_every_native_name() -> None:
    stubs = (PACKAGE / "_dl.pyi").read_text()
    for name, value in vars(dl._dl).items():
        if name.startswith("__"):
            continue
        if not inspect.isclass(value):
            assert f"def {name}(" in stubs, name
            continue
        begin = stubs.index(f"class {name}")
        end = stubs.find("\n@final", begin)
        body = stubs[begin:end]
        for member in vars(value):
            if not member.startswith("__"):
                assert f"def {member}(" in body, f"{name}.{member}"
