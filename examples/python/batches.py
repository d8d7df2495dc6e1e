"""Records that are written all or none, and an append on a condition: `python batches.py [file:///tmp/accounts]`."""

import sys

import dl


def main(uri: str) -> None:
    with dl.open(uri) as namespace:
        log = namespace.create_log("accounts")
        with log.open_writer() as writer:
            # A transfer is two records. No reader, and no crash, ever leaves only one of them.
            first, last = writer.append_batch([b"alice -10", b"bob +10"])
            print("in one entry:", str(first.dlsn.entry == last.dlsn.entry).lower())

            # Only if nothing came in between. The condition is judged in the order of the appends, so it may be in flight.
            writer.append(b"bob -3", if_last=last.dlsn)
            try:
                writer.append(b"bob -8", if_last=last.dlsn)
            except dl.ConditionFailed as error:
                print("too late:", error.kind)

        with log.open_reader() as reader:
            for record in reader:
                print("read:", record.payload.decode())

        namespace.delete_log("accounts")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "memory:example")
