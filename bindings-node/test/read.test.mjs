// Reading: iteration, batches, positions, following, giving up.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { CancelledError, ClosedError } from 'distributed-log';
import { all, DRIVERS, failure, payloads, written } from './support.mjs';

for (const driver of DRIVERS) {
  test(`records come in order, by one and in batches: ${driver}`, async (t) => {
    const { log, writer } = await written(t, driver);
    await writer.appendMany(Array.from({ length: 5_000 }, (_, number) => `${number}`));
    const expected = Array.from({ length: 5_000 }, (_, number) => `${number}`);
    assert.deepEqual(payloads(await all(await log.openReader())), expected);
    const reader = await log.openReader();
    const found = [];
    for (let batch = await reader.nextBatch({ max: 700 }); batch.length > 0; batch = await reader.nextBatch({ max: 700 })) {
      assert.ok(batch.length <= 700);
      found.push(...payloads(batch));
    }
    assert.deepEqual(found, expected);
    assert.equal(reader.end, 'end');
    assert.deepEqual(await reader.nextBatch(), []);
    assert.equal(await reader.next(), undefined);
  });

  test(`a following reader gets what is appended while it waits: ${driver}`, async (t) => {
    const { log, writer } = await written(t, driver);
    const reader = await log.openReader({ follow: true });
    const waiting = [reader.next(), reader.next(), reader.nextBatch({ max: 2 })];
    for (const text of ['a', 'b', 'c']) await writer.append(text);
    const [first, second, batch] = await Promise.all(waiting);
    assert.deepEqual(payloads([first, second, ...batch]), ['a', 'b', 'c']);
  });
}

test('the position is that of the next record, also of those that are here already', async (t) => {
  const { log, writer } = await written(t);
  const receipts = await writer.appendMany(['a', 'b', 'c']);
  const reader = await log.openReader();
  assert.deepEqual(reader.position, receipts[0].dlsn);
  for (const receipt of receipts) {
    assert.ok(reader.position.compare(receipt.dlsn) <= 0);
    assert.equal(reader.end, undefined);
    assert.deepEqual((await reader.next()).dlsn, receipt.dlsn);
  }
  assert.ok(reader.position.compare(receipts[2].dlsn) > 0);
});

test('readers start where they are told', async (t) => {
  const { log, writer } = await written(t);
  const [, second] = await writer.appendMany([1, 2, 3].map((txid) => ({ payload: `${txid}`, txid })));
  const from = async (options) => payloads(await all(await log.openReader(options)));
  assert.deepEqual(await from({ from: { txid: 2 } }), ['2', '3']);
  assert.deepEqual(await from({ from: 'txid:3' }), ['3']);
  assert.deepEqual(await from({ from: 'latest' }), []);
  assert.deepEqual(await from({ from: second.dlsn }), ['2', '3']);
  assert.deepEqual(await from({ count: 2 }), ['1', '2']);
  assert.deepEqual(await from({ until: second.dlsn.toString() }), ['1', '2']);
});

test('a loop that is left can be gone on with', async (t) => {
  const { log, writer } = await written(t);
  await writer.appendMany(['a', 'b', 'c']);
  const reader = await log.openReader();
  for await (const { payload } of reader) if (`${payload}` === 'a') break;
  assert.deepEqual(payloads(await all(reader)), ['b', 'c']);
});

test('giving a read up loses no record', async (t) => {
  const { log, writer } = await written(t);
  const reader = await log.openReader({ follow: true });
  for (let round = 0; round < 50; round++) {
    const given = new AbortController();
    const waits = [reader.next({ signal: given.signal }), reader.nextBatch({ signal: given.signal })];
    const appended = writer.append(`${round}`);
    if (round % 2 === 0) await appended;
    given.abort(new Error('enough'));
    const settled = await Promise.allSettled(waits);
    await appended;
    const got = settled.flatMap(({ value }) => value ?? []);
    for (const { reason } of settled.filter(({ status }) => status === 'rejected')) {
      assert.ok(reason instanceof CancelledError);
      assert.equal(reason.name, 'AbortError');
      assert.equal(reason.cause.message, 'enough');
    }
    if (got.length === 0) got.push(await reader.next());
    assert.deepEqual(payloads(got), [`${round}`]);
  }
});

