"""What a case runs in: a driver, the processes that use it, and what can happen to them."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import dl

from .values import Step, Value, Wrong

# After this, a call hangs.
MOST_SECONDS = 60

PATIENCE_MS = 30

# Whether file systems may be mounted here, and nobody else sees them.
MOUNTS = "DL_MOUNTS" in os.environ

# The size of a file system that a case can make full. A namespace and its log take some MiB at first.
SPACE = "size=128m"

_numbers = count()


class Process:
    """A Python that runs an agent."""

    def __init__(self, face: str) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "conformance.agent", face],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        self.frozen = False

    def ask(self, request: Step) -> Step:
        assert self.child.stdin is not None and self.child.stdout is not None
        try:
            self.child.stdin.write(json.dumps(request) + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            raise Wrong("the process ended") from None
        if not select.select([self.child.stdout], [], [], MOST_SECONDS)[0]:
            raise Wrong(f"no answer to {request}")
        line = self.child.stdout.readline()
        if not line:
            raise Wrong(f"the process ended at {request}, exit code {self.child.wait()}")
        reply: Step = json.loads(line)
        return reply

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.child.pid, number)
        self.frozen = number is signal.SIGSTOP
        if self.frozen:
            # The signal alone only says that each of its threads will stop.
            told = os.waitid(os.P_PID, self.child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            if told is None or told.si_code != os.CLD_STOPPED:
                raise Wrong("the process ended instead of stopping")

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()
        for stream in (self.child.stdin, self.child.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass


class Pool:
    """Processes that case after case uses: starting one takes longer than most cases."""

    def __init__(self, face: str) -> None:
        self.face = face
        self.idle: list[Process] = []

    def take(self) -> Process:
        return self.idle.pop() if self.idle else Process(self.face)

    def give_back(self, process: Process) -> None:
        """Only one that ends what it has open is used again."""
        if process.frozen or "ok" not in process.ask({"whose": "", "do": "let_go"}):
            process.kill()
        else:
            self.idle.append(process)

    def close(self) -> None:
        for process in self.idle:
            process.kill()


class World:
    """Of one case."""

    capabilities: frozenset[str]
    uri: str
    durability: Value

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.processes: dict[str, Process] = {}

    def needs(self, needs: frozenset[str]) -> None:
        """Hears, before anything else, what its case needs of it."""

    def start(self, name: str) -> None:
        """Starts a process, which has nothing open yet."""
        self.processes[name] = self.pool.take()

    def is_running(self, name: str) -> bool:
        """Whether a process of this name runs."""
        return name in self.processes and not self.processes[name].frozen

    def call(self, name: str, request: Step) -> Step:
        """Has a process do something."""
        if name not in self.processes:
            raise Wrong(f"there is no process {name!r}")
        if self.processes[name].frozen:
            raise Wrong(f"the process {name!r} is frozen")
        return self.processes[name].ask({"whose": name, **request})

    def happen(self, step: Step) -> None:
        """Makes something happen that no process does."""
        raise Wrong(f"{step['do']} cannot be made to happen")

    def end(self) -> None:
        """Ends what is left of the case."""
        for process in {id(process): process for process in self.processes.values()}.values():
            self.pool.give_back(process)


class Memory(World):
    """A namespace in the memory of one Python, whose handles stand for processes."""

    capabilities = frozenset({"nul", "processes"})
    durability = "memory"

    def __init__(self, pool: Pool, folder: Path) -> None:
        super().__init__(pool)
        self.uri = f"memory:case-{next(_numbers)}"
        self.python = pool.take()
        self.processes[""] = self.python

    def start(self, name: str) -> None:
        self.processes[name] = self.python


class Apart(World):
    """A Python for each process."""

    def happen(self, step: Step) -> None:
        match step["do"]:
            case "crash":
                self.processes.pop(step["process"]).kill()
            case "freeze":
                self.processes[step["process"]].signal(signal.SIGSTOP)
            case "wake":
                self.processes[step["process"]].signal(signal.SIGCONT)
            case _:
                super().happen(step)


class File(Apart):
    """A directory, and a Python for each process."""

    capabilities = frozenset({"crash", "damage", "directory", "freeze", "nul", "persistent", "processes"}) | (
        {"fill"} if MOUNTS else set()
    )
    # The folder may be on a memory file system.
    durability = {"any": ["memory", "power-loss"]}

    def __init__(self, pool: Pool, folder: Path) -> None:
        super().__init__(pool)
        self.folder = folder
        self.uri = dl.file_uri(folder / "ns")
        self.mounted = False

    def needs(self, needs: frozenset[str]) -> None:
        if "fill" in needs:
            subprocess.run(["mount", "-t", "tmpfs", "-o", SPACE, "tmpfs", self.folder], check=True)
            self.mounted = True

    def happen(self, step: Step) -> None:
        match step["do"]:
            case "damage":
                self.damage(step["text"].encode())
            case "fill":
                self.fill()
            case "free":
                (self.folder / "filler").unlink()
            case _:
                super().happen(step)

    def fill(self) -> None:
        """Takes the space that is left of a file system of the case's own, to the last byte."""
        if not self.mounted:
            raise Wrong("the case does not say that it needs fill")
        with (self.folder / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(1 << 16))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def end(self) -> None:
        super().end()
        if self.mounted:
            # It goes with its mount namespace at the latest.
            subprocess.run(["umount", "--lazy", self.folder], check=True)

    def damage(self, text: bytes) -> None:
        """Flips a bit of the first byte of the text wherever a file holds it."""
        places = 0
        for path in (path for path in self.folder.rglob("*") if path.is_file()):
            content, at = path.read_bytes(), -1
            with path.open("r+b") as file:
                while (at := content.find(text, at + 1)) >= 0:
                    os.pwrite(file.fileno(), bytes([content[at] ^ 1]), at)
                    places += 1
        if not places:
            raise Wrong(f"no file holds {text!r}")


class BookKeeper(Apart):
    """A namespace on the cluster whose folder `DL_CLUSTER` names, and a Python for each process."""

    capabilities = frozenset({"crash", "freeze", "nul", "persistent", "processes"})
    durability = "replicated"

    def __init__(self, pool: Pool, folder: Path) -> None:
        super().__init__(pool)
        self.namespace = f"/python-{os.getpid()}-{next(_numbers)}"
        servers = cluster("uri").split("/")[2]
        # A case may write what is wrong behind it.
        self.uri = f"distributedlog://{servers}{self.namespace}?ledgers_path=/ledgers&session_timeout_ms=10s"

    def happen(self, step: Step) -> None:
        super().happen(step)
        if step["do"] == "crash":
            self.bury(step["process"])

    def bury(self, process: str) -> None:
        """Has the servers notice that a process is gone, which they do by themselves when its session's time is up."""
        for line in cluster("sessions").splitlines():
            session, *nodes = line.split()
            if any(node.startswith(f"{self.namespace}/") and f"/member_{process}_s" in node for node in nodes):
                cluster("expire-session", session)


def cluster(*command: str) -> str:
    """Has `ci/bookkeeper/cluster` do something, and answers what it says."""
    program = Path(__file__).parents[3] / "ci/bookkeeper/cluster"
    done = subprocess.run(
        [program, "--dir", os.environ["DL_CLUSTER"], *command], check=True, capture_output=True, text=True
    )
    return done.stdout


DRIVERS: dict[str, type[Memory | File | BookKeeper]] = (
    {"bookkeeper": BookKeeper} if "DL_CLUSTER" in os.environ else {"memory": Memory, "file": File}
)
