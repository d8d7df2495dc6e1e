"""Two writers of one log, the second cuts the first one off: `python takeover.py [file:///tmp/orders]`."""

import sys

import dl


def main(uri: str) -> None:
    with dl.open(uri) as namespace:
        log = namespace.create_log("orders")
        first = log.open_writer()
        first.append(b"order 1")

        # Who does not want to take the log over asks politely …
        try:
            log.open_writer(takeover="never")
        except dl.Locked as error:
            print("polite:", error.kind)

        # … and who does, opens a writer, here or in any process: from now on the first one is never acknowledged again.
        with log.open_writer() as second:
            try:
                first.append(b"from the past")
            except dl.Fenced as error:
                print("first:", error.kind)
            second.append(b"order 2")

        with log.open_reader() as reader:
            for record in reader:
                print("read:", record.payload.decode())

        namespace.delete_log("orders")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "memory:example")
