// Appends that wait for room: nobody overtakes them, `flush` waits for them, and one that is given up meanwhile is not appended.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BusyError, CancelledError, ClosedError, SealedError } from 'distributed-log';
import { all, DRIVERS, failure, payloads, written } from './support.mjs';

/** So many records, one in flight at a time, that whatever is called behind them is called long before they have their places. */
const FRONT = Array.from({ length: 20_000 }, (_, number) => `${number}`);

/** A writer on which an append waits for room until so many others went through. */
async function crowded(t, driver = 'memory') {
  const { log, writer } = await written(t, driver, { inFlightRecords: 1 });
  return { log, writer, front: writer.appendMany(driver === 'memory' ? FRONT : FRONT.slice(0, 500)) };
}

/** What a call fails with, if it does. */
const outcome = (call) => call.then(() => undefined, (error) => error);

for (const driver of DRIVERS) {
  test(`an append that is given up before it has a place is not in the log: ${driver}`, async (t) => {
    const { log, writer } = await written(t, driver, { inFlightRecords: 10 });
    const many = driver === 'memory' ? FRONT : FRONT.slice(0, 1_000);
    let txid = 0;
    let tried = 0;
    for (let round = 0; round < 20; round++) {
      // Some are in flight together: when their acknowledgements come there is room for several more at once.
      const first = txid;
      const front = writer.appendMany(many.map((payload) => ({ payload, txid: txid++ })));
      const given = new AbortController();
      const left = Array.from({ length: 5 }, () => failure(writer.append('left', { txid, signal: given.signal })));
      const behind = writer.append('behind', { txid });
      given.abort();
      const waited = (writer.lastTxid ?? -1n) < first + many.length - 11;
      for (const error of await Promise.all(left)) assert.ok(error instanceof CancelledError);
      const last = (await front).at(-1).sequenceId;
      const { sequenceId } = await behind;
      if (!waited) continue;
      assert.equal(sequenceId, last + 1n);
      tried++;
    }
    assert.ok(tried > 0);
  });

  test(`flush waits for appends that wait for room, and for none behind it: ${driver}`, async (t) => {
    const { writer, front } = await crowded(t, driver);
    const told = [];
    const tell = (name) => () => void told.push(name);
    const calls = [front.then(tell('front')), writer.append('a').then(tell('a')), writer.flush().then(tell('flush')), writer.append('b').then(tell('b'))];
    await Promise.all(calls);
    assert.deepEqual(told, ['front', 'a', 'flush', 'b']);
  });
}

test('tryAppend is busy while others wait, and told behind those in front of it', async (t) => {
  const { writer, front } = await crowded(t);
  const tail = writer.append('tail');
  let told = false;
  tail.then(() => (told = true));
  const attempt = () => writer.tryAppend('tried').then(({ sequenceId }) => [sequenceId, told]);
  const tried = [];
  for (let attempts = 0; attempts < 100; attempts++) {
    try {
      tried.push(attempt());
    } catch (error) {
      assert.ok(error instanceof BusyError, error.stack);
    }
  }
  await writer.ready();
  tried.push(attempt());
  assert.equal((await front).length, FRONT.length);
  const { sequenceId } = await tail;
  assert.deepEqual(await Promise.all(tried), tried.map((_, place) => [sequenceId + BigInt(place + 1), true]));
});

test('what tryAppend takes has its place and its turn behind all appends before it', async (t) => {
  const { writer } = await written(t, 'memory', { inFlightRecords: 4 });
  const calls = [];
  const told = [];
  const tell = (receipt) => void told.push(receipt.sequenceId);
  for (let round = 0; round < 1_000; round++) {
    for (let number = 0; number < 6; number++) calls.push(writer.append('a').then(tell));
    for (let number = 0; number < 20; number++) {
      try {
        calls.push(writer.tryAppend('b').then(tell));
      } catch (error) {
        assert.ok(error instanceof BusyError, error.stack);
      }
    }
    if (round % 5 === 0) await new Promise(setImmediate);
  }
  await Promise.all(calls);
  assert.deepEqual(told, told.map((_, place) => BigInt(place)));
});

test('acknowledgements are told in the order of the appends, of whatever kind they are', async (t) => {
  const { writer } = await written(t);
  const told = [];
  const appends = [
    (text) => writer.append(text), (text) => writer.appendMany([text]), (text) => writer.appendBatch([text]),
    (text) => writer.tryAppend(text), (text) => writer.appendRecordSet([text]), () => writer.flush(),
  ];
  for (let round = 0; round < 200; round++) {
    const calls = Array.from({ length: 30 }, (_, number) => appends[(number * 7 + round) % appends.length]);
    await Promise.all(calls.map((append, number) => append('x').then(() => told.push(round * 30 + number))));
  }
  assert.deepEqual(told, told.map((_, place) => place));
});

for (const [verb, error] of [['close', ClosedError], ['seal', SealedError]]) {
  test(`${verb} refuses appends that wait for room, and is told behind them`, async (t) => {
    const { log, writer, front } = await crowded(t);
    const told = [];
    for (const text of ['a', 'b']) writer.append(text).then(() => told.push(undefined), (error) => told.push(error));
    const first = outcome(front);
    await writer[verb]();
    assert.equal(told.length, 2);
    for (const each of [await first, ...told]) assert.ok(each === undefined || each instanceof error, each?.stack);
    const found = payloads(await all(await log.openReader()));
    assert.deepEqual(found, [...FRONT, 'a', 'b'].slice(0, found.length));
  });

  test(`behind a flush, ${verb} loses nothing`, async (t) => {
    const { log, writer, front } = await crowded(t);
    const tail = writer.append('tail');
    await writer.flush();
    await writer[verb]();
    await Promise.all([front, tail]);
    assert.equal(await log.count(), BigInt(FRONT.length + 1));
  });
}

test('abort fails all that waits, whatever it is', async (t) => {
  const { writer, front } = await crowded(t);
  const calls = [front, writer.append('a'), writer.flush(), writer.ready(), writer.append('b')].map(outcome);
  writer.abort();
  // Those in front may just have ended.
  for (const ended of await Promise.all(calls)) assert.ok(ended === undefined || ended instanceof ClosedError, ended?.stack);
  assert.throws(() => writer.tryAppend('x'), ClosedError);
});
