"""Appends records and reads them back: `python append_and_read.py [file:///tmp/orders]`."""

import sys

import dl


def main(uri: str) -> None:
    with dl.open(uri) as namespace:
        log = namespace.create_log("orders")

        # Appending without waiting gives tickets: many records are on their way at once, and one sync of the disk serves
        # them all.
        with log.open_writer() as writer:
            tickets = [writer.append_nowait(f"order {number}".encode()) for number in (1, 2, 3)]
            for ticket in tickets:
                receipt = ticket.result()  # acknowledged: the record survives what the driver promises
                print("acknowledged: number", receipt.sequence_id)

        with log.open_reader() as reader:
            for record in reader:
                print("read:", record.payload.decode())

        namespace.delete_log("orders")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "memory:example")
