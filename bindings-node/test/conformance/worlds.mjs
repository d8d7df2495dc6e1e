// What a case runs in: a namespace that does not exist yet, the processes that use it, and what can happen to them.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fileUri } from 'distributed-log';
import { Agent } from './agent.mjs';
import { Mistake, parse, stringify } from './values.mjs';

const run = promisify(execFile);

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));
const CLUSTER = fileURLToPath(new URL('../../../ci/bookkeeper/cluster', import.meta.url));

/** After this, a call hangs. */
const MOST_TIME = 60_000;

/** Whether file systems may be mounted here, and nobody else sees them. */
const MOUNTS = process.env.DL_MOUNTS !== undefined;

/** The size of a file system that a case can make full. A namespace and its log take some MiB at first. */
const SPACE = 'size=128m';

let counter = 0;

/** A namespace in the memory of this process; each process of a case is a namespace handle of its own. */
export class Memory {
  static driver = 'memory';
  static capabilities = ['nul', 'processes'];
  static durability = 'memory';
  #agents = new Map();
  uri = `memory:case-${process.pid}-${counter++}`;

  static async make() {
    return new Memory();
  }

  async start(name) {
    this.#agents.set(name, new Agent());
  }

  isRunning(name) {
    return this.#agents.has(name);
  }

  call(name, request) {
    const agent = this.#agents.get(name);
    if (agent === undefined) throw new Mistake(`there is no process ${name}`);
    return within(agent.handle(request), `${name} answers`);
  }

  async happen(step) {
    throw new Mistake(`${step.do} cannot be made to happen in memory`);
  }

  async end() {
    for (const { open } of this.#agents.values()) await open.namespace?.close().catch(() => {});
  }
}

/** A child process for each process of a case. */
class Apart {
  #children = new Map();

  async start(name) {
    const child = spawn(process.execPath, [CHILD], { stdio: ['pipe', 'pipe', 'inherit'] });
    // A child that was killed reads nothing more.
    child.stdin.on('error', () => {});
    const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#children.set(name, { child, replies, frozen: false });
  }

  isRunning(name) {
    return this.#children.get(name)?.frozen === false;
  }

  async call(name, request) {
    const { child, replies, frozen } = this.#child(name);
    if (frozen) throw new Mistake(`process ${name} is frozen and does nothing`);
    child.stdin.write(`${stringify(request)}\n`);
    const { value, done } = await within(replies.next(), `${name} answers`);
    if (done) throw new Error(`process ${name} ended`);
    return parse(value);
  }

  async happen(step) {
    switch (step.do) {
      case 'crash':
        await this.#kill(step.process);
        return;
      case 'freeze':
      case 'wake': {
        const known = this.#child(step.process);
        known.frozen = step.do === 'freeze';
        known.child.kill(known.frozen ? 'SIGSTOP' : 'SIGCONT');
        if (known.frozen) await within(stopped(known.child.pid), `${step.process} stops`);
        return;
      }
      default:
        throw new Mistake(`${step.do} cannot be made to happen on the real machine`);
    }
  }

  async end() {
    for (const name of [...this.#children.keys()]) await this.#kill(name);
  }

  #child(name) {
    const known = this.#children.get(name);
    if (known === undefined) throw new Mistake(`there is no process ${name}`);
    return known;
  }

  async #kill(name) {
    const { child } = this.#child(name);
    this.#children.delete(name);
    const gone = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGKILL')) await gone;
  }
}

/** A directory, and a child process for each process of a case. */
export class File extends Apart {
  static driver = 'file';
  static capabilities = ['crash', 'damage', 'directory', ...(MOUNTS ? ['fill'] : []), 'freeze', 'nul', 'persistent', 'processes'];
  /** The folder may be on a memory file system. */
  static durability = { any: ['memory', 'power-loss'] };
  #folder;
  /** Whether it is a file system of the case's own, which it can make full. */
  #mounted = false;

