"""The face for asyncio."""

from __future__ import annotations

import asyncio
import inspect
import resource
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import dl
import dl.aio


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
            names = {name for name in dir(sync) if not name.startswith("_")} - {"give_back"}
            closes = {"close"} if name in ("Cursor", "Log") else set()
            assert {name for name in dir(aio) if not name.startswith("_")} - closes == names, name


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
