"""A position says what was delivered, and no more: who goes on from there misses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import dl
import dl.aio

# What a task would wait for. It wakes up later than its answer is there, and may be cancelled before.
Calls = dict[str, Callable[[Any], asyncio.Future[dl._dl.Given]]]

READS: Calls = {"next": lambda reader: reader._native.next(), "next_batch": lambda reader: reader._native.next_batch(5)}
BYTE_READS: Calls = {
    "next_chunk": lambda reader: reader._native.next_chunk(),
    "read": lambda reader: reader._native.read(3),
}

ends = pytest.mark.parametrize("taken", [True, False], ids=["taken", "cancelled"])


def run(uri: str, use: Callable[[dl.aio.Log], Awaitable[None]]) -> None:
    async def main() -> None:
        async with dl.aio.open(uri) as namespace:
            await use(await namespace.create_log("a"))

    asyncio.run(main())


def end(given: dl._dl.Given, *, taken: bool) -> None:
    """The task woke up, or was cancelled before."""
    if taken:
        given.take()
    else:
        given.give_back()


@ends
@pytest.mark.parametrize("read", READS)
def test_a_record_is_behind_the_position_until_its_task_has_it(uri: str, read: str, taken: bool) -> None:
    async def use(log: dl.aio.Log) -> None:
        async with log.open_writer() as writer, log.open_reader(follow=True) as reader:
            start, receipt = reader.position, await writer.append(b"abc")
            # As it was read, and then as it was given back.
            for _ in range(1 if taken else 2):
                given = await READS[read](reader)
                assert reader.position == start <= receipt.dlsn, "nobody has it"
                end(given, taken=taken)
            assert taken == (reader.position > receipt.dlsn)
            if not taken:
                record = await reader.next()
                assert record is not None and record.payload == b"abc"

    run(uri, use)


@ends
@pytest.mark.parametrize("read", BYTE_READS)
def test_bytes_are_behind_the_position_until_their_task_has_them(uri: str, read: str, taken: bool) -> None:
    async def use(log: dl.aio.Log) -> None:
        async with log.open_byte_writer() as writer, log.open_byte_reader(follow=True) as reader:
            await writer.write(b"abc")
            await writer.flush()
            given = await BYTE_READS[read](reader)
            assert reader.position == 0, "nobody has them"
            end(given, taken=taken)
            assert reader.position == (3 if taken else 0)
            if not taken:
                assert await reader.read(3) == b"abc"
            await reader.seek(1)
            given = await BYTE_READS["next_chunk"](reader)
            await reader.seek(0)
            assert reader.position == 0
            end(given, taken=taken)
            assert reader.position == 0, "what was read elsewhere says nothing here"

    run(uri, use)


def test_a_position_after_close_is_before_what_nobody_took(uri: str) -> None:
    async def use(log: dl.aio.Log) -> None:
        async with log.open_writer() as writer, log.open_reader() as reader:
            start, _ = reader.position, await writer.append(b"abc")
            (await READS["next"](reader)).give_back()
            await reader.close()
            assert (reader.position, reader.end) == (start, None)
            with pytest.raises(dl.Closed):
                await reader.next()
            assert (reader.position, reader.end) == (start, None)

    run(uri, use)


def test_an_offset_after_close_is_before_what_nobody_took(uri: str) -> None:
    async def use(log: dl.aio.Log) -> None:
        async with log.open_byte_writer() as writer, log.open_byte_reader() as reader:
            await writer.write(b"abc")
            await writer.flush()
            (await BYTE_READS["next_chunk"](reader)).give_back()
            await reader.close()
            assert (reader.position, reader.end) == (0, None)

    run(uri, use)


def test_a_position_after_close_is_before_what_was_only_prepared(namespace: dl.Namespace) -> None:
    log, batch = namespace.create_log("a"), 200
    with log.open_writer() as writer:
        receipts = writer.append_many([b"x"] * 20 * batch)
    with log.open_reader() as reader:
        for _ in range(3):
            assert len(reader.next_batch(batch)) == batch
        reader.close()
        assert receipts[3 * batch - 1].dlsn < reader.position <= receipts[3 * batch].dlsn
        with pytest.raises(dl.Closed):
            reader.next_batch(batch)
        assert receipts[3 * batch - 1].dlsn < reader.position <= receipts[3 * batch].dlsn
