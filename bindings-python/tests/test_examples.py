"""Each example prints what examples/expected says, in memory and in a directory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import dl

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("name", sorted(path.stem for path in (EXAMPLES / "expected").glob("*.txt")))
def test_an_example_prints_what_is_expected(name: str, tmp_path: Path) -> None:
    expected = (EXAMPLES / f"expected/{name}.txt").read_text()
    for uri in ["memory:example", dl.file_uri(tmp_path / "ns")]:
        # The second time nothing of the first is in the way.
        for _ in range(2):
            ran = subprocess.run(
                [sys.executable, "-W", "error", EXAMPLES / f"python/{name}.py", uri],
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert (ran.stdout, ran.stderr) == (expected, ""), uri
