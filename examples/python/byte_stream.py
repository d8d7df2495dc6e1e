"""A log as one run of bytes: `python byte_stream.py [file:///tmp/files]`."""

import sys

import dl


def main(uri: str) -> None:
    with dl.open(uri) as namespace:
        log = namespace.create_log("image")
        with log.open_byte_writer() as writer:
            writer.write(b"0123456789")
            writer.write(b"abcdefghij")
            writer.flush()  # durable, all that was written before
            print("written:", writer.position, "bytes")

        # A later writer goes on at the end; nobody else can write meanwhile.
        with log.open_byte_writer() as writer:
            writer.write(b"!")
            writer.seal()

        with log.open_byte_reader() as reader:
            reader.seek(8)
            print("from byte 8:", reader.read().decode())

        namespace.delete_log("image")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "memory:example")
