// Appending: receipts, order, batches, conditions, room.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BusyError,
  ConditionFailedError,
  Dlsn,
  FencedError,
  InvalidArgumentError,
  SealedError,
  TooLargeError,
} from 'distributed-log';
import { all, DRIVERS, failure, payloads, written } from './support.mjs';

for (const driver of DRIVERS) {
  test(`an append resolves with the receipt of a record that is there: ${driver}`, async (t) => {
    const { log, writer } = await written(t, driver);
    const receipt = await writer.append('one', { txid: 7 });
    assert.equal(receipt.dlsn.toString(), '1:0:0');
    assert.equal(receipt.txid, 7n);
    assert.equal(receipt.sequenceId, 0n);
    assert.equal(receipt.duplicate, false);
    assert.match(receipt.durability, driver === 'memory' ? /^memory$/ : /^(memory|power-loss)$/);
    assert.deepEqual(writer.lastDlsn, receipt.dlsn);
    assert.equal(writer.lastTxid, 7n);
    const [record] = await all(await log.openReader());
    assert.deepEqual([record.dlsn, record.txid, record.sequenceId], [receipt.dlsn, 7n, 0n]);
    assert.equal(record.payload.toString(), 'one');
  });

  test(`thousands of appends in flight are settled in order: ${driver}`, async (t) => {
    const { log, writer } = await written(t, driver);
    const settled = [];
    const appends = Array.from({ length: 12_000 }, (_, number) =>
      writer.append(`record ${number}`).then((receipt) => settled.push(receipt)),
    );
    await Promise.all(appends);
    assert.deepEqual(
      settled.map(({ sequenceId }) => sequenceId),
      settled.map((_, place) => BigInt(place)),
    );
    assert.equal(await log.count(), 12_000n);
  });

  test(`many appends in one call have a receipt each: ${driver}`, async (t) => {
    const { log, writer } = await written(t, driver);
    const records = Array.from({ length: 11_000 }, (_, number) => ({ payload: `record ${number}`, txid: number }));
    const receipts = await writer.appendMany(records);
    assert.equal(receipts.length, 11_000);
    assert.deepEqual(receipts.at(-1).txid, 10_999n);
    assert.deepEqual(payloads(await all(await log.openReader())).at(10_999), 'record 10999');
  });
}

test('payloads are Buffers, views, ArrayBuffers and strings, and are copied at the call', async (t) => {
  const { log, writer } = await written(t);
  const bytes = Buffer.from('bytes');
  const appended = writer.append(bytes);
  bytes.fill(0);
  await appended;
  await writer.append(new Uint16Array([1, 2]));
  await writer.append(new Uint8Array([3, 4]).buffer);
  await writer.append('ü');
  await writer.append('');
  const found = (await all(await log.openReader())).map(({ payload }) => payload);
  const expected = [Buffer.from('bytes'), Buffer.from([1, 0, 2, 0]), Buffer.from([3, 4]), Buffer.from('ü'), Buffer.alloc(0)];
  assert.deepEqual(found, expected);
  for (const nothing of [7, null, undefined, {}, { payload: 7 }, ['a']]) {
    assert.ok((await failure(writer.append(nothing))) instanceof InvalidArgumentError);
  }
});

test('txids are numbers of 64 bits', async (t) => {
  const { writer } = await written(t);
  assert.equal((await writer.append('a', { txid: 2n ** 63n - 2n })).txid, 2n ** 63n - 2n);
  for (const txid of [2n ** 63n - 1n, 2n ** 64n, -1, -(2n ** 63n), 1.5, Number.MAX_VALUE, NaN]) {
    assert.ok((await failure(writer.append('b', { txid }))) instanceof InvalidArgumentError, `${txid}`);
    assert.ok((await failure(writer.appendMany([{ payload: 'b', txid }]))) instanceof InvalidArgumentError, `${txid}`);
  }
});

