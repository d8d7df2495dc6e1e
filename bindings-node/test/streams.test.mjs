// Streams of node:stream, byte streams, cursors and watchers.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { ClosedError, FencedError, LockedError, Reader } from 'distributed-log';
import { all, DRIVERS, failure, open, payloads, written } from './support.mjs';

for (const driver of DRIVERS) {
  test(`records go through streams, both ways: ${driver}`, async (t) => {
    const { namespace, log, writer } = await written(t, driver);
    const records = Array.from({ length: 3_000 }, (_, txid) => ({ payload: `${txid}`, txid }));
    await pipeline(Readable.from(records), writer.stream());
    assert.equal((await log.info()).inProgress, false, 'the writer is closed');
    const copy = await namespace.log('copy').openWriter({ createLog: true });
    const reader = await log.openReader();
    const texts = async function* (source) {
      for await (const { payload, txid } of source) yield { payload, txid };
    };
    await pipeline(reader.stream(), texts, copy.stream({ highWaterMark: 10 }));
    const found = await all(await namespace.log('copy').openReader());
    assert.deepEqual(found.map(({ txid }) => Number(txid)), records.map(({ txid }) => txid));
    assert.ok((await failure(reader.next())) instanceof ClosedError);
  });
}

test('a stream into a log honours highWaterMark', async (t) => {
  const { writer } = await written(t, 'file');
  const stream = writer.stream({ highWaterMark: 4 });
  const room = ['a', 'b', 'c', 'd', 'e'].map((text) => stream.write(text));
  assert.equal(room.at(-1), false);
  await once(stream, 'drain');
  assert.equal(stream.writableLength, 0);
  assert.notEqual(writer.lastDlsn, undefined);
  stream.end();
  await once(stream, 'finish');
});

test('a stream fails with what the writer fails with, and gives the writer up', async (t) => {
  const { log, writer } = await written(t);
  const stream = writer.stream();
  await new Promise((done) => stream.write('a', done));
  const later = await log.openWriter();
  stream.write('b');
  const [error] = await once(stream, 'error');
  assert.ok(error instanceof FencedError);
  await later.append('c');
  assert.deepEqual(payloads(await all(await log.openReader())), ['a', 'c']);
});

for (const kind of ['openWriter', 'openByteWriter']) {
  test(`text that goes into a stream with an encoding is the bytes that it stands for: ${kind}`, async (t) => {
    const log = (await open(t)).log('a');
    const stream = (await log[kind]({ createLog: true })).stream();
    stream.write('6162', 'hex');
    for (const [text, encoding] of [['Y2Q=', 'base64'], ['\u00ff', 'latin1'], ['\u00e4', 'UTF-8'], ['\u00e4', undefined]]) stream.write(text, encoding);
    stream.end('e', 'ucs2');
    await once(stream, 'finish');
    const bytes = (await all(await log.openReader())).map(({ payload }) => payload);
    assert.equal(Buffer.concat(bytes).toString('hex'), '61626364' + 'ff' + 'c3a4c3a4' + '6500');
  });
}

/** Bytes that go when this is called. */
const leave = (bytes) => structuredClone(bytes.buffer, { transfer: [bytes.buffer] });

for (const kind of ['openWriter', 'openByteWriter']) {
  for (const [what, wrong, then] of [['half a character', () => '\ud800', () => {}], ['bytes that are gone', () => new Uint8Array(3), leave]]) {
    test(`a chunk that cannot be written is the error of its stream: ${kind}, ${what}`, async (t) => {
      const namespace = await open(t);
      // By itself, and with another one that is written at once.
      for (const others of [[], ['b']]) {
        const stream = (await namespace.log('a')[kind]({ createLog: true })).stream();
        const failed = once(stream, 'error');
        const chunk = wrong();
        // It stands in line behind the first.
        for (const each of ['a', chunk, ...others]) stream.write(each);
        then(chunk);
        const [error] = await failed;
        assert.equal(error.code, 'invalid-argument', error.stack);
        assert.ok(stream.destroyed);
      }
    });
  }
}

