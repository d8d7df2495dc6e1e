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