test('a signal that was given before stops the call', async (t) => {
  const { log, writer } = await written(t);
  await writer.append('a');
  const reader = await log.openReader();
  const signal = AbortSignal.abort();
  for (const call of [
    () => reader.next({ signal }),
    () => reader.nextBatch({ signal }),
    () => writer.append('b', { signal }),
    () => writer.flush({ signal }),
    () => log.openReader({ signal }),
    () => log.info({ signal }),
  ]) {
    assert.equal((await failure(call())).code, 'cancelled');
  }
  assert.deepEqual(payloads(await all(reader)), ['a']);
});

test('a batch that waits comes back empty when its time is up', async (t) => {
  const { log, writer } = await written(t);
  const reader = await log.openReader({ follow: true });
  assert.deepEqual(await reader.nextBatch({ waitMs: 5 }), []);
  assert.deepEqual(await reader.nextBatch({ waitMs: 0 }), []);
  await writer.append('a');
  assert.deepEqual(payloads(await reader.nextBatch({ waitMs: 60_000 })), ['a']);
  await writer.append('b');
  assert.deepEqual(payloads(await reader.nextBatch({ waitMs: 0 })), ['b']);
});

test('a batch whose time was up before the event loop had its turn brings what was there', async (t) => {
  const { log, writer } = await written(t);
  await writer.append('a');
  const reader = await log.openReader({ follow: true });
  // Timers are next then, before what the native half has to say.
  await new Promise(setImmediate);
  const until = performance.now() + 20;
  const batch = reader.nextBatch({ waitMs: 2 });
  while (performance.now() < until);
  assert.deepEqual(payloads(await batch), ['a']);
});

test('what is appended before the end is met is read, wherever the pieces end in which it is fetched', async (t) => {
  for (const count of [256, 512, 600]) {
    const { log, writer } = await written(t);
    await writer.appendMany(Array.from({ length: count }, (_, number) => `${number}`));
    const [one, many] = [await log.openReader(), await log.openReader()];
    for (let number = 0; number < count; number++) assert.equal((await one.next()).payload.toString(), `${number}`);
    assert.equal((await many.nextBatch({ max: 10_000, waitMs: 0 })).length, count);
    assert.deepEqual([one.end, many.end], [undefined, undefined]);
    await writer.append('late');
    for (const reader of [one, many]) {
      assert.deepEqual(payloads(await reader.nextBatch()), ['late']);
      assert.equal(await reader.next(), undefined);
      assert.equal(reader.end, 'end');
    }
  }
});

test('who comes behind one that was given up is not told that there was nothing before', async (t) => {
  const { log, writer } = await written(t);
  const reader = await log.openReader({ follow: true });
  for (let round = 0; round < 300; round++) {
    const given = new AbortController();
    const left = reader.nextBatch({ waitMs: 0, signal: given.signal }).catch(() => []);
    const late = writer.append(`${round}`).then(() => reader.nextBatch({ waitMs: 0 }));
    // So that the first one has its answer, which nobody has looked at when it is given up, and the append has its own.
    const until = performance.now() + (round % 10) / 10;
    while (performance.now() < until);
    given.abort();
    assert.deepEqual(payloads([...(await left), ...(await late)]), [`${round}`]);
  }
});

test('a reader that was read ahead of its caller has not ended before the caller', async (t) => {
  const { log, writer } = await written(t);
  await writer.appendMany(Array.from({ length: 4_000 }, () => 'before'));
  const reader = await log.openReader();
  const found = (await reader.nextBatch({ max: 1_000 })).length + (await reader.nextBatch({ max: 1_000 })).length;
  assert.equal(found, 2_000);
  // Whatever was read ahead until now, this is in the log before its end is looked for.
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  await writer.append('behind');
  const rest = payloads(await all(reader));
  assert.deepEqual([rest.length, rest.at(-1), reader.end], [2_001, 'behind', 'end']);
});

