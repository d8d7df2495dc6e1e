// A replicated key-value store. Its commands are a log; who opened that log's writer last leads. Now and then the leader
// writes the whole state into a second log, and frees the commands in front of it. It holds the writers of both logs: one that
// does not lead any more must not put an old snapshot behind a newer one, whose commands are gone.
//
//   node key_value.mjs [file:///tmp/store]

import { Dlsn, FencedError, Namespace } from 'distributed-log';

/** The state, as of a position in the log of commands. */
class Replica {
  state = new Map();
  /** Of the first command that is not applied. */
  next;

  /** The newest snapshot, and every command behind it. */
  static async load(commands, snapshots) {
    const replica = new Replica();
    const snapshot = await snapshots.lastRecord();
    if (snapshot !== undefined) {
      const { next, state } = JSON.parse(snapshot.payload);
      replica.next = Dlsn.parse(next);
      replica.state = new Map(state);
    }
    const reader = await commands.openReader({ from: replica.next ?? 'earliest' });
    for await (const record of reader) replica.apply(`${record.payload}`, record.dlsn);
    await reader.close();
    return replica;
  }

  apply(command, dlsn) {
    const [verb, key, value] = command.split(' ');
    if (verb === 'set') this.state.set(key, value);
    else if (verb === 'delete') this.state.delete(key);
    else console.log(`no command: ${command}`);
    this.next = dlsn.next();
  }

  shown() {
    return [...this.state].sort().map((pair) => pair.join('=')).join(' ');
  }
}

class Leader {
  constructor(writer, snapshots, replica) {
    Object.assign(this, { writer, snapshots, replica });
  }

  static async open(commands, snapshots) {
    // First the writers, then the state: behind them nobody else is acknowledged, so the state is the newest there is, and
    // each snapshot of this leader is newer than all before it. Where two open at once, each may end with one of the logs.
    // That loses nothing: both are fenced from the other one, and whoever opens again leads.
    const writer = await commands.openWriter();
    const writing = await snapshots.openWriter();
    return new Leader(writer, writing, await Replica.load(commands, snapshots));
  }

  /** Applies a command once it is acknowledged: every later leader will see it. */
  async execute(command) {
    const { dlsn } = await this.writer.append(command);
    this.replica.apply(command, dlsn);
  }

  /** Writes the state into the log of snapshots; then the commands that it holds may go. */
  async snapshot() {
    const { next, state } = this.replica;
    // Another leader's snapshot may be newer: it fenced this writer, too.
    await this.snapshots.append(JSON.stringify({ next, state: [...state] }));
    await this.writer.truncate(next);
  }

  async close() {
    await this.snapshots.close();
    await this.writer.close();
  }
}

const namespace = await Namespace.open(process.argv[2] ?? 'memory:example');
const names = ['store/commands', 'store/snapshots'];
for (const name of names) await namespace.createLog(name);
const [commands, snapshots] = names.map((name) => namespace.log(name));

const first = await Leader.open(commands, snapshots);
await first.execute('set color blue');
await first.execute('set size 7');
await first.snapshot();
await first.execute('set color red');

// Another process would do the same: it knows all that was ever acknowledged before it leads.
const second = await Leader.open(commands, snapshots);
console.log(`second starts with ${second.replica.shown()}`);
try {
  await first.execute('set color green');
} catch (error) {
  if (!(error instanceof FencedError)) throw error;
  console.log(`first: ${error.code}`);
}
await second.execute('delete size');
await second.snapshot();
try {
  await first.snapshot();
} catch (error) {
  if (!(error instanceof FencedError)) throw error;
  console.log(`its snapshot: ${error.code}`);
}

// One that only reads: a snapshot, and the commands behind it.
const replica = await Replica.load(commands, snapshots);
console.log(`a replica has ${replica.shown()}`);

await second.close();
for (const name of names) await namespace.deleteLog(name);
await namespace.close();
