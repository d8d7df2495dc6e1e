// What is appended is what the caller has: of memory that shrank, went, or is of another realm, too.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { InvalidArgumentError } from 'distributed-log';
import { all, failure, payloads, written } from './support.mjs';

test('a getter that shrinks what stands before it has nothing appended', async (t) => {
  const { log, writer } = await written(t);
  const shrinking = {
    resized: (memory) => memory.resize(10),
    emptied: (memory) => memory.resize(0),
    grown: (memory) => memory.resize(3_000),
    detached: (memory) => void structuredClone(memory, { transfer: [memory] }),
  };
  for (const [how, shrink] of Object.entries(shrinking)) {
    for (const append of ['appendMany', 'appendBatch', 'appendRecordSet']) {
      const memory = new ArrayBuffer(2_000, { maxByteLength: 4_000 });
      const getter = { get payload() { return shrink(memory), 'y'; } };
      const error = await failure(writer[append]([new Uint8Array(memory), getter]));
      assert.ok(error instanceof InvalidArgumentError, `${append}, ${how}: ${error.stack}`);
      assert.match(error.message, /^each payload has to be as long as it was/);
    }
    const memory = new ArrayBuffer(2_000, { maxByteLength: 4_000 });
    const options = { get ifLast() { return shrink(memory), undefined; } };
    if (how === 'detached') assert.ok((await failure(writer.append(memory, options))) instanceof InvalidArgumentError);
  }
  assert.equal(await log.count(), 0n);
});

test('a view that says of itself what is not so is refused', async (t) => {
  const { log, writer } = await written(t);
  for (const value of [1, 1.5, 100, 1e9]) {
    const lying = Object.defineProperty(new Uint8Array(4), 'length', { value });
    assert.ok((await failure(writer.appendMany([lying, 'abc']))) instanceof InvalidArgumentError, `${value}`);
  }
  assert.equal(await log.count(), 0n);
});

test('a view of memory that shrank to less is refused as one that was detached', async (t) => {
  const { log, writer } = await written(t);
  const memory = new ArrayBuffer(8, { maxByteLength: 16 });
  const views = [new Uint8Array(memory, 4, 4), new Uint16Array(memory, 4, 2), new DataView(memory, 4, 4)];
  for (const size of [2, 0]) {
    memory.resize(size);
    for (const view of views) {
      for (const call of [writer.append(view), writer.appendMany([view])]) {
        const error = await failure(call);
        assert.ok(error instanceof InvalidArgumentError, error.stack);
        assert.match(error.message, /detached or shrunk/);
      }
    }
  }
  assert.equal(await log.count(), 0n);
  memory.resize(8);
  for (const view of views) await writer.append(view);
  assert.equal((await writer.append(new Uint8Array(memory, 8))).sequenceId, 3n, 'no bytes are a record');
});

test('buffers and views of another realm are bytes', async (t) => {
  const { log, writer } = await written(t);
  for (const made of ['new Uint8Array([97, 98])', 'new Uint8Array([97, 98]).buffer', 'new DataView(new Uint8Array([97, 98]).buffer)']) {
    await writer.append(runInNewContext(made));
    await writer.appendMany([runInNewContext(made)]);
  }
  await writer.append(runInNewContext('new ArrayBuffer(0)'));
  assert.deepEqual(payloads(await all(await log.openReader())), [...Array(6).fill('ab'), '']);
});

test('what is appended by a getter of another append changes nothing of that one', async (t) => {
  const { log, writer } = await written(t);
  const others = [];
  const options = {
    get ifLast() { return others.push(writer.appendMany(['other', 'another'])), undefined; },
    get txid() { return others.push(writer.appendBatch(['one more'])), undefined; },
  };
  const late = { get payload() { return others.push(writer.appendMany(['last'])), 'b'; } };
  // A batch has no txid, and would look whether there is one.
  const { ifLast } = Object.getOwnPropertyDescriptors(options);
  await writer.appendBatch(['aaaaaaaaa', late], Object.defineProperties({}, { ifLast }));
  await writer.appendRecordSet(['ccccccccc', 'd'], options);
  await Promise.all(others);
  const found = payloads(await all(await log.openReader()));
  const expected = ['other', 'another', 'last', 'aaaaaaaaa', 'b', 'one more', 'other', 'another', 'ccccccccc', 'd'];
  assert.deepEqual(found.toSorted(), expected.toSorted());
});

test('what many appends are given is copied at the call, and in order, whether there is room or not', async (t) => {
  for (const inFlightRecords of [1, 3, 10_000]) {
    const { log, writer } = await written(t, 'memory', { inFlightRecords });
    const bytes = Buffer.alloc(400);
    const [calls, expected] = [[], []];
    for (let call = 0; call < 50; call++) {
      // Of each call other bytes, of other lengths, in memory that is then written over.
      const lengths = Array.from({ length: 5 }, (_, at) => (call + 7 * at) % 30);
      bytes.fill(65 + (call % 26));
      calls.push(writer.appendMany(lengths.map((length, at) => bytes.subarray(50 * at, 50 * at + length))));
      expected.push(...lengths.map((length) => String.fromCharCode(65 + (call % 26)).repeat(length)));
      bytes.fill(0);
    }
    const receipts = (await Promise.all(calls)).flat();
    assert.deepEqual(receipts.map(({ sequenceId }) => sequenceId), expected.map((_, at) => BigInt(at)));
    assert.deepEqual(payloads(await all(await log.openReader())), expected);
  }
});

test('many appends end at the first that is refused, also when some had room at once', async (t) => {
  const { log, writer } = await written(t, 'memory', { inFlightRecords: 2 });
  const txids = [1, 2, 3, 4, 3, 5];
  const refused = failure(writer.appendMany(txids.map((txid) => ({ payload: `${txid}`, txid }))));
  const behind = writer.append('behind', { txid: 9 });
  const error = await refused;
  assert.ok(error instanceof InvalidArgumentError, error.stack);
  assert.deepEqual(error.receipts.map(({ txid }) => txid), [1n, 2n, 3n, 4n]);
  assert.equal((await behind).sequenceId, 4n);
  assert.deepEqual(payloads(await all(await log.openReader())), ['1', '2', '3', '4', 'behind']);
});
