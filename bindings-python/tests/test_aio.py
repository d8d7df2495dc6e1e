"""The face for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from conftest import descriptors, eventually

import dl
import dl.aio
from conftest import eventually, threads


def run(uri: str, use: Callable[[dl.aio.Namespace, dl.aio.Log], Coroutine[Any, Any, None]]) -> None:
    """Runs a coroutine with a namespace and a log; whatever asyncio complains of fails."""

    async def main() -> None:
        complaints: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, complaint: complaints.append(complaint))
        async with dl.aio.open(uri) as namespace:
            await use(namespace, await namespace.create_log("a"))
        assert complaints == []

    asyncio.run(main(), debug=True)


def test_both_faces_have_the_same_names() -> None:
    for name in dl.aio.__all__:
        sync, aio = getattr(dl, name), getattr(dl.aio, name)
        if inspect.isclass(aio):
            names = {name for name in dir(sync) if not name.startswith("_")}
            closes = {"close"} if name in ("Cursor", "Log") else set()
            assert {name for name in dir(aio) if not name.startswith("_")} - closes == names, name


def test_a_byte_writer_says_how_far_a_write_came_that_was_given_up(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async with log.open_byte_writer(in_flight_bytes="1MiB") as writer, asyncio.timeout(60):
            write = asyncio.create_task(writer.write(bytes(8 << 20)))
            await asyncio.sleep(0)
            write.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await write
            # No other call is asked.
            while writer.position == 0:
                await asyncio.sleep(0)
            await writer.flush()
            async with log.open_byte_reader(from_="latest") as reader:
                assert reader.position == writer.position

    run(uri, use)


def test_what_is_appended_is_read(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async with log.open_writer() as writer:
            receipts = [await writer.append(b"%d" % i) for i in range(3)]
            receipts += await asyncio.gather(*(writer.append(b"%d" % i) for i in range(3, 6)))
            receipts += await writer.append_many([b"6", b"7"])
            receipts += await writer.append_batch([b"8", (b"9", 2**60)], if_last=receipts[-1].dlsn)
            receipts.append(await (await writer.append_nowait(b"10")))
            receipts.append(await writer.try_append(b"11"))
            receipts += await writer.append_record_set([b"12"])
            await writer.flush()
            assert writer.last_dlsn == receipts[-1].dlsn
        assert [receipt.dlsn for receipt in receipts] == sorted(receipt.dlsn for receipt in receipts)
        async with log.open_reader() as reader:
            assert [int(record.payload.decode()) async for record in reader] == list(range(13))
            assert reader.end == "end"
        reader = await log.open_reader(from_=receipts[10].dlsn)
        assert len(await reader.next_batch(10)) >= 1
        await reader.close()
        with pytest.raises(dl.Closed):
            await reader.next()
        assert await log.count() == 13
        assert (await log.first_record()) != (await log.last_record())

    run(uri, use)


def test_a_failure_is_an_exception(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        with pytest.raises(dl.NotFound):
            await namespace.open_log("nothing")
        with pytest.raises(dl.InvalidArgument):
            await namespace.create_log("a b")
        first = await log.open_writer()
        ended = asyncio.create_task(first.fenced())
        async with log.open_writer() as second:
            assert isinstance(await ended, dl.Fenced)
            with pytest.raises(dl.Fenced):
                await first.append(b"late")
            with pytest.raises(dl.InvalidArgument) as caught:
                await second.append_many([(b"1", 5), (b"2", 4)])
            assert [receipt.txid for receipt in caught.value.receipts] == [5]

    run(uri, use)


def test_a_cancelled_read_loses_no_record(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async with log.open_writer() as writer, log.open_reader(follow=True) as reader:
            seen: list[dl.Record | None] = []
            for i in range(100):
                # Cancelled before, while and after the record comes.
                task = asyncio.create_task(reader.next() if i % 2 else reader.next_batch(5))
                for _ in range(i % 5):
                    await asyncio.sleep(0)
                append = asyncio.create_task(writer.append(b"%d" % i))
                for _ in range(i % 7):
                    await asyncio.sleep(0)
                task.cancel()
                await append
                try:
                    read = await task
                    seen += read if isinstance(read, dl.Records) else [read]
                except asyncio.CancelledError:
                    pass
            while len(seen) < 100:
                seen += await reader.next_batch(1_000)
            assert [record.payload for record in seen if record] == [b"%d" % i for i in range(100)]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await reader.next()

    run(uri, use)


async def cancelled(call: Coroutine[Any, Any, Any], event: Coroutine[Any, Any, Any]) -> None:
    """Cancels a call that waits for an event when its answer is there, before the task that waits for it is woken."""
    future = call.send(None)
    future._asyncio_future_blocking = False
    await event
    await asyncio.wait([future])
    with pytest.raises(asyncio.CancelledError):
        call.throw(asyncio.CancelledError())


def test_an_answer_that_nobody_takes_is_answered_again(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        logs = namespace.watch_logs()
        assert [await logs.next(), await logs.next()] == [dl.LogChange("created", "a"), dl.LogChange("listed", None)]
        await cancelled(logs.next(), namespace.create_log("b"))
        await namespace.create_log("c")
        assert [await logs.next(), await logs.next()] == [dl.LogChange("created", "b"), dl.LogChange("created", "c")]
        await cancelled(logs.next(), namespace.create_log("d"))
        assert await logs.next(0) == dl.LogChange("created", "d")
        stream = await namespace.create_log("stream")
        async with log.open_writer() as writer, stream.open_byte_writer() as bytes_writer:
            reader, bytes_reader = await log.open_reader(follow=True), await stream.open_byte_reader(follow=True)

            async def write(data: bytes) -> None:
                await writer.append(data)
                await bytes_writer.write(data)
                await bytes_writer.flush()

            for call in (reader.next, lambda: reader.next_batch(5)):
                await cancelled(call(), write(b"abc"))
                record = await reader.next()
                assert record is not None and record.payload == b"abc"
            assert await bytes_reader.read(6) == b"abcabc"
            calls: list[Callable[[], Coroutine[Any, Any, Any]]] = [bytes_reader.next_chunk, lambda: bytes_reader.read(2)]
            for call in calls:
                await cancelled(call(), write(b"abc"))
                assert await bytes_reader.read(2) == b"ab"
                assert await bytes_reader.next_chunk() == b"c"
            assert bytes_reader.position == 12
            await cancelled(bytes_reader.next_chunk(), write(b"abc"))
            assert bytes_reader.position == 12
            await bytes_reader.seek(1)
            assert await bytes_reader.next_chunk() == b"bc"
            await bytes_reader.seek(15)
            await cancelled(bytes_reader.next_chunk(), write(b"abc"))
            await bytes_reader.close()
            with pytest.raises(dl.Closed):
                await bytes_reader.next_chunk()

    run(uri, use)


async def given_back(call: Callable[[], Coroutine[Any, Any, Any]], event: Coroutine[Any, Any, Any]) -> Any:
    """What a call is answered that waits beside another one, whose answer nobody takes."""
    first = call()
    future = first.send(None)
    future._asyncio_future_blocking = False
    second = asyncio.ensure_future(call())
    await event
    await asyncio.wait([future])
    with pytest.raises(asyncio.CancelledError):
        first.throw(asyncio.CancelledError())
    return await asyncio.wait_for(second, 10)


def test_who_waits_is_woken_by_what_is_given_back(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        logs = namespace.watch_logs("none")
        assert await logs.next() == dl.LogChange("listed", None)
        assert await given_back(logs.next, namespace.create_log("none/b")) == dl.LogChange("created", "none/b")
        async with log.open_byte_writer() as writer:
            reader, bytes_reader = await log.open_reader(follow=True), await log.open_byte_reader(follow=True)

            async def write(data: bytes) -> None:
                await writer.write(data)
                await writer.flush()

            assert (await given_back(reader.next, write(b"a"))).payload == b"a"
            assert [record.payload for record in await given_back(lambda: reader.next_batch(9), write(b"b"))] == [b"b"]
            assert await bytes_reader.read(2) == b"ab"
            assert await given_back(bytes_reader.next_chunk, write(b"c")) == b"c"
            assert await given_back(lambda: bytes_reader.read(1), write(b"d")) == b"d"

    run(uri, use)


async def answered(call: Callable[[], Coroutine[Any, Any, Any]]) -> tuple[Coroutine[Any, Any, Any], Any]:
    """A call under way, and the future that tells of its answer, which nobody takes."""
    coroutine = call()
    future = coroutine.send(None)
    future._asyncio_future_blocking = False
    return coroutine, future


async def given_up(call: Callable[[], Coroutine[Any, Any, Any]], event: Coroutine[Any, Any, Any], order: list[int]) -> None:
    """Gives calls up in some order, once all of them are answered."""
    calls = [await answered(call) for _ in order]
    await event
    await asyncio.wait([future for _, future in calls])
    for number in order:
        with pytest.raises(asyncio.CancelledError):
            calls[number][0].throw(asyncio.CancelledError())


orders = pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
payloads = [b"aaaa", b"bbbb", b"cccc", b"dddd"]


async def write_payloads(log: dl.aio.Log) -> None:
    async with log.open_byte_writer() as writer:
        for payload in payloads:
            await writer.write(payload)
            await writer.flush()


@orders
def test_records_that_calls_give_back_come_in_their_order(uri: str, order: list[int]) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        reader = await log.open_reader(follow=True)
        start = reader.position
        await given_up(reader.next, write_payloads(log), order)
        assert reader.position == start
        records = [record for max in (2, 1, 1) for record in await reader.next_batch(max)]
        assert [record.payload for record in records] == payloads

    run(uri, use)


@orders
@pytest.mark.parametrize("size", [None, 3, 5])
def test_bytes_that_calls_give_back_come_in_their_order(uri: str, order: list[int], size: int | None) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        reader = await log.open_byte_reader(follow=True)
        call = reader.next_chunk if size is None else lambda: reader.read(size)
        await given_up(call, write_payloads(log), order)
        assert reader.position == 0
        assert await reader.read(16) == b"".join(payloads)
        assert reader.position == 16

    run(uri, use)


@orders
def test_changes_that_calls_give_back_come_in_their_order(uri: str, order: list[int]) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        names = ["none/1", "none/2", "none/3"]

        async def create() -> None:
            for name in names:
                await namespace.create_log(name)

        logs = namespace.watch_logs("none")
        assert await logs.next() == dl.LogChange("listed", None)
        await given_up(logs.next, create(), order)
        assert [await logs.next() for _ in names] == [dl.LogChange("created", name) for name in names]

    run(uri, use)


def test_segments_that_nobody_takes_are_told_again(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async def write() -> None:
            async with log.open_writer() as writer:
                await writer.append(b"x")

        segments = log.watch_segments()
        assert await segments.next() == []
        await cancelled(segments.next(), write())
        assert len(await segments.next() or []) == 1

    run(uri, use)


def test_a_closed_namespace_tells_nothing_that_was_given_back(file_uri: str, tmp_path: Path) -> None:
    def is_closed() -> bool:
        return not any(name.startswith(str(tmp_path)) for name in descriptors())

    async def main() -> None:
        namespace = await dl.aio.open(file_uri)
        logs = namespace.watch_logs("none")
        assert await logs.next() == dl.LogChange("listed", None)
        assert not is_closed()
        first, future = await answered(logs.next)
        await namespace.create_log("none/a")
        await asyncio.wait([future])
        # One that waits, and one in line behind it, whose turn comes once the namespace is closed.
        second, third = asyncio.ensure_future(logs.next()), asyncio.ensure_future(logs.next())
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(namespace.close())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert namespace.closed
        assert eventually(is_closed)
        with pytest.raises(asyncio.CancelledError):
            first.throw(asyncio.CancelledError())
        second.cancel()
        with pytest.raises(dl.Closed):
            await third
        await closing

    asyncio.run(main())


def test_an_answer_from_before_a_seek_does_not_come_back(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async with log.open_byte_writer() as writer, log.open_byte_reader(follow=True) as reader:

            async def write_and_seek() -> None:
                await writer.write(b"abc")
                await writer.flush()
                await asyncio.wait([waiting])
                await reader.seek(1)

            call = reader.next_chunk()
            waiting = call.send(None)
            waiting._asyncio_future_blocking = False
            await write_and_seek()
            with pytest.raises(asyncio.CancelledError):
                call.throw(asyncio.CancelledError())
            assert reader.position == 1
            assert await reader.read(2) == b"bc"

    run(uri, use)


def test_a_read_that_is_given_up_keeps_the_bytes_it_has(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async with log.open_byte_writer() as writer, log.open_byte_reader(follow=True) as reader:
            await writer.write(b"ab")
            await writer.flush()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await reader.read(10)
            assert reader.position == 0
            await writer.write(b"cd")
            await writer.flush()
            assert await reader.read(3) == b"abc"
            assert reader.position == 3
            assert await reader.next_chunk() == b"d"

    run(uri, use)


def test_many_appends_wait_for_room_in_their_order(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async with log.open_writer(in_flight_records=10) as writer:
            calls = [writer.append_many([b"%d-%03d" % (call, i) for i in range(200)]) for call in range(3)]
            for receipts in await asyncio.gather(*calls):
                dlsns = [receipt.dlsn for receipt in receipts]
                assert len(receipts) == 200 and dlsns == sorted(set(dlsns))
            given_up = asyncio.create_task(writer.append_many([b"3-%03d" % i for i in range(200)]))
            await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.wait([given_up])
            await writer.append(b"last")
        async with log.open_reader() as reader:
            texts = [record.payload.decode() async for record in reader]
        assert texts[-1] == "last"
        for call in range(4):
            of_call = [text for text in texts if text.startswith(f"{call}-")]
            assert of_call == [f"{call}-{i:03}" for i in range(len(of_call))] and len(of_call) >= 10

    run(uri, use)


def test_a_cancelled_append_is_appended_all_the_same(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async with log.open_writer() as writer:
            tasks = [asyncio.create_task(writer.append(b"%d" % i)) for i in range(10)]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            for i, answer in enumerate(done):
                assert isinstance(answer, dl.Receipt if i % 2 else (dl.Receipt, asyncio.CancelledError))
            await writer.flush()
        assert await log.count() == 10

    run(uri, use)


def test_who_appends_alone_lets_the_loop_look_at_descriptors(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        looks = itertools.count()
        here, there = socket.socketpair()
        loop = asyncio.get_running_loop()
        with here, there:
            there.send(b"x")
            loop.add_reader(here, lambda: next(looks))
            async with log.open_writer() as writer:
                for i in range(100):
                    await writer.append(b"%d" % i)
                    await writer.append_many([b"%d" % i])
            loop.remove_reader(here)
        assert next(looks) >= 20

    run(uri, use)


ways_to_fail: dict[str, Callable[[dl.aio.Writer, dl.aio.Reader], Coroutine[Any, Any, Any]]] = {
    "append": lambda writer, _: writer.append(b"x"),
    "append_many": lambda writer, _: writer.append_many([b"x"]),
    "append_batch": lambda writer, _: writer.append_batch([b"x"]),
    "append_nowait": lambda writer, _: writer.append_nowait(b"x"),
    "next": lambda _, reader: reader.next(),
}


@pytest.mark.parametrize("closed", ["handle", "namespace"])
@pytest.mark.parametrize("way", list(ways_to_fail))
def test_who_fails_at_once_lets_other_tasks_run(uri: str, way: str, closed: str) -> None:
    async def main() -> None:
        namespace = await dl.aio.open(uri)
        log = await namespace.create_log("a")
        writer, reader = await log.open_writer(), await log.open_reader()
        if closed == "handle":
            await writer.close()
            await reader.close()
        else:
            await namespace.close()

        async def call() -> None:
            with pytest.raises(dl.Closed):
                await ways_to_fail[way](writer, reader)

        assert await turns_beside(call) >= 9
        await namespace.close()

    asyncio.run(main())


async def turns_beside(call: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """How often another task has its turn beside one that calls a thousand times."""
    turns = itertools.count()

    async def other() -> None:
        while True:
            next(turns)
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    for _ in range(1_000):
        await call()
    task.cancel()
    return next(turns)


@pytest.mark.parametrize("way", ["append_nowait", "flush", "write", "flush of bytes"])
def test_who_is_answered_at_once_lets_other_tasks_run(uri: str, way: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        tickets: list[asyncio.Future[dl.Receipt]] = []
        async with log.open_writer() as writer, namespace.log("b").open_byte_writer(create_log=True) as byte_writer:

            async def call() -> None:
                match way:
                    case "append_nowait":
                        tickets.append(await writer.append_nowait(b"x"))
                    case "flush":
                        await writer.flush()
                    case "write":
                        await byte_writer.write(b"x")
                    case _:
                        await byte_writer.flush()

            assert await turns_beside(call) >= 9
            await asyncio.gather(*tickets)

    run(uri, use)


@pytest.mark.parametrize("way", ["append", "append_nowait", "next_batch"])
def test_who_gives_what_cannot_be_lets_other_tasks_run(uri: str, way: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async with log.open_writer() as writer, log.open_reader() as reader:
            ways: dict[str, Callable[[Any], Coroutine[Any, Any, Any]]] = {
                "append": writer.append,
                "append_nowait": writer.append_nowait,
                "next_batch": reader.next_batch,
            }

            async def call() -> None:
                with pytest.raises(TypeError):
                    await ways[way]("one")

            assert await turns_beside(call) >= 9

    run(uri, use)


def test_appends_that_are_done_at_once_are_those_of_before(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async with log.open_writer() as writer:
            for i in range(300):
                # Alone, and then beside others, of which some are cancelled.
                receipt = await writer.append(b"%d" % i, txid=i)
                assert (receipt.txid, writer.last_dlsn) == (i, receipt.dlsn)
                tasks = [asyncio.ensure_future(writer.append(b"beside", txid=i)) for _ in range(i % 4)]
                await asyncio.sleep(0)
                for task in tasks[::2]:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            with pytest.raises(dl.InvalidArgument):
                await writer.append(b"late", txid=1)
        assert await log.count() == 300 + sum(i % 4 for i in range(300))

    run(uri, use)


def test_a_follower_waits_and_others_run(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async def follow() -> list[int]:
            async with log.open_reader(follow=True) as reader:
                return [int(record.payload.decode()) async for record in reader]

        follower = asyncio.create_task(follow())
        async with log.open_writer() as writer:
            for i in range(50):
                await writer.append(b"%d" % i)
            await writer.seal()
        assert await follower == list(range(50))

    run(uri, use)


def test_a_batch_waits_no_longer_behind_another_call(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async with log.open_writer() as writer, log.open_reader(follow=True) as reader:
            calls = [asyncio.create_task(reader.next()) for _ in range(2)]
            for wait in (0, 0.01):
                assert len(await asyncio.wait_for(reader.next_batch(5, wait=wait), 10)) == 0
            for payload in (b"0", b"1"):
                await writer.append(payload)
            assert sorted(bytes(record.payload) for record in await asyncio.gather(*calls) if record) == [b"0", b"1"]

    run(uri, use)


def test_closing_ends_what_waits(uri: str) -> None:
    async def main() -> None:
        namespace = await dl.aio.open(uri)
        log = await namespace.create_log("a")
        reader, writer = await log.open_reader(follow=True), await log.open_writer()
        waiting: list[asyncio.Task[Any]] = [
            asyncio.create_task(reader.next()),
            asyncio.create_task(reader.next_batch(3)),
            asyncio.create_task(namespace.log("a").watch_segments().next()),
        ]
        ended = asyncio.create_task(writer.fenced())
        await asyncio.sleep(0)
        waiting.append(asyncio.create_task(namespace.close()))
        await namespace.close()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(answer) for answer in answers[:2]] == [dl.Closed] * 2
        assert isinstance(await ended, dl.Closed)
        assert namespace.closed
        with pytest.raises(dl.Closed):
            await reader.next()
        with pytest.raises(dl.Closed):
            await namespace.list_logs()

    asyncio.run(main(), debug=True)


def test_an_event_loop_may_end_with_calls_in_flight(uri: str) -> None:
    async def main() -> None:
        namespace = await dl.aio.open(uri)
        log = await namespace.create_log("a")
        reader, writer = await log.open_reader(follow=True), await log.open_writer()
        asyncio.create_task(reader.next())
        tasks = [asyncio.create_task(writer.append(b"x")) for _ in range(10)]
        await asyncio.sleep(0)
        del tasks

    asyncio.run(main())
    with dl.open(uri, create_namespace=True) as namespace:
        assert namespace.list_logs() in (["a"], [])


def test_streams_cursors_and_watchers(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async with log.open_byte_writer() as stream:
            assert await stream.write(b"hello world") == stream.position == 11
            await stream.flush()
            async with log.open_byte_reader() as reader:
                assert await reader.read(5) == b"hello"
                await reader.seek(6)
                assert [bytes(chunk) async for chunk in reader] == [b"world"]
        cursor = await log.cursor("c")
        assert await cursor.position() is None
        first = await log.first_record()
        assert first is not None
        assert await cursor.advance(first.dlsn) == first.dlsn
        assert [info.name for info in await log.cursors()] == ["c"]
        changes = namespace.watch_logs()
        assert await anext(changes) == dl.LogChange("created", "a")
        await log.set_options(roll_ms=5.0)
        assert (await log.options())["roll_ms"] == "5s"
        assert (await log.info()).name == log.name == "a"
        assert await namespace.metrics()

    run(uri, use)


def test_verifying_needs_no_namespace_that_is_open(file_uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        assert (await dl.aio.verify(file_uri)).findings == []
        assert (await dl.aio.inspect(file_uri)).logs == 1

    run(file_uri, use)


@pytest.mark.parametrize("face", ["sync", "aio"])
def test_verifying_ends_with_whoever_waits_for_it(face: str, file_uri: str, tmp_path: Path) -> None:
    with dl.open(file_uri) as namespace, namespace.log("a").open_writer(create_log=True) as writer:
        writer.append(b"1")
    segment = next(path for path in (tmp_path / "ns/segments").rglob("*") if path.is_file())
    # To read these zeros takes minutes.
    os.truncate(segment, 1 << 40)

    def is_reading() -> bool:
        return "dl-blocking" in threads()

    async def reading() -> None:
        while not is_reading():
            await asyncio.sleep(0)

    async def cancelled() -> None:
        verifying = asyncio.create_task(dl.aio.verify(file_uri))
        await reading()
        verifying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await verifying

    def interrupt() -> None:
        asyncio.run(reading())
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    assert eventually(lambda: not is_reading(), 20)
    if face == "aio":
        asyncio.run(cancelled())
    else:
        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            dl.verify(file_uri)
        interrupting.join()
    assert eventually(lambda: not is_reading(), 20)


def test_what_is_told_of_events_can_be_called(uri: str) -> None:
    async def main() -> None:
        async with dl.aio.open(uri, on_event=wrong):  # type: ignore[arg-type]
            pass

    for wrong in (5, 0, "logging"):
        with pytest.raises(TypeError, match="on_event.*(int|str)"):
            dl.open(uri, on_event=wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="on_event.*(int|str)"):
            asyncio.run(main())


def test_a_writer_of_bytes_is_aborted_at_once(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        writer = await log.open_byte_writer()
        await writer.write(b"some")
        flushing = asyncio.ensure_future(writer.flush())
        writer.abort()
        with pytest.raises(dl.Closed):
            await writer.write(b"more")
        # What was on its way may be durable, or not.
        with contextlib.suppress(dl.Closed):
            await flushing

    run(uri, use)


def test_opening_fails_without_a_trace(uri: str) -> None:
    async def main() -> None:
        for wrong in ["nothing:at-all", uri + ("&" if "?" in uri else "?") + "nothing=1"]:
            with pytest.raises(dl.InvalidArgument):
                await dl.aio.open(wrong)
        with pytest.raises(dl.InvalidArgument):
            async with dl.aio.open(uri, client_id=""):
                pass

    asyncio.run(main(), debug=True)


def test_a_descriptor_that_is_not_to_be_had_is_unavailable(uri: str) -> None:
    async def main() -> None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limit[1]))
        try:
            with pytest.raises(dl.Unavailable, match="descriptors") as refused:
                await dl.aio.open(uri)
            assert refused.value.retryable
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        await (await dl.aio.open(uri)).close()

    asyncio.run(main())


def test_a_handle_of_a_loop_that_was_closed_does_nothing(uri: str) -> None:
    async def first() -> tuple[dl.aio.Namespace, dl.aio.Log, dl.aio.Writer, dl.aio.Reader]:
        namespace = await dl.aio.open(uri)
        log = await namespace.create_log("a")
        return namespace, log, await log.open_writer(), await log.open_reader(follow=True)

    namespace, log, writer, reader = asyncio.run(first())

    async def second() -> None:
        for call in (writer.append(b"x"), reader.next(), log.info(), reader.close(), namespace.close()):
            with pytest.raises(dl.Closed, match="event loop"):
                await call
        with pytest.raises(dl.Closed, match="event loop"):
            writer.try_append(b"x")

    asyncio.run(second())
    assert writer.last_dlsn is None


def test_a_handle_of_another_loop_does_nothing(uri: str) -> None:
    async def use(namespace: dl.aio.Namespace, log: dl.aio.Log) -> None:
        async def elsewhere() -> None:
            for call in (log.info(), namespace.close()):
                with pytest.raises(dl.InvalidArgument, match="another event loop"):
                    await call

        await asyncio.to_thread(asyncio.run, elsewhere())
        assert (await log.info()).name == "a"

    run(uri, use)


@pytest.mark.parametrize("what", ["writer", "reader"])
def test_an_open_that_was_cancelled_takes_the_log_from_nobody_who_opens_it_later(what: str, uri: str) -> None:
    async def main() -> None:
        async with dl.aio.open(uri) as namespace, (await namespace.create_log("a")).open_writer() as first:
            await first.append(b"1")
            await first.close()
            log = namespace.log("a")

            def open_it() -> dl.aio.Opening[dl.aio.Writer] | dl.aio.Opening[dl.aio.Reader]:
                return log.open_writer() if what == "writer" else log.open_reader(cursor="c", locked=True)

            async def opened() -> dl.aio.Writer | dl.aio.Reader:
                return await open_it()

            for round in range(300):
                cancelled = asyncio.ensure_future(opened())
                for _ in range(round % 12):
                    await asyncio.sleep(0)
                cancelled.cancel()
                try:
                    await (await cancelled).close()
                except asyncio.CancelledError:
                    pass
                async with open_it() as handle:
                    if isinstance(handle, dl.aio.Writer):
                        await handle.append(b"2")
                    else:
                        assert await handle.next() is not None

    asyncio.run(main())
