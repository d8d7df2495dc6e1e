"""What an open namespace needs of the system is gone after close, whoever still refers to it; and what is done without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# In a process of its own, which has nothing yet: it counts what it has, keeps every kind of handle and closes the namespace.
SYNC = """
import dl
from conftest import descriptors, eventually, threads

before = threads(), descriptors()
namespace = dl.open(sys.argv[1])
log = namespace.create_log("a")
writer = log.open_writer()
settled, receipts = writer.append_nowait(b"1"), writer.append_many([b"2", b"3"])
settled.result()
cursor = log.cursor("c")
readers = [log.open_reader(follow=True), log.open_reader(cursor="c", locked=True), log.open_reader()]
records = [reader.next_batch(2) for reader in readers]
watchers = namespace.watch_logs(), log.watch_segments()
changes = [watcher.next() for watcher in watchers]
bytes_written = namespace.create_log("b").open_byte_writer()
bytes_written.write(b"abc")
bytes_written.flush()
bytes_read = namespace.log("b").open_byte_reader(follow=True)
chunk = bytes_read.next_chunk()
errors, in_flight = [], [writer.append_nowait(b"4") for _ in range(100)]

def wait():
    try:
        while readers[0].next_batch(1_000) is not None:
            pass
    except dl.Error as error:
        errors.append(error)

waiting = threading.Thread(target=wait)
waiting.start()
namespace.close()
waiting.join()
assert eventually(lambda: (threads(), descriptors()) == before, 10), (threads(), descriptors(), before)
assert [error.kind for error in errors] == ["closed"]
calls = [log.info, log.open_writer, writer.flush, readers[0].next, lambda: writer.append(b"5"), watchers[0].next]
calls += [lambda: readers[2].next_batch(5, 0.01), bytes_read.next_chunk, cursor.position, watchers[1].next]
for call in calls:
    try:
        raise SystemExit(f"{call} answered {call()}")
    except dl.Closed:
        pass
assert (threads(), descriptors()) == before
"""

AIO = """
import asyncio
import dl.aio
from conftest import descriptors, eventually, threads

async def main():
    before = threads(), descriptors()
    namespace = await dl.aio.open(sys.argv[1])
    log = await namespace.create_log("a")
    writer, cursor = await log.open_writer(), await log.cursor("c")
    receipts = await writer.append(b"1"), await writer.append_many([b"2", b"3"])
    readers = await log.open_reader(follow=True), await log.open_reader(cursor="c", locked=True)
    records = [await reader.next_batch(2) for reader in readers]
    watchers = namespace.watch_logs(), log.watch_segments()
    changes = [await watcher.next() for watcher in watchers]
    in_flight = [await writer.append_nowait(b"4") for _ in range(100)]
    waiting = [asyncio.ensure_future(call()) for call in (watchers[0].next, watchers[0].next, writer.fenced)]
    await asyncio.sleep(0)
    await namespace.close()
    ended = [getattr(answer, "kind", None) for answer in await asyncio.gather(*waiting, *in_flight, return_exceptions=True)]
    assert ended[1:3] == ["closed", "closed"], ended
    deadline = asyncio.get_running_loop().time() + 10
    while (threads(), descriptors()) != before:
        assert asyncio.get_running_loop().time() < deadline, (threads(), descriptors(), before)
        await asyncio.sleep(0)
    for call in (log.info, writer.flush, readers[0].next, lambda: writer.append(b"5"), watchers[0].next, cursor.position):
        try:
            raise SystemExit(f"{call} answered {await call()}")
        except dl.Closed:
            pass
    assert (threads(), descriptors()) == before

asyncio.run(main())
"""


def run(program: str, *arguments: str) -> str:
    """Runs a program in a Python of its own, which may import the helpers of the tests."""
    begin = f"import os, sys, threading\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    ran = subprocess.run(
        [sys.executable, "-c", begin + program, *arguments], capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr and "panicked" not in ran.stderr, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("program", [SYNC, AIO], ids=["sync", "aio"])
def test_nothing_is_left_after_close_though_every_handle_is_kept(program: str, uri: str) -> None:
    run(program, uri)


# Takes all descriptors but so many, and does what it is told. An error that is not one of dl ends it.
FULL = """
import asyncio, resource
import dl, dl.aio

def fill(left):
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    taken = []
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    for descriptor in taken[:left]:
        os.close(descriptor)
    return taken[left:]

def release(taken):
    for descriptor in taken:
        os.close(descriptor)
"""

ASK = """
namespace = dl.open(sys.argv[1])
log = namespace.create_log("a")
first = log.open_writer()
first.append(b"1")
taken = fill(0)
assert log.info().name == "a" and log.segments()[0].number == 1 and namespace.metrics() and log.cursors() == []
second = log.open_writer()  # tells of an event
watcher = namespace.watch_logs()
print(watcher.next().log, first.fenced(60).kind)
release(taken)
namespace.close()
"""

OPEN = """
def sync():
    with dl.open(uri) as namespace, namespace.log("a").open_writer(create_log=True) as writer:
        writer.append(b"1")

async def aio():
    async with dl.aio.open(uri) as namespace, namespace.log("a").open_writer(create_log=True) as writer:
        await writer.append(b"1")

async def with_loop(left):
    taken = fill(left)
    try:
        await aio()
    finally:
        release(taken)

def with_descriptors(left):
    if sys.argv[2] == "aio":
        return asyncio.run(with_loop(left))
    taken = fill(left)
    try:
        sync()
    finally:
        release(taken)

uri, answers = sys.argv[1], []
for left in range(30):
    try:
        with_descriptors(left)
        answers.append("opened")
    except dl.Unavailable:
        answers.append("refused")
assert (answers[0], answers[-1]) == ("refused", "opened"), answers
sync()
"""


def test_what_is_seen_of_a_namespace_needs_no_descriptor(uri: str) -> None:
    assert run(FULL + ASK, uri) == "a fenced\n"


@pytest.mark.parametrize("face", ["sync", "aio"])
def test_opening_without_descriptors_is_unavailable_and_later_it_works(face: str, uri: str) -> None:
    run(FULL + OPEN, uri, face)


@pytest.mark.parametrize("call", ["inspect", "verify"])
def test_looking_at_a_directory_without_descriptors_is_unavailable(call: str, file_uri: str) -> None:
    run(
        FULL
        + f"""
dl.open(sys.argv[1]).close()
for left in range(12):
    taken = fill(left)
    try:
        dl.{call}(sys.argv[1])
    except dl.Unavailable:
        pass
    finally:
        release(taken)
assert dl.{call}(sys.argv[1])
""",
        file_uri,
    )


def test_descriptors_do_not_add_up_however_often_it_is_opened(uri: str) -> None:
    run(
        """
import asyncio
import dl.aio
from conftest import descriptors, eventually, threads

def sync():
    with dl.open(sys.argv[1]) as namespace, namespace.log("a").open_writer(create_log=True) as writer:
        writer.append(b"1")
        kept.append((namespace, writer))

async def aio():
    async with dl.aio.open(sys.argv[1]) as namespace, namespace.log("a").open_writer(create_log=True) as writer:
        await writer.append(b"1")
        kept.append((namespace, writer))

kept = []
before = threads(), descriptors()
for _ in range(50):
    sync()
    asyncio.run(aio())
assert eventually(lambda: (threads(), descriptors()) == before, 10), (threads(), descriptors(), before)
""",
        uri,
    )
