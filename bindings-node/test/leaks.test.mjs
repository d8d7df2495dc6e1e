// Opening, appending, reading and closing, over and over, leaves nothing behind: DL_NODE_CALLS says how often (ci/soak node).

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { LockedError, Namespace } from 'distributed-log';
import { DRIVERS, open, place } from './support.mjs';

const CALLS = Number(process.env.DL_NODE_CALLS ?? 4_000);

/** Calls of a round, and rounds for which a namespace stays open. */
const OF_ROUND = 12;
const ROUNDS = 20;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

/** What the process has: open files, threads, and kilobytes of memory, besides what the heap of JavaScript has set aside. */
async function held() {
  for (let round = 0; round < 5; round++) {
    await turn();
    gc();
  }
  const status = readFileSync('/proc/self/status', 'utf8');
  const { heapTotal, heapUsed } = process.memoryUsage();
  return {
    files: readdirSync('/proc/self/fd').length,
    threads: Number(/^Threads:\s+(\d+)/m.exec(status)[1]),
    kilobytes: Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]) - (heapTotal - heapUsed) / 1024),
  };
}

async function round(namespace, number) {
  const log = namespace.log(`log-${number % 3}`);
  const writer = await log.openWriter({ createLog: true, rollBytes: '1KiB' });
  const receipt = await writer.append(`record ${number}`);
  await writer.appendMany(['a', 'b', 'c']);
  await writer.appendBatch(['d', 'e']);
  const reader = await log.openReader({ from: receipt.dlsn });
  assert.equal(`${(await reader.next()).payload}`, `record ${number}`);
  await reader.nextBatch();
  const follower = await log.openReader({ from: 'latest', follow: true });
  const given = new AbortController();
  const waiting = follower.next({ signal: given.signal });
  given.abort();
  await waiting.catch(() => {});
  await follower.close();
  await writer.truncate(receipt.dlsn);
  // One in four is left to the collector.
  if (number % 4 !== 0) await reader.close();
  if (number % 4 !== 1) await writer.close();
}

async function rounds(uri, count) {
  for (let number = 0; number < count; ) {
    const namespace = await Namespace.open(uri, { unsafeFilesystem: true, journalBytes: '4MiB' });
    for (const end = Math.min(count, number + ROUNDS); number < end; number++) await round(namespace, number);
    await namespace.close();
  }
}

for (const driver of DRIVERS) {
  test(`${CALLS} calls leak nothing: ${driver}`, async (t) => {
    const uri = await place(t, driver);
    // What is made once is there then.
    await rounds(uri, 60);
    const before = await held();
    const began = performance.now();
    await rounds(uri, Math.ceil(CALLS / OF_ROUND));
    const took = performance.now() - began;
    const after = await held();
    t.diagnostic(`${JSON.stringify(before)} before, ${JSON.stringify(after)} after, in ${Math.round(took)} ms`);
    assert.ok(after.files <= before.files, 'files');
    assert.ok(after.threads <= before.threads, 'threads');
    // Allocators breathe; 3 KB lost in each of 4,000 calls would be seen, and 40 bytes in each of a million.
    assert.ok(after.kilobytes <= before.kilobytes + 12_000 + CALLS * 0.028, 'memory');
  });
}

for (const kind of ['openWriter', 'openByteWriter']) {
  test(`who waits for a writer to be cut off does not keep it: ${kind}`, async (t) => {
    const alive = setInterval(() => {}, 1_000);
    t.after(() => clearInterval(alive));
    const log = (await open(t)).log('a');
    const wait = async () => ({ told: (await log[kind]({ createLog: true })).fenced() });
    const { told } = await wait();
    let next;
    for (let round = 0; round < 20 && next === undefined; round++) {
      await held();
      next = await log[kind]({ takeover: 'never' }).catch((error) => assert.ok(error instanceof LockedError, error.stack));
    }
    assert.notEqual(next, undefined, 'the log is let go of');
    assert.equal((await told).code, 'closed');
  });
}

test('a thread that ends before it took what its calls opened leaves nothing of it', async () => {
  const worker = async () => {
    const [code] = await once(new Worker(new URL('programs/untaken.mjs', import.meta.url)), 'exit');
    assert.equal(code, 0);
  };
  for (let round = 0; round < 4; round++) await worker();
  const before = await held();
  for (let round = 0; round < 12; round++) await worker();
  const after = await held();
  assert.ok(after.files <= before.files, 'files');
  // It was 4 MB for each.
  assert.ok(after.kilobytes <= before.kilobytes + 16_000, `${before.kilobytes} kB before, ${after.kilobytes} after`);
});
