"""Readers that catch up: the next batches are read while the caller looks at one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

import dl
import dl.aio

COUNT = 6_000
BATCH = 100


def payloads(count: int, start: int = 0) -> list[bytes]:
    return [b"%d" % i for i in range(start, start + count)]


@pytest.fixture
def writer(log: dl.Log) -> Iterator[dl.Writer]:
    with log.open_writer() as writer:
        writer.append_many(payloads(COUNT))
        yield writer


def catch_up(reader: dl.Reader, batches: int = 4) -> int:
    """Reads so many full batches."""
    for i in range(batches):
        assert reader.next_batch(BATCH).payloads() == payloads(BATCH, i * BATCH)
    return batches * BATCH


def test_the_size_of_batches_may_change_at_any_time(log: dl.Log, writer: dl.Writer) -> None:
    with log.open_reader() as reader:
        read = 0
        for turn in range(6):
            for size in (BATCH, BATCH, BATCH, 7, BATCH, BATCH, BATCH, 2 * BATCH, BATCH, 0):
                got = reader.next_batch(size).payloads()
                assert got == payloads(len(got), read), turn
                assert got or not size
                read += len(got)
                position = reader.position
                with log.open_reader(from_=position) as other:
                    assert other.next_batch(1).payloads() == payloads(1, read), "the position is behind what was delivered"
            record = reader.next()
            assert record is not None and record.payload == b"%d" % read
            read += 1


def test_a_call_that_does_not_wait_finds_what_is_prepared(log: dl.Log, writer: dl.Writer) -> None:
    with log.open_reader(follow=True) as reader:
        read: list[bytes] = []
        while len(read) < COUNT:
            got = reader.next_batch(BATCH, 0).payloads()
            assert got
            read += got
        assert read == payloads(COUNT)
        assert len(reader.next_batch(BATCH, 0)) == 0


def test_reading_ahead_ends_no_reader(log: dl.Log) -> None:
    with log.open_writer() as writer:
        for start in range(0, 20 * BATCH, 4 * BATCH):
            writer.append_many(payloads(4 * BATCH, start))
            if not start:
                reader = log.open_reader()
            for first in range(start, start + 4 * BATCH, BATCH):
                # None of these looks behind the last record.
                assert reader.next_batch(BATCH).payloads() == payloads(BATCH, first)
                assert reader.end is None
        assert (len(reader.next_batch(BATCH)), reader.end) == (0, "end")
        reader.close()


def test_a_bound_is_reached_with_the_last_record(log: dl.Log, writer: dl.Writer) -> None:
    with log.open_reader(count=10 * BATCH) as reader:
        for i in range(10):
            assert reader.end is None
            assert reader.next_batch(BATCH).payloads() == payloads(BATCH, i * BATCH)
        assert (reader.end, len(reader.next_batch(BATCH))) == ("bound", 0)


def test_a_closed_reader_delivers_nothing_that_was_read_ahead(log: dl.Log, writer: dl.Writer) -> None:
    reader = log.open_reader()
    catch_up(reader)
    reader.close()
    with pytest.raises(dl.Closed):
        reader.next_batch(BATCH)


def test_a_lock_that_was_lost_is_noticed_at_once(log: dl.Log, writer: dl.Writer) -> None:
    with log.open_reader(cursor="c", locked=True) as reader:
        catch_up(reader)
        with log.open_reader(cursor="c", locked=True, takeover="force"), pytest.raises(dl.Fenced):
            reader.next_batch(BATCH)


def test_threads_share_what_is_read_ahead(log: dl.Log, writer: dl.Writer) -> None:
    seen: list[list[bytes]] = [[], [], []]
    with log.open_reader() as reader:

        def read(into: list[bytes]) -> None:
            while got := reader.next_batch(BATCH).payloads():
                numbers = [int(payload) for payload in into[-1:] + got]
                assert numbers == sorted(numbers)
                into += got

        threads = [threading.Thread(target=read, args=(into,)) for into in seen]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(sum(seen, []), key=int) == payloads(COUNT)


def test_cancelled_calls_lose_nothing_and_calls_are_answered_in_order(uri: str) -> None:
    async def main() -> None:
        async with dl.aio.open(uri) as namespace:
            log = await namespace.create_log("a")
            async with log.open_writer() as writer, log.open_reader() as reader:
                await writer.append_many(payloads(COUNT))
                seen: list[bytes] = []
                for turn in range(COUNT):
                    calls = [asyncio.ensure_future(reader.next_batch(BATCH)) for _ in range(4)]
                    for _ in range(turn % 4):
                        await asyncio.sleep(0)
                    # Those before it got their records, or get them; those behind it get what it would have got.
                    calls[turn % 4].cancel()
                    if turn % 3:
                        await asyncio.gather(*calls, return_exceptions=True)
                        given = [call.result().payloads() for call in calls if not call.cancelled()]
                    else:
                        given = [(await reader.next_batch(BATCH)).payloads()]
                        await asyncio.gather(*calls, return_exceptions=True)
                        given += [call.result().payloads() for call in calls if not call.cancelled()]
                    seen += sum(given, [])
                    if reader.end:
                        break
                assert sorted(seen, key=int) == payloads(COUNT)

    asyncio.run(main())


def test_who_always_finds_records_lets_other_tasks_run(uri: str) -> None:
    async def main() -> int:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with dl.aio.open(uri) as namespace:
            log = await namespace.create_log("a")
            async with log.open_writer() as writer, log.open_reader() as reader:
                await writer.append_many(payloads(2_000))
                await reader.next()
                task = asyncio.create_task(other())
                for _ in range(1_900):
                    await reader.next()
                task.cancel()
        return turns

    assert asyncio.run(main()) >= 10
