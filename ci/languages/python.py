"""The works of ci/languages/compare in Python: of `dl`, whose calls wait, so that one is in flight, and of `dl.aio`."""

from __future__ import annotations

import asyncio
import os
import sys
from statistics import median
from time import perf_counter

import dl
import dl.aio

BYTES = 100
BATCH = 1_000
IN_FLIGHT = 4
PASSES = 5
ALONE = 20_000


def main(count: int) -> None:
    payloads = [os.urandom(BYTES) for _ in range(BATCH)]
    with dl.open("memory:languages") as namespace:
        figures: list[float] = []
        for _ in range(1 + PASSES):
            with namespace.log("appended").open_writer(create_log=True) as writer:
                figures.append(append(writer, payloads, count))
            namespace.delete_log("appended")
        show("python append", figures)
        log = namespace.log("read")
        with log.open_writer(create_log=True) as writer:
            for _ in range(count // BATCH):
                writer.append_batch(payloads)
            show("python read", [read(log) for _ in range(1 + PASSES)])
            print(f"python alone {alone(writer, payloads[0]):.2f}")
        namespace.delete_log("read")
    asyncio.run(main_aio(count, payloads))


def show(name: str, figures: list[float]) -> None:
    """The first pass, and the median of the others."""
    print(f"{name}-first {figures[0]:.0f}")
    print(f"{name} {median(figures[1:]):.0f}")


def append(writer: dl.Writer, payloads: list[bytes], count: int) -> float:
    began = perf_counter()
    for _ in range(count // BATCH):
        writer.append_many(payloads)
    return count / (perf_counter() - began)


def read(log: dl.Log) -> float:
    began = perf_counter()
    count = size = 0
    with log.open_reader() as reader:
        while reader.end is None:
            payloads = reader.next_batch(BATCH).payloads()
            count += len(payloads)
            size += sum(map(len, payloads))
    figure = count / (perf_counter() - began)
    assert size == count * BYTES
    return figure


def alone(writer: dl.Writer, payload: bytes) -> float:
    took: list[float] = []
    for _ in range(ALONE):
        began = perf_counter()
        writer.append(payload)
        took.append(perf_counter() - began)
    return 1e6 * sorted(took)[ALONE // 2]


async def main_aio(count: int, payloads: list[bytes]) -> None:
    async with dl.aio.open("memory:languages-aio") as namespace:
        figures: list[float] = []
        for _ in range(1 + PASSES):
            async with namespace.log("appended").open_writer(create_log=True) as writer:
                figures.append(await append_aio(writer, payloads, count))
            await namespace.delete_log("appended")
        show("asyncio append", figures)
        log = namespace.log("read")
        async with log.open_writer(create_log=True) as writer:
            for _ in range(count // BATCH):
                await writer.append_batch(payloads)
            show("asyncio read", [await read_aio(log) for _ in range(1 + PASSES)])
            print(f"asyncio alone {await alone_aio(writer, payloads[0]):.2f}")


async def append_aio(writer: dl.aio.Writer, payloads: list[bytes], count: int) -> float:
    began = perf_counter()
    flying: list[asyncio.Future[dl.Receipts]] = []
    for _ in range(count // BATCH):
        if len(flying) == IN_FLIGHT:
            await flying.pop(0)
        flying.append(asyncio.ensure_future(writer.append_many(payloads)))
    await asyncio.gather(*flying)
    return count / (perf_counter() - began)


async def read_aio(log: dl.aio.Log) -> float:
    began = perf_counter()
    count = size = 0
    async with log.open_reader() as reader:
        while reader.end is None:
            payloads = (await reader.next_batch(BATCH)).payloads()
            count += len(payloads)
            size += sum(map(len, payloads))
    figure = count / (perf_counter() - began)
    assert size == count * BYTES
    return figure


async def alone_aio(writer: dl.aio.Writer, payload: bytes) -> float:
    took: list[float] = []
    for _ in range(ALONE):
        began = perf_counter()
        await writer.append(payload)
        took.append(perf_counter() - began)
    return 1e6 * sorted(took)[ALONE // 2]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
