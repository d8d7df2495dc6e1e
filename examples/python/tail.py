"""Follows a log while somebody else appends to it: `python tail.py [file:///tmp/orders]`."""

import asyncio
import sys

import dl.aio


async def main(uri: str) -> None:
    async with dl.aio.open(uri) as namespace:
        log = await namespace.create_log("orders")
        await asyncio.gather(append(log), follow(log))
        await namespace.delete_log("orders")


async def append(log: dl.aio.Log) -> None:
    async with log.open_writer() as writer:
        for number in (1, 2, 3):
            await writer.append(f"order {number}".encode())
        # No more will ever come; readers that follow are told.
        await writer.seal()


async def follow(log: dl.aio.Log) -> None:
    # A record is delivered as soon as it is acknowledged: the reader is woken, it does not poll.
    async with log.open_reader(follow=True) as reader:
        async for record in reader:
            print("read:", record.payload.decode())
        print("the end:", reader.end)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "memory:example"))
