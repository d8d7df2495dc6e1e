"""A Python without a global lock, where there is one; and many threads on one handle, with or without it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import dl
from hammer import hammer

ROOT = Path(__file__).resolve().parents[1]

FREE_THREADED = ("python3.15t", "python3.14t", "python3.13t")


def test_on_a_free_threaded_python(tmp_path: Path) -> None:
    """Builds the package for it, and hammers it."""
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        # All other tests run on it then, and show the same.
        pytest.skip("this is one")
    python = next(filter(None, map(shutil.which, FREE_THREADED)), None)
    if python is None:
        # No distribution that ci/test installs from has one; where an interpreter is to be had it is found by its name.
        pytest.skip(f"no free-threaded Python: none of {', '.join(FREE_THREADED)} is there")
    build = [sys.executable, "-m", "maturin", "build", "--locked", "--no-default-features", "--interpreter", python]
    build += ["--manifest-path", str(ROOT / "Cargo.toml"), "--out", str(tmp_path)]
    subprocess.run(build, check=True, timeout=900)
    subprocess.run([python, "-m", "venv", str(tmp_path / "venv")], check=True)
    own = str(tmp_path / "venv/bin/python")
    subprocess.run([own, "-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(tmp_path), "dl"], check=True)
    subprocess.run([own, str(ROOT / "tests/hammer.py")], check=True, timeout=300)


def test_many_threads_on_one_handle(log: dl.Log) -> None:
    hammer(log)
