"""A replicated key-value store. Its commands are a log; who opened that log's writer last leads. Now and then the leader
writes the whole state into a second log, and frees the commands in front of it. It holds the writers of both logs: one that
does not lead any more must not put an old snapshot behind a newer one, whose commands are gone.

`python key_value.py [file:///tmp/store]`
"""

import sys

import dl


def main(uri: str) -> None:
    with dl.open(uri) as namespace:
        commands = namespace.create_log("store/commands")
        snapshots = namespace.create_log("store/snapshots")

        first = Leader(commands, snapshots)
        first.execute("set color blue")
        first.execute("set size 7")
        first.snapshot()
        first.execute("set color red")

        # Another process would do the same: it knows all that was ever acknowledged before it leads.
        second = Leader(commands, snapshots)
        print("second starts with", second.replica)
        try:
            first.execute("set color green")
        except dl.Fenced as error:
            print("first:", error.kind)
        second.execute("delete size")
        second.snapshot()
        try:
            first.snapshot()
        except dl.Fenced as error:
            print("its snapshot:", error.kind)

        # One that only reads: a snapshot, and the commands behind it.
        print("a replica has", Replica(commands, snapshots))

        second.close()
        namespace.delete_log("store/commands")
        namespace.delete_log("store/snapshots")


class Replica:
    """The state, as of a position in the log of commands."""

    def __init__(self, commands: dl.Log, snapshots: dl.Log) -> None:
        """The newest snapshot, and every command behind it."""
        self.state: dict[str, str] = {}
        # Of the first command that is not applied.
        self.next: dl.Dlsn | None = None
        snapshot = snapshots.last_record()
        if snapshot is not None:
            position, *saved = snapshot.payload.decode().splitlines()
            self.next = dl.Dlsn.parse(position)
            for command in saved:
                self.apply(command)
        with commands.open_reader(from_=self.next) as reader:
            for record in reader:
                self.apply(record.payload.decode())
                self.next = record.dlsn.next()

    def apply(self, command: str) -> None:
        match command.split(" ", 2):
            case ["set", key, value]:
                self.state[key] = value
            case ["delete", key]:
                self.state.pop(key, None)
            case _:
                print("no command:", command)

    def __str__(self) -> str:
        return " ".join(f"{key}={value}" for key, value in sorted(self.state.items()))


class Leader:
    """The one that executes commands."""

    def __init__(self, commands: dl.Log, snapshots: dl.Log) -> None:
        # First the writers, then the state: behind them nobody else is acknowledged, so the state is the newest there is, and
        # each snapshot of this leader is newer than all before it. Where two open at once, each may end with one of the logs.
        # That loses nothing: both are fenced from the other one, and whoever opens again leads.
        self.writer = commands.open_writer()
        self.snapshots = snapshots.open_writer()
        self.replica = Replica(commands, snapshots)

    def execute(self, command: str) -> None:
        """Applies a command once it is acknowledged: every later leader will see it."""
        receipt = self.writer.append(command.encode())
        self.replica.apply(command)
        self.replica.next = receipt.dlsn.next()

    def snapshot(self) -> None:
        """Writes the state into the log of snapshots; then the commands that it holds may go."""
        if self.replica.next is None:
            return
        lines = [str(self.replica.next), *(f"set {key} {value}" for key, value in self.replica.state.items())]
        # Another leader's snapshot may be newer: it fenced this writer, too.
        self.snapshots.append("\n".join(lines).encode())
        self.writer.truncate(self.replica.next)

    def close(self) -> None:
        """Lets both logs go."""
        self.snapshots.close()
        self.writer.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "memory:example")