test('a batch is all or nothing, in one entry', async (t) => {
  const { log, writer } = await written(t);
  const receipts = await writer.appendBatch(['a', { payload: 'b', txid: 2n ** 60n }]);
  assert.deepEqual(receipts.map(({ dlsn }) => dlsn.toString()), ['1:0:0', '1:0:1']);
  assert.ok((await failure(writer.appendBatch(['c', { payload: 'd', txid: 1 }]))) instanceof InvalidArgumentError);
  assert.ok((await failure(writer.appendBatch([Buffer.alloc(600_000), Buffer.alloc(600_000)]))) instanceof TooLargeError);
  assert.deepEqual(payloads(await all(await log.openReader())), ['a', 'b']);
});

test('a record set is unpacked, unless a reader wants it whole', async (t) => {
  const { log, writer } = await written(t);
  const receipts = await writer.appendRecordSet(['a', 'b', 'c'], { txid: 5, compression: 'lz4' });
  assert.deepEqual(receipts.map(({ dlsn }) => dlsn.toString()), ['1:0:0', '1:0:1', '1:0:2']);
  assert.deepEqual(payloads(await all(await log.openReader())), ['a', 'b', 'c']);
  const [whole] = await all(await log.openReader({ wholeRecordSets: true }));
  assert.equal(whole.recordSet, true);
});

test('a condition says what the log has to end with', async (t) => {
  const { writer } = await written(t);
  const first = await writer.append('first', { ifLast: null });
  const error = await failure(writer.append('x', { ifLast: null }));
  assert.ok(error instanceof ConditionFailedError);
  assert.deepEqual(error.dlsn, first.dlsn);
  const second = await writer.append('second', { ifLast: first.dlsn });
  assert.ok((await failure(writer.append('x', { ifLast: first.dlsn.toString() }))) instanceof ConditionFailedError);
  assert.equal((await writer.append('third', { ifLast: second.dlsn })).sequenceId, 2n);
});

test('without room tryAppend is busy at once, and ready waits for it', async (t) => {
  const { writer } = await written(t, 'file', { inFlightRecords: 2 });
  const taken = [];
  const refusal = await failure((async () => {
    for (;;) taken.push(writer.tryAppend('x'));
  })());
  assert.ok(refusal instanceof BusyError);
  assert.ok(refusal.retryable);
  await writer.ready();
  await writer.tryAppend('y');
  assert.equal((await Promise.all(taken)).length, taken.length);
});

test('a fenced writer says by whom, to all who wait', async (t) => {
  const { log, writer } = await written(t);
  await writer.append('one');
  const told = writer.fenced();
  // Waiting for that alone keeps no process alive.
  const alive = setInterval(() => {}, 1_000);
  t.after(() => clearInterval(alive));
  const later = await log.openWriter();
  assert.ok((await told) instanceof FencedError);
  const error = await failure(writer.append('two'));
  assert.ok(error instanceof FencedError);
  assert.equal(error.log, 'a');
  assert.equal(typeof error.owner, 'string');
  assert.equal(error.retryable, false);
  assert.equal((await later.append('two')).sequenceId, 1n);
});

test('an error of many appends has the receipts of those that were acknowledged', async (t) => {
  const { log, writer } = await written(t);
  const error = await failure(writer.appendMany([{ payload: 'a', txid: 5 }, { payload: 'b', txid: 4 }, { payload: 'c', txid: 6 }]));
  assert.ok(error instanceof InvalidArgumentError);
  assert.deepEqual(error.receipts.map(({ txid }) => txid), [5n]);
  assert.deepEqual(payloads(await all(await log.openReader())), ['a']);
});

test('a sealed log takes nothing more', async (t) => {
  const { log, writer } = await written(t);
  await writer.append('last');
  await writer.seal();
  assert.ok((await failure(writer.append('x'))) instanceof SealedError);
  const reader = await log.openReader({ follow: true });
  assert.deepEqual(payloads(await all(reader)), ['last']);
  assert.equal(reader.end, 'sealed');
});

test('truncation frees what lies below', async (t) => {
  const { log, writer } = await written(t);
  const receipts = await writer.appendMany(['a', 'b', 'c']);
  const point = await writer.truncate(receipts[2].dlsn);
  assert.equal(point.compare(receipts[2].dlsn), 0);
  const error = await failure(log.openReader({ from: Dlsn.FIRST }));
  assert.equal(error.code, 'truncated');
  assert.deepEqual(error.dlsn, receipts[2].dlsn);
  assert.deepEqual(payloads(await all(await log.openReader({ from: Dlsn.FIRST, onTruncated: 'skip' }))), ['c']);
});

