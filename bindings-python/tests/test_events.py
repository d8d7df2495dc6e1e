"""What an operator hears of: in `logging`, or in a function of the caller's."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import sys
import threading
import weakref

import pytest

import dl
import dl.aio


def cut_off(namespace: dl.Namespace) -> None:
    """Has a writer cut off by another, which tells of two events."""
    log = namespace.create_log("orders")
    first = log.open_writer()
    first.append(b"one")
    with log.open_writer():
        assert isinstance(first.fenced(), dl.Fenced)


def test_events_go_into_logging(uri: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "dl"), dl.open(uri) as namespace:
        cut_off(namespace)
    told = {record.name: record for record in caplog.records}
    assert told["dl.writer.took_over"].levelno == logging.INFO
    assert told["dl.writer.fenced"].levelno == logging.WARNING
    assert "orders" in told["dl.writer.fenced"].getMessage()


def test_nothing_is_printed_unless_it_is_asked_for(uri: str, capfd: pytest.CaptureFixture[str]) -> None:
    with dl.open(uri) as namespace:
        cut_off(namespace)
    assert capfd.readouterr() == ("", "")


def test_a_function_is_told_of_everything_before_close_returns(uri: str, caplog: pytest.LogCaptureFixture) -> None:
    told: list[dl.Event] = []
    with caplog.at_level(logging.INFO, "dl"), dl.open(uri, on_event=told.append) as namespace:
        cut_off(namespace)
    (fenced,) = (event for event in told if event.target == "writer.fenced")
    assert (fenced.level, fenced.kind, fenced.context["log"]) == ("warn", "fenced", "orders")
    assert str(fenced).startswith("warn writer.fenced: ")
    assert "writer.took_over" in {event.target for event in told}
    assert not caplog.records


def test_a_function_may_ask_the_namespace(uri: str) -> None:
    there: list[bool] = []
    asked_twice = threading.Event()

    def ask(event: dl.Event) -> None:
        # One that comes at the end finds the namespace closing.
        with contextlib.suppress(dl.Closed):
            there.append(namespace.log_exists("orders"))
        if len(there) == 2:
            asked_twice.set()

    with dl.open(uri, on_event=ask) as namespace:
        cut_off(namespace)
        assert asked_twice.wait(60)
    assert all(there)


def test_what_a_function_raises_is_reported_and_harms_nobody(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[BaseException | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: raised.append(unraisable.exc_value))

    def fail(event: dl.Event) -> None:
        raise LookupError(event.target)

    with dl.open(uri, on_event=fail) as namespace:
        cut_off(namespace)
        namespace.log("orders").open_writer().close()
    assert {type(error) for error in raised} == {LookupError}


def test_an_event_loop_calls_the_function(uri: str) -> None:
    async def main() -> None:
        told: list[str] = []

        def hear(event: dl.Event) -> None:
            assert asyncio.get_running_loop() is loop
            told.append(event.target)

        loop = asyncio.get_running_loop()
        async with dl.aio.open(uri, on_event=hear) as namespace:
            log = await namespace.create_log("orders")
            first = await log.open_writer()
            await first.append(b"one")
            async with log.open_writer():
                assert isinstance(await first.fenced(), dl.Fenced)
        assert {"writer.took_over", "writer.fenced"} <= set(told)

    asyncio.run(main())


def test_what_cannot_be_opened_ends_at_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("none") / "ns"
    with pytest.raises(dl.NotFound):
        dl.open(dl.file_uri(path), create_namespace=False, on_event=print)


class Program:
    """What many have: it opens the namespace, and is told of its events."""

    def __init__(self, uri: str) -> None:
        self.namespace = dl.open(uri, on_event=self.tell)

    def tell(self, event: dl.Event) -> None: ...


def test_close_lets_go_of_the_function(uri: str) -> None:
    # It holds the namespace that holds it, which the collector does not see.
    with dl.open("memory:kept"):
        program = Program(uri)
        there = weakref.ref(program)
        program.namespace.close()
        del program
        gc.collect()
        assert there() is None


def test_close_on_an_event_loop_lets_go_of_the_function(uri: str) -> None:
    async def use() -> weakref.ref[object]:
        class Told:
            def tell(self, event: dl.Event) -> None:
                self.event = event

        told = Told()
        async with dl.aio.open(uri, on_event=told.tell):
            pass
        return weakref.ref(told)

    with dl.open("memory:kept"):
        there = asyncio.run(use())
        gc.collect()
        assert there() is None