test('a stream that is destroyed closes its reader and aborts its writer', async (t) => {
  const { log, writer } = await written(t);
  const reader = await log.openReader({ follow: true });
  const stream = reader.stream();
  stream.once('data', () => {});
  await writer.append('a');
  await once(stream, 'data');
  stream.destroy();
  await once(stream, 'close');
  assert.ok((await failure(reader.next())) instanceof ClosedError);
  const into = writer.stream();
  into.destroy();
  await once(into, 'close');
  assert.ok((await failure(writer.append('b'))) instanceof ClosedError);
});

for (const driver of DRIVERS) {
  test(`bytes are written, followed, sought and streamed: ${driver}`, async (t) => {
    const namespace = await open(t, driver);
    const log = namespace.log('bytes');
    const whole = Buffer.from(Array.from({ length: 2_500_000 }, (_, place) => (place * 131 + (place >> 8)) & 255));
    const writer = await log.openByteWriter({ createLog: true });
    assert.equal(await writer.write(whole.subarray(0, 10)), 10n);
    await pipeline(Readable.from([whole.subarray(10, 2_000_000), whole.subarray(2_000_000)]), writer.stream());
    assert.equal(writer.position, 2_500_000n);
    const reader = await log.openByteReader();
    assert.deepEqual(await reader.read(7), whole.subarray(0, 7));
    assert.deepEqual([reader.position, reader.end], [7n, undefined]);
    await reader.seek(2_499_990n);
    assert.deepEqual(await reader.read(4), whole.subarray(-10, -6));
    assert.deepEqual(await reader.read(100), whole.subarray(-6));
    assert.equal(await reader.read(1), undefined);
    assert.equal(reader.end, 'end');
    await reader.seek(0);
    assert.equal(reader.end, undefined);
    assert.ok(whole.equals(await buffer(reader.stream())));
  });
}

test('a following byte reader is woken, sought away and closed', async (t) => {
  const namespace = await open(t);
  const log = namespace.log('bytes');
  const writer = await log.openByteWriter({ createLog: true });
  const reader = await log.openByteReader({ follow: true });
  const waiting = reader.nextChunk();
  await writer.write('abc');
  assert.equal((await waiting).toString(), 'abc');
  const given = new AbortController();
  const stuck = reader.nextChunk({ signal: given.signal });
  given.abort();
  assert.equal((await failure(stuck)).code, 'cancelled');
  await writer.write('def');
  assert.equal((await reader.read(2)).toString(), 'de');
  assert.equal((await reader.read(2)).toString(), 'f');
  const last = reader.nextChunk();
  const [failed] = await Promise.allSettled([last, reader.close()]);
  assert.ok(failed.reason instanceof ClosedError);
  assert.ok((await failure(reader.nextChunk())) instanceof ClosedError);
  writer.abort();
  assert.ok((await failure(writer.write('x'))) instanceof ClosedError);
});

test('a read of no bytes waits for none', async (t) => {
  const log = (await open(t)).log('bytes');
  const writer = await log.openByteWriter({ createLog: true });
  const reader = await log.openByteReader({ follow: true });
  const nothing = Buffer.alloc(0);
  assert.deepEqual(await reader.read(0), nothing);
  await writer.write('abc');
  await writer.seal();
  assert.deepEqual(await reader.read(0), nothing);
  assert.equal((await reader.read(9)).toString(), 'abc');
  assert.equal(await reader.read(9), undefined);
  assert.deepEqual([await reader.read(0), reader.position, reader.end], [nothing, 3n, 'sealed']);
  await reader.close();
  const error = await failure(reader.read(0));
  assert.ok(error instanceof ClosedError);
  assert.equal(error.operation, 'read');
});

