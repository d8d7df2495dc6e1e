"""Fixtures: a namespace of each driver, and what a process holds."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dl

_names = itertools.count()

# What a shell starts in the background ignores Ctrl-C, and so would the children of the tests: they would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=["memory", "file"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A namespace that does not exist yet. The folder of a test may lie anywhere."""
    if request.param == "memory":
        return f"memory:test-{os.getpid()}-{next(_names)}"
    return dl.file_uri(tmp_path / "ns") + "?unsafe_filesystem=true&journal_bytes=4MiB"


@pytest.fixture
def file_uri(tmp_path: Path) -> str:
    """A namespace of the file driver."""
    return dl.file_uri(tmp_path / "ns") + "?unsafe_filesystem=true&journal_bytes=4MiB"


@pytest.fixture
def namespace(uri: str) -> Iterator[dl.Namespace]:
    with dl.open(uri) as namespace:
        yield namespace


@pytest.fixture
def log(namespace: dl.Namespace) -> dl.Log:
    return namespace.create_log("a")


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int) -> None:
    """The counts in the form that `ci/test` adds up."""
    count = {name: len(terminalreporter.stats.get(name, [])) for name in ("passed", "failed", "error", "skipped")}
    word = "ok" if exitstatus == 0 else "FAILED"
    failed = count["failed"] + count["error"]
    terminalreporter.write_line(
        f"test result: {word}. {count['passed']} passed; {failed} failed; {count['skipped']} ignored"
    )


def threads() -> list[str]:
    """The names of the threads of this process."""
    names: list[str] = []
    for thread in Path("/proc/self/task").iterdir():
        try:
            names.append((thread / "comm").read_text().strip())
        except OSError:  # it ended meanwhile
            continue
    return sorted(names)


def descriptors() -> list[str]:
    """What the descriptors of this process are."""
    targets: list[str] = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            targets.append(os.readlink(descriptor))
        except OSError:  # that of the listing itself
            continue
    return sorted(targets)


def eventually(holds: Callable[[], bool], seconds: float = 120.0) -> bool:
    """Whether it comes to hold. The kernel tells nobody that a thread has ended, so this looks again and again."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        os.sched_yield()
    return True