test('what no append or record has is refused, and not left out', async (t) => {
  const { log, writer } = await written(t);
  const ifLast = '9:9:9';
  const calls = [
    () => writer.append('x', { if_last: ifLast }),
    () => writer.append({ payload: 'x', ifLast }),
    () => writer.append({ payload: 'x', tx_id: 1 }),
    () => writer.appendMany(['x'], { ifLast }),
    () => writer.appendMany(['x', { payload: 'x', ifLast }]),
    () => writer.appendBatch(['x'], { ifLast: null, txid: 1 }),
    () => writer.appendBatch([{ payload: 'x', ifLast }]),
    () => writer.appendRecordSet(['x'], { Compression: 'lz4' }),
    async () => writer.tryAppend('x', { ifLast }),
    async () => writer.tryAppend({ payload: 'x', ifLast }),
    () => log.setOptions({ signal: new AbortController().signal }),
  ];
  for (const call of calls) {
    const error = await failure(call()).catch(() => assert.fail(`${call}: not refused`));
    assert.ok(error instanceof InvalidArgumentError, `${call}: ${error.stack}`);
    assert.match(error.message, /^there is no (option|field) of .* "(if_last|ifLast|tx_id|txid|Compression|signal)"; there are \w+/, `${call}`);
  }
  assert.equal(await log.count(), 0n);
  const error = await failure(writer.append({ payload: 'x', ['y'.repeat(1_000)]: 1 }));
  assert.equal(error.message, 'there is no field of a record of 1000 characters; there are payload, txid');
  // One that was read has more than one that is made.
  await writer.append({ payload: 'x', txid: 7n });
  const [record] = await all(await log.openReader());
  await writer.append(record);
  await writer.appendMany([record]);
  assert.deepEqual((await all(await log.openReader())).map(({ txid }) => txid), [7n, 7n, 7n]);
});

test("the log has to be empty: null or 'empty'", async (t) => {
  const { writer } = await written(t);
  for (const ifLast of ['none', 'Empty', '1:x']) {
    const error = await failure(writer.append('x', { ifLast }));
    assert.ok(error instanceof InvalidArgumentError);
    assert.match(error.message, /is not a DLSN; write segment:entry:slot .*, or 'empty' or null for an empty log$/);
    assert.equal(error.operation, 'append');
  }
  await writer.append('first', { ifLast: 'empty' });
  for (const ifLast of ['empty', null]) {
    assert.ok((await failure(writer.append('x', { ifLast }))) instanceof ConditionFailedError);
    assert.ok((await failure(writer.appendBatch(['x'], { ifLast }))) instanceof ConditionFailedError);
    assert.ok((await failure(writer.appendRecordSet(['x'], { ifLast }))) instanceof ConditionFailedError);
  }
});

test('half a surrogate pair is no text to append', async (t) => {
  const { namespace, log, writer } = await written(t);
  const calls = [
    (text) => writer.append(text),
    (text) => writer.append({ payload: text }),
    async (text) => writer.tryAppend(text),
    (text) => writer.appendMany(['a', text]),
    (text) => writer.appendBatch([{ payload: text }]),
    (text) => writer.appendRecordSet([text]),
    (text) => log.setUserMetadata(text),
  ];
  for (const call of calls) {
    for (const text of ['\ud800x', 'x\udc00', '\udc00\ud800']) {
      const error = await failure(call(text)).catch(() => assert.fail(`${call}: not refused`));
      assert.ok(error instanceof InvalidArgumentError, `${call}: ${error.stack}`);
      assert.match(error.message, /^(the payload|each payload|data) has half a surrogate pair, which is no text$/);
    }
  }
  const bytes = await namespace.log('b').openByteWriter({ createLog: true });
  assert.ok((await failure(bytes.write('\ud800x'))) instanceof InvalidArgumentError);
  await writer.append('\ud83d\ude00');
  assert.deepEqual(payloads(await all(await log.openReader())), ['\ud83d\ude00']);
});
