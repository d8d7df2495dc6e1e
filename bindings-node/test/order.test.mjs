// Calls of one reader that are made at once are served in the order in which they were made, and giving one up moves no other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelledError, ClosedError } from 'distributed-log';
import { failure, open, payloads, written } from './support.mjs';

/** A stream of two chunks. */
async function chunks(t) {
  const log = (await open(t)).log('bytes');
  const writer = await log.openByteWriter({ createLog: true });
  for (const chunk of ['abcd', 'efgh']) {
    await writer.write(chunk);
    await writer.flush();
  }
  return { log, writer };
}

const texts = async (reads) => (await Promise.all(reads)).map(String);

test('reads of bytes at once get what is next, each of them', async (t) => {
  const { log } = await chunks(t);
  const reader = await log.openByteReader();
  const reads = [reader.read(1), reader.read(2), reader.nextChunk(), reader.read(3), reader.read(9), reader.read(9)];
  assert.deepEqual(await texts(reads), ['a', 'bc', 'd', 'efg', 'h', 'undefined']);
  assert.equal(reader.position, 8n);
  assert.equal(reader.end, 'end');
});

test('loops over the chunks of one reader share them', async (t) => {
  const { log } = await chunks(t);
  const reader = await log.openByteReader();
  assert.equal(`${await reader.read(1)}`, 'a');
  const found = [];
  const loop = async () => {
    for await (const chunk of reader.chunks()) found.push(chunk.toString());
  };
  await Promise.all([loop(), loop()]);
  assert.deepEqual(found, ['bcd', 'efgh']);
});

test('a seek comes behind the reads before it and in front of those behind it', async (t) => {
  const { log } = await chunks(t);
  for (const early of [false, true]) {
    const reader = await log.openByteReader();
    if (early) assert.equal(`${await reader.read(1)}`, 'a');
    const first = reader.read(1);
    const calls = [first, reader.seek(6), reader.read(1), reader.seek(2n), reader.read(9), reader.read(2)];
    assert.deepEqual(await texts(calls), [early ? 'b' : 'a', 'undefined', 'g', 'undefined', 'cd', 'ef']);
    assert.equal(reader.position, 6n);
  }
});

test('a read that is given up in line leaves its bytes to the next one', async (t) => {
  const { log, writer } = await chunks(t);
  const reader = await log.openByteReader({ follow: true });
  const given = new AbortController();
  const lost = failure(reader.read(2, { signal: given.signal }));
  const kept = reader.read(3);
  given.abort();
  assert.ok((await lost) instanceof CancelledError);
  assert.deepEqual(await texts([kept, reader.read(9), reader.read(9)]), ['abc', 'd', 'efgh']);
  const [waiting, sought] = [reader.read(1), new AbortController()];
  const seek = failure(reader.seek(0, { signal: sought.signal }));
  sought.abort();
  const error = await seek;
  assert.ok(error instanceof CancelledError && !error.mayHaveTakenEffect, error.stack);
  await writer.write('x');
  await writer.flush();
  assert.equal(`${await waiting}`, 'x');
  assert.equal(reader.position, 9n);
});

test('wherever a seek is given up, the next bytes are those at the position', async (t) => {
  const { log } = await chunks(t);
  const reader = await log.openByteReader({ follow: true });
  const late = [(abort) => abort(), (abort) => queueMicrotask(abort), (abort) => setImmediate(abort), (abort) => process.nextTick(abort)];
  for (let round = 0; round < 400; round++) {
    const [to, given] = [(round * 5) % 7, new AbortController()];
    const sought = reader.seek(to, { signal: given.signal }).then(() => undefined, (error) => error);
    late[round % late.length](() => given.abort());
    const error = await sought;
    const { position } = reader;
    assert.ok(error === undefined || error instanceof CancelledError, error?.stack);
    if (error === undefined) assert.equal(position, BigInt(to));
    for (const from of [position, position + 1n]) {
      if (from === 8n) await reader.seek(0);
      const at = reader.position;
      assert.equal(`${await reader.read(1)}`, 'abcdefgh'[Number(at)], `round ${round}, at ${at}`);
    }
  }
});

test('closing a reader of bytes ends every call in line', async (t) => {
  const { log } = await chunks(t);
  const reader = await log.openByteReader({ follow: true });
  assert.equal(`${await reader.read(1)}`, 'a');
  await reader.nextChunk();
  await reader.nextChunk();
  const calls = [reader.read(1), reader.seek(0), reader.read(1)].map(failure);
  await reader.close();
  for (const call of calls) assert.ok((await call) instanceof ClosedError);
  assert.ok((await failure(reader.seek(0))) instanceof ClosedError);
  assert.equal(reader.position, 8n, 'where the next byte would have been');
});

for (const locked of [false, true]) {
  test(`batches at once come in order, also behind one that was given up: ${locked ? 'locked' : 'not locked'}`, async (t) => {
    const { log, writer } = await written(t);
    const expected = Array.from({ length: 3_000 }, (_, number) => `${number}`);
    await writer.appendMany(expected);
    const reader = await log.openReader(locked ? { cursor: 'c', locked } : {});
    const found = [];
    while (found.length < expected.length) {
      const given = new AbortController();
      const lost = reader.nextBatch({ max: 10, signal: given.signal }).catch(() => []);
      given.abort();
      found.push(...payloads(await lost));
      const batches = await Promise.all([reader.nextBatch({ max: 3 }), reader.nextBatch({ max: 3 }), reader.next().then((record) => record ? [record] : [])]);
      found.push(...payloads(batches.flat()));
    }
    assert.deepEqual(found, expected);
  });
}
