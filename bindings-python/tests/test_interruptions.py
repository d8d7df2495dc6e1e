"""Calls that end otherwise than with their answer: closed, given up, interrupted. None hangs, none takes from another."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import dl
import dl.aio


def test_closing_a_byte_reader_ends_what_waits(log: dl.Log) -> None:
    reader = log.open_byte_reader(follow=True)
    ended: list[object] = []

    def wait(call: Callable[[], object]) -> None:
        try:
            ended.append(call())
        except dl.Closed as error:
            ended.append(error)

    calls: list[Callable[[], object]] = [lambda: reader.read(1), reader.next_chunk]
    threads = [threading.Thread(target=wait, args=(call,), daemon=True) for call in calls]
    threads.append(threading.Thread(target=reader.close, daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert [type(end) for end in ended] == [dl.Closed] * 2
    with pytest.raises(dl.Closed):
        reader.read(1)


def test_closing_a_byte_reader_ends_tasks_that_wait(uri: str) -> None:
    async def main() -> None:
        async with dl.aio.open(uri) as namespace:
            log = await namespace.create_log("a")
            reader = await log.open_byte_reader(follow=True)
            waiting = [asyncio.ensure_future(reader.read(1)), asyncio.ensure_future(reader.next_chunk())]
            await asyncio.sleep(0)
            await asyncio.wait_for(reader.close(), 60)
            ended = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(end) for end in ended] == [dl.Closed] * 2

    asyncio.run(main(), debug=True)


def test_bytes_are_not_joined_where_some_between_went_to_another_call(uri: str) -> None:
    async def main() -> None:
        async with dl.aio.open(uri) as namespace:
            log = await namespace.create_log("a")
            async with log.open_byte_writer() as writer:
                await writer.write(b"aabbcc")
            async with log.open_byte_reader() as reader:
                native: Any = reader._native
                first, second = native.read(2), native.read(2)
                assert (await second).take() == b"bb"
                (await first).give_back()
                assert reader.position == 0
                assert await reader.read(4) == b"aa"
                assert reader.position == 4
                assert await reader.read(4) == b"cc"

    asyncio.run(main(), debug=True)


class Interrupted(KeyboardInterrupt):
    """What the handler of a signal raises, wherever the thread is."""


def test_what_interrupts_the_loop_takes_no_answer_from_other_calls(uri: str) -> None:
    loop = asyncio.new_event_loop()
    call_soon: Any = loop.call_soon

    def marked(_: object) -> None: ...

    def interrupted(callback: object, *rest: Any, **context: Any) -> Any:
        if callback is not marked:
            return call_soon(callback, *rest, **context)
        setattr(loop, "call_soon", call_soon)
        raise Interrupted

    async def begin() -> tuple[dl.aio.Namespace, list[Any], list[Any]]:
        namespace = await dl.aio.open(uri)
        log = await namespace.create_log("a")
        readers: list[Any] = [(await log.open_reader(follow=True))._native for _ in range(3)]
        waiting = [reader.next() for reader in readers]
        for future in waiting:
            future.add_done_callback(marked)
        return namespace, readers, waiting

    async def close(readers: list[Any]) -> None:
        # All that wait are woken before the loop looks at one.
        await asyncio.wait([reader.close() for reader in readers])

    async def end(namespace: dl.aio.Namespace, waiting: list[Any]) -> list[Any]:
        done, _ = await asyncio.wait(waiting, timeout=60)
        await namespace.close()
        return [type(future.exception()) for future in done]

    namespace, readers, waiting = loop.run_until_complete(begin())
    setattr(loop, "call_soon", interrupted)
    closing = loop.create_task(close(readers))
    with pytest.raises(Interrupted):
        loop.run_until_complete(closing)
    assert loop.run_until_complete(end(namespace, waiting)) == [dl.Closed] * 3
    loop.run_until_complete(closing)
    loop.close()


def alarmed(_number: int, _frame: object) -> None:
    raise Interrupted


def test_a_closing_that_was_interrupted_goes_on_with_the_next(uri: str) -> None:
    told, go, ended = threading.Event(), threading.Event(), threading.Event()

    def tell(_event: dl.Event) -> None:
        told.set()
        go.wait(60)
        ended.set()

    namespace = dl.open(uri, on_event=tell)
    log = namespace.create_log("a")
    first, second = log.open_writer(), log.open_writer()
    assert told.wait(60)
    before = signal.signal(signal.SIGALRM, alarmed)
    try:
        # It waits until all is told. The next one does so too, and is no closing that did nothing.
        for _ in range(2):
            with pytest.raises(Interrupted):
                signal.setitimer(signal.ITIMER_REAL, 0.1)
                namespace.close()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert namespace.closed
    go.set()
    namespace.close()
    assert ended.is_set()
    namespace.close()
    del first, second


STUCK = """
import os, resource, sys, threading
import dl

# A user who has no processes; root itself is not limited.
os.setuid(61_237)
limited, told, begun = threading.Event(), threading.Event(), threading.Event()

def tell(event):
    told.set()
    threading.Event().wait()

namespace = dl.open("memory:stuck", on_event=tell)
writer = namespace.create_log("a").open_writer()
other = namespace.create_log("b")
first = other.open_writer()

def cut_off():
    limited.wait()
    other.open_writer()

def say_when_it_waits():
    begun.wait()
    while not (THERE):
        os.sched_yield()
    print("waiting", flush=True)

threading.Thread(target=cut_off, daemon=True).start()
threading.Thread(target=say_when_it_waits, daemon=True).start()
_, most = resource.getrlimit(resource.RLIMIT_NPROC)
resource.setrlimit(resource.RLIMIT_NPROC, (1, most))
limited.set()
told.wait()
# The runtime's thread tells of an event, and the system grants none that could stand in for it.
try:
    begun.set()
    WAIT
except KeyboardInterrupt as error:
    print("interrupted", repr(error.__context__), flush=True)
except BaseException as error:
    print("lost", repr(error), flush=True)
os._exit(0)
"""

# What waits, what another thread sees once the signal can come, and what is said then. A block has its exception in hand from just
# before its end is called, and Python looks at no signal in between; a signal that comes before interrupts the block itself.
CALLS = {
    "an append": ('writer.append(b"x")', "True", "interrupted None\n"),
    "the end of a block": (
        """
    with writer:
        raise ValueError("of the block")
    """,
        "'of the block' in repr(sys._current_exceptions())",
        "interrupted ValueError('of the block')\n",
    ),
}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user whose threads are limited")
@pytest.mark.parametrize("call", CALLS)
def test_ctrl_c_ends_what_waits(call: str) -> None:
    wait, there, said = CALLS[call]
    program = STUCK.replace("THERE", there).replace("WAIT", wait.strip())
    environment = os.environ | {"DL_RUNTIME_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0] == said
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