test('a cursor is kept, and a locked reader has it alone', async (t) => {
  const { log, writer } = await written(t, 'file');
  const receipts = await writer.appendMany(['a', 'b', 'c']);
  const cursor = await log.cursor('work');
  assert.equal(await cursor.position(), undefined);
  const first = await log.openReader({ cursor: 'work', locked: true });
  assert.equal((await first.next()).payload.toString(), 'a');
  assert.ok((await failure(cursor.advance(receipts[0].dlsn))) instanceof LockedError);
  assert.deepEqual(await first.cursor.advance(receipts[0].dlsn), receipts[0].dlsn);
  const second = await log.openReader({ cursor: 'work', locked: true });
  assert.equal((await second.next()).payload.toString(), 'b');
  assert.ok((await failure(first.next())) instanceof FencedError);
  assert.ok((await failure(first.cursor.advance(receipts[1].dlsn))) instanceof FencedError);
  await second.close();
  const [info] = await log.cursors();
  assert.deepEqual([info.name, info.position, info.owner], ['work', receipts[0].dlsn, undefined]);
  await cursor.reset('1:0:0');
  await cursor.delete();
  assert.deepEqual(await log.cursors(), []);
});

test('what was fetched and not taken goes with the lock and the namespace', async (t) => {
  const { namespace, log, writer } = await written(t);
  await writer.appendMany(['a', 'b', 'c']);
  const first = await log.openReader({ cursor: 'work', locked: true });
  const given = new AbortController();
  const left = failure(first.nextBatch({ max: 3, signal: given.signal }));
  given.abort();
  await left;
  // Of the fetch that nobody waits for, the others are here now.
  assert.equal((await first.next()).payload.toString(), 'a');
  await log.openReader({ cursor: 'work', locked: true });
  assert.ok((await failure(first.next())) instanceof FencedError);
  assert.ok((await failure(first.nextBatch())) instanceof FencedError);

  const reader = await log.openReader();
  assert.equal((await reader.next()).payload.toString(), 'a');
  const records = (await log.openReader())[Symbol.asyncIterator]();
  await records.next();
  const stream = namespace.log('stream');
  const into = await stream.openByteWriter({ createLog: true });
  await into.write('abc');
  await into.close();
  const bytes = await stream.openByteReader();
  assert.equal((await bytes.read(1)).toString(), 'a');
  await writer.close();
  await namespace.close();
  const calls = [reader.next(), reader.nextBatch(), records.next(), bytes.read(1)];
  for (const failed of await Promise.all(calls.map(failure))) assert.ok(failed instanceof ClosedError);
});

test('watchers tell of logs and segments as they change', async (t) => {
  const { namespace, log, writer } = await written(t);
  const logs = await namespace.watchLogs();
  assert.deepEqual([await logs.next(), await logs.next()], [{ created: 'a' }, { listed: true }]);
  const next = logs.next();
  await namespace.createLog('b');
  assert.deepEqual(await next, { created: 'b' });
  await namespace.deleteLog('b');
  for await (const change of logs) {
    assert.deepEqual(change, { deleted: 'b' });
    break;
  }
  const segments = await log.watchSegments();
  assert.deepEqual(await segments.next(), await log.segments());
  const changed = segments.next();
  await writer.append('x');
  await writer.close();
  assert.equal((await changed).length, 1);
  const given = new AbortController();
  const stuck = logs.next({ signal: given.signal });
  given.abort();
  assert.equal((await failure(stuck)).code, 'cancelled');
});

test('a watcher that is closed ends what waits on it', async (t) => {
  const { namespace, log } = await written(t);
  const [logs, segments] = [await namespace.watchLogs(), await log.watchSegments()];
  for (const [watcher, before] of [[logs, 2], [segments, 1]]) {
    for (let told = 0; told < before; told++) await watcher.next();
    const waiting = [watcher.next(), watcher.changes().next(), watcher.unref().next()].map(failure);
    await watcher.close();
    for (const error of [...(await Promise.all(waiting)), await failure(watcher.next()), await failure(watcher[Symbol.asyncIterator]().next())]) {
      assert.ok(error instanceof ClosedError, error.stack);
      assert.deepEqual([error.operation, error.message], ['next', 'the watcher was closed; watch anew']);
    }
    await Promise.all([watcher.close(), watcher[Symbol.asyncDispose]()]);
    const given = AbortSignal.abort();
    assert.equal((await failure(watcher.close({ signal: given }))).code, 'cancelled');
  }
  const left = await namespace.watchLogs();
  await namespace.close();
  await left.close();
});

