"""Nothing is left after close, nor by calls. `DL_PYTHON_CALLS` says how many; `ci/soak python` makes a million."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import dl
import dl.aio
from conftest import descriptors, eventually, threads

# Of what `use` does in a round, some ten calls.
CALLS = int(os.environ.get("DL_PYTHON_CALLS", "2000"))
ROUNDS = CALLS // 10

# Of what `use_all` does in a round, some forty.
ROUNDS_OF_ALL = CALLS // 40

# Rounds until pools, caches and the allocator have what they keep.
WARM = 50

# Nothing is logged of a slow disk: the first thing that is logged brings objects that stay.
SLOW_MS = 3_600_000


def memory_kib() -> int:
    """What the process has in memory that is its own, without what the allocator keeps for later: how much that is, is chance."""
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))


def test_nothing_is_left_after_close(uri: str) -> None:
    def use() -> None:
        with dl.open(uri) as namespace:
            log = namespace.log("a")
            with log.open_writer(create_log=True) as writer:
                writer.append_nowait(b"1").result()
                writer.append_many([b"2", b"3"])
            with log.open_reader(follow=True) as reader:
                reader.next_batch(2)
            log.info()

    before = quiet()
    for _ in range(3):
        use()
        gc.collect()
        assert eventually(lambda: (threads(), descriptors()) == before), (threads(), descriptors(), before)


def test_nothing_is_left_after_close_on_an_event_loop(uri: str) -> None:
    async def use() -> None:
        async with dl.aio.open(uri) as namespace:
            log = namespace.log("a")
            async with log.open_writer(create_log=True) as writer:
                await asyncio.gather(*(writer.append(b"1") for _ in range(3)))
            async with log.open_reader(follow=True) as reader:
                await reader.next()

    async def main() -> None:
        before = quiet()
        for _ in range(3):
            await use()
            gc.collect()
            assert eventually(lambda: (threads(), descriptors()) == before), (threads(), descriptors(), before)

    asyncio.run(main())


def test_what_nobody_closed_is_closed_when_it_is_let_go_of(uri: str) -> None:
    before = quiet()
    namespace = dl.open(uri)
    writer = namespace.create_log("a").open_writer()
    writer.append(b"1")
    reader = namespace.log("a").open_reader(follow=True)
    del writer, reader, namespace
    gc.collect()
    assert eventually(lambda: (threads(), descriptors()) == before), (threads(), descriptors(), before)


def test_what_nobody_closed_on_an_event_loop_is_closed_when_it_is_let_go_of(uri: str) -> None:
    async def log() -> dl.aio.Log:
        return await (await dl.aio.open(uri)).create_log("a")

    async def last_handle() -> None:
        writer = await (await log()).open_writer()
        gc.collect()
        assert (await writer.append(b"1")).txid >= 0, "the namespace goes with its last handle"

    async def last_call() -> None:
        log = (await dl.aio.open(uri)).log("a")
        await (await log.open_writer(create_log=True)).close()
        reader = await log.open_reader(follow=True, from_="latest")
        waiting = asyncio.ensure_future(reader.next())
        del reader, log
        await asyncio.sleep(0)
        gc.collect()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    async def main() -> None:
        before = quiet()
        for use in (last_handle, last_call):
            await use()
            gc.collect()
            deadline = asyncio.get_running_loop().time() + 5
            while (threads(), descriptors()) != before:
                assert asyncio.get_running_loop().time() < deadline, (threads(), descriptors(), before)
                await asyncio.sleep(0)

    asyncio.run(main())


def test_an_event_loop_that_was_closed_keeps_no_call(uri: str) -> None:
    before = quiet()
    loop = asyncio.new_event_loop()

    async def use() -> tuple[dl.aio.Reader, asyncio.Future[dl.Record]]:
        reader = await (await (await dl.aio.open(uri)).create_log("a")).open_reader(follow=True)
        future: asyncio.Future[dl.Record] = reader._native.next()  # what a task would wait for, and cancel at its end
        return reader, future

    reader, future = loop.run_until_complete(use())
    loop.close()
    del reader, future, loop
    gc.collect()
    assert eventually(lambda: (threads(), descriptors()) == before, 5), (threads(), descriptors(), before)


def test_no_thread_waits_for_work_after_close(file_uri: str) -> None:
    """Though handles are still about, and though threads stay for a while when they have nothing to do."""
    before = quiet()
    namespace = dl.open(file_uri)
    log = namespace.create_log("a")
    with log.open_writer() as writer:
        writer.append_many([b"x" * 100_000] * 50)
        writer.truncate(writer.append(b"1").dlsn)
        with log.open_reader() as reader:
            assert len(reader.next_batch(100)) > 0
    namespace.close()
    assert eventually(lambda: threads() == before[0], 5), (threads(), before[0])
    del namespace, log, writer, reader


def test_calls_leak_nothing(uri: str) -> None:
    before = quiet()
    with dl.open(uri, slow_sync_ms=SLOW_MS) as namespace:
        log = namespace.create_log("a")
        log.set_options(retention_bytes=4_096, roll_bytes=4_096)

        def use() -> None:
            with log.open_writer() as writer:
                writer.append(b"x" * 100)
                last = writer.last_dlsn
            with log.open_reader(from_=last) as reader:
                assert [len(record.payload) for record in reader] == [100]
            for wrong in (lambda: namespace.open_log("b"), lambda: log.truncate("no")):
                try:
                    wrong()
                except dl.Error:
                    pass

        for _ in range(WARM):
            use()
        kept = memory()
        for _ in range(ROUNDS):
            use()
        no_more(kept)
        del log, use
    del namespace
    assert eventually(lambda: (threads(), descriptors()) == before), (threads(), descriptors(), before)


def test_calls_on_an_event_loop_leak_nothing(uri: str) -> None:
    async def main() -> None:
        async with dl.aio.open(uri, slow_sync_ms=SLOW_MS) as namespace:
            log = await namespace.create_log("a")
            await log.set_options(retention_bytes=4_096, roll_bytes=4_096)

            async def use() -> None:
                async with log.open_writer() as writer:
                    last = (await writer.append(b"x" * 100)).dlsn
                async with log.open_reader(from_=last, follow=True) as reader:
                    assert await reader.next() is not None
                    await cancelled(reader.next())

            for _ in range(WARM):
                await use()
            kept = memory()
            for _ in range(ROUNDS):
                await use()
            no_more(kept)

    before = quiet()
    asyncio.run(main())
    assert eventually(lambda: (threads(), descriptors()) == before), (threads(), descriptors(), before)


def use_all(uri: str) -> None:
    """What is opened beside writers and readers, in a namespace that tells of events."""
    told: list[dl.Event] = []
    with dl.open(uri, slow_sync_ms=SLOW_MS, on_event=told.append) as namespace:
        log = namespace.create_log("a")
        with log.open_byte_writer() as writer:
            writer.write(b"hello")
            writer.flush()
            with log.open_byte_reader() as reader:
                assert reader.read(2) == b"he"
                assert reader.next_chunk() == b"llo"
        cursor = log.cursor("billing")
        cursor.advance(dl.Dlsn(1, 0, 0))
        assert len(log.cursors()) == 1
        cursor.delete()
        with namespace.watch_logs() as logs, log.watch_segments() as segments:
            assert logs.next() == dl.LogChange("created", "a") and len(segments.next() or []) == 1
            assert segments.next(0) is None
        namespace.delete_log("a")
    assert told


async def use_all_on_an_event_loop(uri: str) -> None:
    """The same; of each kind of answer one is there that nobody takes, and one call waits that is cancelled."""
    told: list[dl.Event] = []
    async with dl.aio.open(uri, slow_sync_ms=SLOW_MS, on_event=told.append) as namespace:
        log = await namespace.create_log("a")
        async with log.open_byte_writer() as writer, log.open_byte_reader(follow=True) as reader:
            await writer.write(b"hello")
            await writer.flush()
            assert await reader.read(2) == b"he"
            await reader._native.next_chunk()
            assert await reader.next_chunk() == b"llo"
            await cancelled(reader.next_chunk())
        cursor = await log.cursor("billing")
        await cursor.advance(dl.Dlsn(1, 0, 0))
        assert len(await log.cursors()) == 1
        await cursor.delete()
        async with namespace.watch_logs() as logs, log.watch_segments() as segments:
            await logs._native.next()
            assert await logs.next() == dl.LogChange("created", "a")
            assert len(await segments.next() or []) == 1
            await cancelled(segments.next())
        await namespace.delete_log("a")
    assert told


async def cancelled(call: Coroutine[Any, Any, object]) -> None:
    task = asyncio.create_task(call)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


def test_streams_cursors_watchers_and_events_leak_nothing(uri: str) -> None:
    before = quiet()
    for _ in range(WARM):
        use_all(uri)
    kept = memory()
    for _ in range(ROUNDS_OF_ALL):
        use_all(uri)
    no_more(kept)
    assert eventually(lambda: (threads(), descriptors()) == before), (threads(), descriptors(), before)


def test_streams_cursors_watchers_and_events_on_an_event_loop_leak_nothing(uri: str) -> None:
    async def main() -> None:
        for _ in range(WARM):
            await use_all_on_an_event_loop(uri)
        kept = memory()
        for _ in range(ROUNDS_OF_ALL):
            await use_all_on_an_event_loop(uri)
        no_more(kept)

    before = quiet()
    asyncio.run(main())
    assert eventually(lambda: (threads(), descriptors()) == before), (threads(), descriptors(), before)


def quiet() -> tuple[list[str], list[str]]:
    """What the process holds, once what earlier tests used is gone."""
    gc.collect()
    assert eventually(lambda: not any(name.startswith("dl-") for name in threads())), threads()
    return threads(), descriptors()


def memory() -> tuple[int, int]:
    gc.collect()
    return len(gc.get_objects()), memory_kib()


def no_more(before: tuple[int, int]) -> None:
    # 32 bytes a round would be 3 MB for a million calls. Threads without work stay for ten seconds, each with memory at hand.
    most = before[1] + 4_096 + ROUNDS // 32
    assert memory()[0] <= before[0] + 50, "objects"
    assert eventually(lambda: memory()[1] <= most, 30), f"memory: {before[1]} and then {memory()[1]} KiB, not {most}"


def test_receipts_are_kept_once_when_they_were_looked_at() -> None:
    """A receipt takes 56 bytes once it was made, and 8 and more before."""
    count = 300_000
    with dl.open(f"memory:receipts-{os.getpid()}") as namespace:
        with namespace.log("a").open_writer(create_log=True) as writer:
            receipts = writer.append_many([b"x"] * count)
            assert receipts[-1].dlsn == writer.last_dlsn and len(receipts) == count
            with_receipts = memory_kib()
            del receipts
            each = (with_receipts - memory_kib()) * 1_024 / count
            assert each < 60, each
