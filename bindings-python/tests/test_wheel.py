"""What is installed: small, quick to import, and complete."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

DIST = Path(__file__).resolve().parents[2] / "dist"
MOST_BYTES = 10_000_000
MOST_SECONDS = 0.05

# Appends and reads.
USE = """if True:
    import dl
    with dl.open("memory:installed") as namespace, namespace.create_log("a").open_writer() as writer:
        dlsn = writer.append(b"1").dlsn
        with namespace.log("a").open_reader() as reader:
            print(dlsn, bytes(reader.next().payload))
    """


def wheels() -> list[Path]:
    found = sorted(DIST.glob("dl-*.whl"))
    if not found:
        # By hand it may be missing; the check builds it, so there its absence is a failure.
        if "CI" in os.environ:
            pytest.fail("no wheel in dist: ci/wheel builds it")
        pytest.skip("no wheel in dist: ci/wheel builds it")
    return found


def test_a_wheel_is_small_and_complete() -> None:
    for wheel in wheels():
        assert wheel.stat().st_size < MOST_BYTES
        with zipfile.ZipFile(wheel) as archive:
            names = set(archive.namelist())
        assert any(name.startswith("dl/_dl.") and name.endswith(".so") for name in names)
        assert {"dl/__init__.py", "dl/aio.py", "dl/py.typed", "dl/_dl.pyi", "dl/options.py"} <= names


def test_it_is_imported_quickly() -> None:
    """The best of five, without what asyncio itself takes."""
    measure = "import time; began = time.perf_counter(); import dl; print(time.perf_counter() - began)"
    taken = [float(subprocess.check_output([sys.executable, "-c", measure])) for _ in range(5)]
    assert min(taken) < MOST_SECONDS


def test_it_is_installed_from_dist_alone(tmp_path: Path) -> None:
    wheels()
    venv.create(tmp_path / "venv", with_pip=True, symlinks=True)
    python = tmp_path / "venv/bin/python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(DIST), "dl"]
    subprocess.run(install, check=True, timeout=300)
    assert subprocess.check_output([python, "-I", "-c", USE], text=True) == "1:0:0 b'1'\n"


def test_it_is_installed_from_its_sources_alone(tmp_path: Path) -> None:
    """With the profile for development, in a folder that stays: a second time little is left to do."""
    archives = sorted(DIST.glob("dl-*.tar.gz"))
    if not archives:
        # By hand they may be missing; the check packs them, so there their absence is a failure.
        if "CI" in os.environ:
            pytest.fail("no sources in dist: ci/wheel packs them")
        pytest.skip("no sources in dist: ci/wheel packs them")
    folder = DIST.parent / "target/python/sources"
    shutil.rmtree(folder / "from", ignore_errors=True)
    for archive in archives:
        with tarfile.open(archive) as sources:
            sources.extractall(folder / "from", filter="data")
    (root,) = (folder / "from").iterdir()
    # Files in the archive have one old date, by which cargo would take what it built of earlier ones for built of these.
    built, digest = folder / "built", hashlib.sha256(archives[-1].read_bytes()).hexdigest()
    if not built.exists() or built.read_text() != digest:
        for path in root.rglob("*"):
            path.touch()
    venv.create(tmp_path / "venv", with_pip=True, symlinks=True)
    python = tmp_path / "venv/bin/python"
    # Of what this Python has, pip finds the builder and nothing else.
    builder = importlib.util.find_spec("maturin")
    assert builder is not None and builder.origin is not None
    (tmp_path / "builder").mkdir()
    (tmp_path / "builder/maturin").symlink_to(Path(builder.origin).parent)
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path / "builder"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CARGO_TARGET_DIR": str(folder / "target"),
        "MATURIN_PEP517_ARGS": "--profile dev",
    }
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", str(root)]
    ran = subprocess.run(install, env=environment, capture_output=True, text=True, timeout=900)
    assert ran.returncode == 0, ran.stderr
    built.write_text(digest)
    assert subprocess.check_output([python, "-I", "-c", USE], text=True) == "1:0:0 b'1'\n"


def test_the_version_is_that_of_the_workspace() -> None:
    manifest = (DIST.parent / "Cargo.toml").read_text()
    assert f'\nversion = "{version("dl")}"\n' in manifest
