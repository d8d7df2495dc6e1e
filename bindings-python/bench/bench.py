"""How fast the package is: `python bench.py [--json] [--seconds N] URI`. Rust's figures beside it are `dl bench`'s.

One awaited append is measured alone, in turn with the other face, so that a disk whose speed varies does not decide. Records
have 100 random bytes. What is counted of a batch call is the whole call: payloads in, receipts or records out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Callable

import dl
import dl.aio

BYTES = 100
BATCH = 5_000


def main() -> None:
    """Measures each work and prints what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = measure(arguments.uri, arguments.seconds)
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:24} {figure:14,.1f}")


def measure(uri: str, seconds: float) -> dict[str, float]:
    """Every work, one after another."""
    payloads = [os.urandom(BYTES) for _ in range(BATCH)]
    figures: dict[str, float] = {}
    with dl.open(uri) as namespace:
        log = namespace.create_log("bench")
        with log.open_writer() as writer:
            figures["sync append us"] = alone(lambda: writer.append(payloads[0]), seconds)
            figures["append_many records/s"] = rate(lambda: len(writer.append_many(payloads)), seconds)
            figures["append_batch records/s"] = rate(lambda: len(writer.append_batch(payloads)), seconds)
        figures["next_batch records/s"] = read(log, lambda reader: len(reader.next_batch(BATCH)), seconds)
        figures["payloads records/s"] = read(
            log, lambda reader: len(reader.next_batch(BATCH).payloads()), seconds
        )
        figures["records records/s"] = read(
            log, lambda reader: len([record.payload for record in reader.next_batch(BATCH)]), seconds
        )
        figures["for records/s"] = read(log, one_by_one, seconds)
        namespace.delete_log("bench")
    figures |= asyncio.run(measure_aio(uri, payloads, seconds))
    return figures


async def measure_aio(uri: str, payloads: list[bytes], seconds: float) -> dict[str, float]:
    """The works of asyncio."""
    figures: dict[str, float] = {}
    async with dl.aio.open(uri) as namespace:
        log = await namespace.create_log("bench")
        async with log.open_writer() as writer:
            times: list[float] = []
            deadline = time.perf_counter() + seconds
            while (began := time.perf_counter()) < deadline:
                await writer.append(payloads[0])
                times.append(time.perf_counter() - began)
            figures["aio append us"] = statistics.median(times) * 1e6
            count, began = 0, time.perf_counter()
            while time.perf_counter() < began + seconds:
                count += len(await writer.append_many(payloads))
            figures["aio append_many records/s"] = count / (time.perf_counter() - began)
            count, began = 0, time.perf_counter()
            while time.perf_counter() < began + seconds:
                await asyncio.gather(*map(writer.append, payloads[:64]))
                count += 64
            figures["aio 64 tasks records/s"] = count / (time.perf_counter() - began)
        count, began = 0, time.perf_counter()
        async with log.open_reader() as reader:
            while (records := await reader.next_batch(BATCH)) and time.perf_counter() < began + seconds:
                count += len(records)
        figures["aio next_batch records/s"] = count / (time.perf_counter() - began)
        await namespace.delete_log("bench")
    return figures


def alone(call: Callable[[], object], seconds: float) -> float:
    """The median of one call, in microseconds."""
    times: list[float] = []
    deadline = time.perf_counter() + seconds
    while (began := time.perf_counter()) < deadline:
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def rate(call: Callable[[], int], seconds: float) -> float:
    """How many a second."""
    count, began = 0, time.perf_counter()
    while time.perf_counter() < began + seconds:
        count += call()
    return count / (time.perf_counter() - began)


def read(log: dl.Log, call: Callable[[dl.Reader], int], seconds: float) -> float:
    """How many records a second, again from the start when there are no more."""
    count, began = 0, time.perf_counter()
    while time.perf_counter() < began + seconds:
        with log.open_reader() as reader:
            while (some := call(reader)) and time.perf_counter() < began + seconds:
                count += some
    return count / (time.perf_counter() - began)


def one_by_one(reader: dl.Reader) -> int:
    """The loop that everybody writes."""
    count = 0
    for count, _ in enumerate(reader, start=1):
        if count == BATCH:
            break
    return count


if __name__ == "__main__":
    main()