test('a watcher that is closed with a change that nobody took tells it to nobody', async (t) => {
  const namespace = await open(t);
  const watcher = await namespace.watchLogs();
  await watcher.next();
  const given = new AbortController();
  const left = failure(watcher.next({ signal: given.signal }));
  given.abort();
  assert.equal((await left).code, 'cancelled');
  await namespace.createLog('a');
  const next = failure(watcher.next());
  const closed = watcher.close();
  assert.ok((await next) instanceof ClosedError);
  await closed;
  assert.ok((await failure(watcher.next())) instanceof ClosedError);
});

test('logs are listed by pages and all at once', async (t) => {
  const namespace = await open(t);
  for (const name of ['eu/a', 'eu/b', 'us/a']) await namespace.createLog(name);
  assert.deepEqual(await namespace.listLogs({ prefix: 'eu', limit: 1 }), ['eu/a']);
  assert.deepEqual(await namespace.listLogs({ after: 'eu/a' }), ['eu/b', 'us/a']);
  const names = [];
  for await (const name of namespace.logs()) names.push(name);
  assert.deepEqual(names, ['eu/a', 'eu/b', 'us/a']);
  assert.match(await namespace.metrics(), /^# HELP dl_/m);
  assert.equal(await namespace.logExists('us/b'), false);
  await namespace.renameLog('us/a', 'us/b');
  assert.equal(await namespace.logExists('us/b'), true);
});

const USE = {
  openWriter: (writer) => writer.append('x'),
  openByteWriter: async (writer) => {
    await writer.write('x');
    await writer.flush();
  },
};

for (const [kind, use] of Object.entries(USE)) {
  test(`await using closes, and hides no error behind one of closing: ${kind}`, async (t) => {
    const log = (await open(t)).log('a');
    const writer = await log[kind]({ createLog: true });
    await log[kind]();
    assert.ok((await failure(use(writer))) instanceof FencedError);
    await writer[Symbol.asyncDispose]();
    const other = await log[kind]();
    await log[kind]();
    assert.ok((await failure(other[Symbol.asyncDispose]())) instanceof FencedError);
    const ended = await log[kind]();
    ended.abort();
    await ended[Symbol.asyncDispose]();
    const reader = await log.openReader();
    assert.ok(reader instanceof Reader);
    await reader[Symbol.asyncDispose]();
    assert.ok((await failure(reader.next())) instanceof ClosedError);
  });

  test(`what a writer that was aborted says: ${kind}`, async (t) => {
    const log = (await open(t)).log('a');
    const writer = await log[kind]({ createLog: true });
    writer.abort();
    const calls = { [kind === 'openWriter' ? 'append' : 'write']: ['x'], flush: [], seal: [], close: [] };
    for (const [operation, passed] of Object.entries(calls)) {
      const error = await failure(writer[operation](...passed));
      assert.ok(error instanceof ClosedError);
      assert.deepEqual([error.operation, error.log, error.mayHaveTakenEffect], [operation, 'a', false]);
    }
    assert.equal((await writer.fenced()).code, 'closed');
  });
}

test('a byte writer says how far it is, however its calls end', async (t) => {
  const log = (await open(t)).log('a');
  const writer = await log.openByteWriter({ createLog: true });
  assert.equal(writer.position, 0n);
  const given = new AbortController();
  const write = failure(writer.write(Buffer.alloc(8 << 20), given));
  given.abort();
  assert.equal((await write).code, 'cancelled');
  const { position } = writer;
  assert.ok(position > 0n);
  await writer.flush();
  assert.equal(writer.position, position);
  assert.equal((await log.openByteReader({ from: 'latest' })).position, position);
  assert.equal(await writer.write('x'), position + 1n);
  await writer.close();
  assert.equal(writer.position, position + 1n);
});
