"""A process of a case: reads a request a line and answers with a line. `python -m conformance.agent dl|dl.aio`.

One process can stand for several of a case, where the driver is in memory: a request says whose it is.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import dl
import dl.aio

from . import calls
from .values import Step, Value, Wrong

# How often a thread has to be found asleep, one look after another, and how long it is let run before each.
LOOKS = 3
LOOK_SECONDS = 0.002


def finished(call: Coroutine[Any, Any, Value]) -> Value:
    """The answer of a call on the face that waits: it never suspends."""
    try:
        call.send(None)
    except StopIteration as stop:
        return stop.value
    raise Wrong("a call of the face that waits did not wait")


class Thread(threading.Thread):
    """A call in flight on the face that waits."""

    def __init__(self, call: Coroutine[Any, Any, Value]) -> None:
        super().__init__(daemon=True)
        self.call = call
        self.answer: Value = None
        self.error: dl.Error | None = None

    def run(self) -> None:
        try:
            self.answer = finished(self.call)
        except dl.Error as error:
            self.error = error

    def wait_for_place(self) -> None:
        """Waits until the call has its place: the thread sleeps in the library, or ended.

        The library tries a call once before it lets go of Python's lock. A thread that has to wait for that lock sleeps too,
        but it is woken while this one waits: then it is ready to run, and no longer asleep, until the call is tried.
        """
        asleep = 0
        while asleep < LOOKS:
            self.join(LOOK_SECONDS)
            if not self.is_alive():
                return
            asleep = asleep + 1 if self.is_asleep() else 0

    def is_asleep(self) -> bool:
        try:
            stat = Path(f"/proc/self/task/{self.native_id}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            # It ended.
            return False
        # The state is behind the name, which is in parentheses and may be anything.
        return stat.rpartition(")")[2].split()[0] == "S"

    def result(self) -> Value:
        self.join()
        if self.error is not None:
            raise self.error
        return self.answer


class Agent:
    """One process of a case, on the face that waits."""

    def __init__(self) -> None:
        self.handles = calls.Handles(dl)
        self.in_flight: dict[str, Any] = {}

    async def handle(self, request: Step) -> Value:
        match request["do"]:
            case "await":
                return self.in_flight.pop(request["call"]).result()
            case "still_pending":
                thread = self.in_flight[request["call"]]
                thread.join(request["patience_ms"] / 1_000)
                return thread.is_alive()
            case "cancel" | "retry":
                raise Wrong("a thread that waits cannot be cancelled")
        if "start" not in request:
            return finished(self.handles.call(request))
        thread = Thread(self.placed(request))
        thread.start()
        thread.wait_for_place()
        self.in_flight[request["start"]] = thread
        return {}

    def placed(self, request: Step) -> Coroutine[Any, Any, Value]:
        """A call that is started; an append takes its place now."""
        writer = self.handles.by_name.get(request.get("on", ""))
        if request["do"] != "append" or not isinstance(writer, dl.Writer):
            return self.handles.call(request)
        record, last = request["record"], request.get("if_last")
        try:
            ticket = writer.append_nowait(
                bytes.fromhex(record["payload"]),
                txid=record.get("txid"),
                if_last="empty" if last == "none" else last,
            )
        except dl.Error as error:
            return _fail(error)
        return _receipt(ticket)

    async def end(self) -> None:
        """Lets go of everything."""
        if self.handles.namespace is not None:
            self.handles.namespace.close()
        for thread in self.in_flight.values():
            thread.join()


async def _fail(error: dl.Error) -> Value:
    raise error


async def _receipt(ticket: dl.Ticket) -> Value:
    return calls._receipt(ticket.result())


class AioAgent:
    """One process of a case, on the face for asyncio."""

    def __init__(self) -> None:
        self.handles = calls.Handles(dl.aio)
        self.in_flight: dict[str, asyncio.Task[Value]] = {}

    async def handle(self, request: Step) -> Value:
        match request["do"]:
            case "await":
                return await self.in_flight.pop(request["call"])
            case "still_pending":
                done, _ = await asyncio.wait([self.in_flight[request["call"]]], timeout=request["patience_ms"] / 1_000)
                return not done
            case "cancel":
                task = self.in_flight.pop(request["call"])
                task.cancel()
                await asyncio.wait([task])
                return {}
            case "retry":
                task = self.in_flight.pop(request["call"])
                task.cancel()
                await asyncio.wait([task])
                return await self.handles.call(request["again"]) if task.cancelled() else task.result()
        if "start" not in request:
            return await self.handles.call(request)
        task = asyncio.create_task(self.handles.call(request))
        self.in_flight[request["start"]] = task
        # It goes on until it waits: then it has its place.
        await asyncio.sleep(0)
        return {}

    async def end(self) -> None:
        """Lets go of everything."""
        for task in self.in_flight.values():
            task.cancel()
        await asyncio.gather(*self.in_flight.values(), return_exceptions=True)
        if self.handles.namespace is not None:
            await self.handles.namespace.close()


async def serve(make: Callable[[], Agent | AioAgent]) -> None:
    """Answers until there are no more requests."""
    agents: dict[str, Agent | AioAgent] = {}
    loop = asyncio.get_running_loop()
    # What the runner does to its calls is not for the logger of asyncio.
    loop.set_exception_handler(lambda *_: None)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        request = json.loads(line)
        whose = request.pop("whose")
        reply: Value
        try:
            if request["do"] == "let_go":
                for agent in agents.values():
                    await agent.end()
                agents.clear()
                agent = None  # type: ignore[assignment]
                gc.collect()
                reply = {"ok": {}}
            else:
                agent = agents.get(whose) or agents.setdefault(whose, make())
                reply = {"ok": await agent.handle(request)}
        except dl.Error as error:
            reply = {"error": calls.error(error)}
        except Exception as wrong:  # the runner says where
            reply = {"wrong": f"{type(wrong).__name__}: {wrong}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(Agent if sys.argv[1] == "dl" else AioAgent))
