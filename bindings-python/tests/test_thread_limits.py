"""A process that may start few threads or none: opening fails and says so, and does not hang; later it works."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

# With so many threads everything works.
ENOUGH = 24

PROGRAM = """
import asyncio, os, resource, sys
import dl, dl.aio

uri, threads, face = sys.argv[1], int(sys.argv[2]), sys.argv[3]
# A user who has no processes; root itself is not limited.
os.setuid(61_236)
_, most = resource.getrlimit(resource.RLIMIT_NPROC)
resource.setrlimit(resource.RLIMIT_NPROC, (threads, most))

def sync():
    with dl.open(uri, unsafe_filesystem=True, journal_bytes="4MiB") as namespace:
        with namespace.log("a").open_writer(create_log=True) as writer:
            writer.append(b"x")

async def aio():
    async with await dl.aio.open(uri, unsafe_filesystem=True, journal_bytes="4MiB") as namespace:
        async with await namespace.log("a").open_writer(create_log=True) as writer:
            await writer.append(b"x")

use = sync if face == "sync" else lambda: asyncio.run(aio())
try:
    use()
    print("opened")
except dl.Unavailable as error:
    assert "ulimit" in str(error), error
    print("refused")
resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
use()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user whose threads are limited")
@pytest.mark.parametrize("face", ["sync", "aio"])
@pytest.mark.parametrize("driver", ["memory", "file"])
def test_without_threads_opening_is_unavailable_and_later_it_works(driver: str, face: str) -> None:
    told = {}
    for threads in (1, 2, 3, 4, 5, 6, 8, ENOUGH):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o777)
            uri = "memory:limits" if driver == "memory" else f"file://{folder}/ns"
            ran = subprocess.run(
                [sys.executable, "-c", PROGRAM, uri, str(threads), face], capture_output=True, text=True, timeout=120
            )
            assert ran.returncode == 0, f"with {threads} threads: {ran.stdout}{ran.stderr}"
            told[threads] = ran.stdout.strip()
    assert (told[1], told[ENOUGH]) == ("refused", "opened"), told