test('who reads on and on lets others have their turn', async (t) => {
  const { log, writer } = await written(t);
  const many = Array.from({ length: 1_000 }, () => Buffer.alloc(100));
  for (let batch = 0; batch < 100; batch++) await writer.appendBatch(many);
  let [turns, count] = [0, 0];
  let other = setImmediate(function turn() {
    turns++;
    other = setImmediate(turn);
  });
  const reader = await log.openReader();
  const before = turns;
  for await (const { payload } of reader) count += payload.length / 100;
  clearImmediate(other);
  assert.equal(count, 100_000);
  assert.ok(turns - before >= 10, `${turns - before} turns`);
});

test('what is longer than a timer takes is waited for', async (t) => {
  const { log, writer } = await written(t);
  const reader = await log.openReader({ follow: true });
  const waits = [2 ** 31 - 1, 2 ** 31 - 0.5, 2 ** 31, 1e300, Infinity].map((waitMs) => reader.nextBatch({ max: 1, waitMs }));
  // Timers that overflow are over in a millisecond.
  assert.deepEqual(await (await log.openReader({ follow: true })).nextBatch({ waitMs: 20 }), []);
  await writer.appendMany(['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(payloads((await Promise.all(waits)).flat()), ['a', 'b', 'c', 'd', 'e']);
});

test('closing settles who waits', async (t) => {
  const { log, writer } = await written(t);
  const reader = await log.openReader({ follow: true });
  const waits = [reader.next(), reader.next(), reader.nextBatch()];
  await reader.close();
  for (const wait of waits) assert.ok((await failure(wait)) instanceof ClosedError);
  await writer.append('a');
  assert.ok((await failure(reader.next())) instanceof ClosedError);
  await reader.close();
});

test('payloads of a batch are views of one memory, and stay', async (t) => {
  const { log, writer } = await written(t);
  await writer.appendMany(['a', 'b']);
  const [one, other] = await all(await log.openReader());
  assert.equal(one.payload.buffer, other.payload.buffer);
  assert.equal(one.payload, one.payload);
  assert.deepEqual(JSON.parse(JSON.stringify(one)).payload, 'YQ==');
});

test('each record says what it is, wherever it lies among those that were read together, and when it is asked late', async (t) => {
  const { log, writer } = await written(t);
  let txid = 2n ** 40n;
  const receipts = [];
  for (let round = 0; round < 20; round++) {
    // In one entry: with the same txid, with another, with the next; then alone, with a payload of nothing, and a set.
    const batch = [0, 0, 0, 5, 1, 1].map((more, at) => ({ payload: `${round}.${at}`, txid: (txid += BigInt(more)) }));
    receipts.push(...(await writer.appendBatch(batch)), await writer.append({ payload: '', txid }));
    receipts.push(...(await writer.appendRecordSet(['x', 'y'], { txid })), await writer.append({ payload: 'z', txid }));
  }
  const facts = ({ dlsn, txid, sequenceId }) => [`${dlsn}`, txid, sequenceId];
  const kept = await (await log.openReader()).nextBatch({ max: 1_000 });
  assert.deepEqual(kept.map(facts), receipts.map(facts));
  const wholes = await (await log.openReader({ wholeRecordSets: true })).nextBatch({ max: 1_000 });
  assert.deepEqual(wholes.map(({ recordSet }) => recordSet), Array.from({ length: 180 }, (_, at) => at % 9 === 7));
  const others = receipts.filter((_, at) => at % 10 !== 8);
  assert.deepEqual(wholes.map(({ dlsn }) => `${dlsn}`), others.map(({ dlsn }) => `${dlsn}`));
  for (let at = 0; at < 200; at++) await (await log.openReader()).nextBatch({ max: 1_000 });
  const expected = [0, 1, 2, 3, 4, 5].map((at) => `7.${at}`).concat('', 'x', 'y', 'z');
  assert.deepEqual(payloads(kept.slice(70, 80)), expected);
  assert.deepEqual(kept.map(facts), receipts.map(facts));
});

test('records read together survive a transfer of their memory, or say that it is gone', async (t) => {
  const { log, writer } = await written(t);
  await writer.appendMany(['first', 'second', 'third']);
  const read = async () => (await log.openReader()).nextBatch();
  const [first, second, third] = await read();
  const { buffer } = first.payload;
  try {
    structuredClone(buffer, { transfer: [buffer] });
  } catch (error) {
    assert.equal(error.name, 'DataCloneError');
  }
  assert.deepEqual([first, second, third].map(({ payload }) => payload.toString()), ['first', 'second', 'third']);

  setFlagsFromString('--allow-natives-syntax');
  const detach = runInThisContext('(buffer) => %ArrayBufferDetach(buffer)');
  const [one, other] = await read();
  assert.equal(one.payload.toString(), 'first');
  detach(one.payload.buffer);
  for (const record of [one, other]) assert.throws(() => record.payload, ClosedError);
  assert.equal(`${other.dlsn}`, `${second.dlsn}`);
});

test('what is fetched ahead is bounded by bytes', async (t) => {
  const { log, writer } = await written(t);
  for (let at = 0; at < 64; at++) await writer.append(Buffer.alloc(100_000, at));
  for (const [readAheadBytes, most] of [['64KiB', 200_000], ['1MiB', 2 ** 20 + 100_000]]) {
    const reader = await log.openReader({ readAheadBytes });
    let count = 0;
    for await (const { payload } of reader) {
      assert.deepEqual([payload.length, payload[0]], [100_000, count++]);
      assert.ok(payload.buffer.byteLength <= most, `${payload.buffer.byteLength} bytes at once`);
    }
    assert.equal(count, 64);
  }
});

test('a batch of nothing, behind one that was given up, takes nothing with it', async (t) => {
  const { log, writer } = await written(t, 'file');
  const expected = Array.from({ length: 3_000 }, (_, number) => `${number}`);
  await writer.appendMany(expected);
  for (let turns = 0; turns < 40; turns++) {
    const reader = await log.openReader({ readAheadBytes: '64KiB' });
    const given = new AbortController();
    const batch = reader.nextBatch({ max: 10_000, signal: given.signal }).catch((error) => {
      assert.ok(error instanceof CancelledError);
      return [];
    });
    for (let turn = 0; turn < turns; turn++) await nextTurn();
    given.abort();
    assert.deepEqual(await reader.nextBatch({ max: 0 }), []);
    assert.deepEqual([...payloads(await batch), ...payloads(await all(reader))], expected, `after ${turns} turns`);
    await reader.close();
  }
});

test('who does not wait is answered, also behind one that was given up while the next batch was made ready', async (t) => {
  const { log, writer } = await written(t);
  const expected = Array.from({ length: 5_000 }, (_, number) => `${number}`);
  await writer.appendMany(expected);
  for (let turns = 0; turns < 40; turns++) {
    const reader = await log.openReader({ follow: true });
    const found = payloads(await reader.nextBatch({ max: 2_000 }));
    while (found.length < expected.length) found.push(...payloads(await reader.nextBatch({ max: 2_000 })));
    const given = new AbortController();
    const waiting = failure(reader.nextBatch({ max: 2_000, signal: given.signal }));
    for (let turn = 0; turn < turns % 4; turn++) await nextTurn();
    given.abort();
    assert.deepEqual(await reader.nextBatch({ max: 2_000, waitMs: 0 }), []);
    assert.ok((await waiting) instanceof CancelledError);
    assert.deepEqual(found, expected);
    await reader.close();
  }
});