  static async make(needs) {
    const world = new File();
    world.#folder = await mkdtemp(join(tmpdir(), 'dl-case-'));
    world.uri = fileUri(join(world.#folder, 'ns'));
    if (needs.includes('fill')) {
      await run('mount', ['-t', 'tmpfs', '-o', SPACE, 'tmpfs', world.#folder]);
      world.#mounted = true;
    }
    return world;
  }

  async happen(step) {
    switch (step.do) {
      case 'damage':
        return damage(this.#folder, Buffer.from(step.text));
      case 'fill':
        if (!this.#mounted) throw new Mistake('the case does not say that it needs fill');
        return fill(join(this.#folder, 'filler'));
      case 'free':
        return rm(join(this.#folder, 'filler'));
      default:
        return super.happen(step);
    }
  }

  async end() {
    await super.end();
    // It goes with its mount namespace at the latest.
    if (this.#mounted) await run('umount', ['--lazy', this.#folder]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A namespace on the cluster whose folder DL_CLUSTER names, and a child process for each process of a case. */
export class BookKeeper extends Apart {
  static driver = 'bookkeeper';
  static capabilities = ['crash', 'freeze', 'nul', 'persistent', 'processes'];
  static durability = 'replicated';
  #namespace = `/node-${process.pid}-${counter++}`;

  static async make() {
    const world = new BookKeeper();
    const servers = (await cluster('uri')).split('/')[2];
    // A case may write what is wrong behind it.
    world.uri = `distributedlog://${servers}${world.#namespace}?ledgers_path=/ledgers&session_timeout_ms=10s`;
    return world;
  }

  async happen(step) {
    await super.happen(step);
    if (step.do === 'crash') await this.#bury(step.process);
  }

  /** Has the servers notice that a process is gone, which they do by themselves when its session's time is up. */
  async #bury(name) {
    for (const line of (await cluster('sessions')).split('\n')) {
      const [session, ...nodes] = line.split(/\s+/);
      const its = (node) => node.startsWith(`${this.#namespace}/`) && node.includes(`/member_${name}_s`);
      if (nodes.some(its)) await cluster('expire-session', session);
    }
  }
}

/** Has ci/bookkeeper/cluster do something, and answers what it says. */
async function cluster(...command) {
  const told = await run(CLUSTER, ['--dir', process.env.DL_CLUSTER, ...command]);
  return told.stdout;
}

/** Waits until no thread of a process that was told to stop runs any more: the signal alone only says that each will. */
async function stopped(pid) {
  for (;;) {
    const states = await Promise.all((await readdir(`/proc/${pid}/task`)).map((thread) => state(pid, thread)));
    if (states.every((each) => each === 'T')) return;
    await new Promise(setImmediate);
  }
}

/** Of a thread: the letter behind its name, which may hold anything. */
async function state(pid, thread) {
  const status = await readFile(`/proc/${pid}/task/${thread}/stat`, 'latin1').catch(() => ') gone');
  return status[status.lastIndexOf(')') + 2];
}

/** Takes the space that is left, to the last byte. */
async function fill(path) {
  const filler = await open(path, 'w');
  try {
    for (;;) await filler.write(Buffer.alloc(1 << 16));
  } catch (error) {
    if (error.code !== 'ENOSPC') throw error;
  } finally {
    await filler.close();
  }
}

/** Flips a bit at each place where a file holds the text. */
async function damage(folder, text) {
  let damaged = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const content = await readFile(path);
    const file = await open(path, 'r+');
    for (let at = content.indexOf(text); at >= 0; at = content.indexOf(text, at + 1)) {
      await file.write(Buffer.from([content[at] ^ 1]), 0, 1, at);
      damaged++;
    }
    await file.close();
  }
  if (damaged === 0) throw new Mistake(`no file holds ${text}`);
}

async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} not within a minute`)), MOST_TIME);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
