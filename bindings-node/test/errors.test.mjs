// Errors: classes, fields, and arguments that cannot be right.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import * as package_ from 'distributed-log';
import { DlError, Dlsn, fileUri, InvalidArgumentError, Namespace, NotFoundError, UnsupportedError } from 'distributed-log';
import { failure, open, written } from './support.mjs';

const KINDS = [
  'invalid-argument', 'not-found', 'already-exists', 'fenced', 'sealed', 'truncated', 'condition-failed', 'too-large',
  'closed', 'cancelled', 'timeout', 'unavailable', 'storage-full', 'corrupt', 'permission-denied', 'unauthenticated',
  'quota-exceeded', 'unsupported', 'locked', 'internal', 'busy',
];

test('there is a class for each kind, with its number', () => {
  for (const [place, kind] of KINDS.entries()) {
    const name = `${kind.split('-').map((word) => word[0].toUpperCase() + word.slice(1)).join('')}Error`;
    const error = new package_[name](kind, 'text');
    assert.ok(error instanceof DlError && error instanceof Error);
    assert.deepEqual([error.kind, error.code, error.number], [kind, kind, place + 1]);
    assert.equal(error.name, kind === 'cancelled' ? 'AbortError' : name);
    assert.match(error.stack, new RegExp(kind === 'cancelled' ? 'text' : name));
  }
});

test('the guide names each class as it is', async () => {
  const guide = await readFile(new URL('../../docs/guide/errors.md', import.meta.url), 'utf8');
  const rows = [...guide.matchAll(/^\| `([a-z-]+)` \| `ErrorKind::.* \| `(\w+)` \|$/gm)].map(([, kind, name]) => [kind, name]);
  assert.deepEqual(rows.map(([kind]) => kind), KINDS);
  for (const [kind, name] of rows) assert.equal(new package_[name](kind, 'text').constructor.name, name);
  const classes = Object.keys(package_).filter((name) => package_[name].prototype instanceof DlError);
  assert.deepEqual(classes.sort(), rows.map(([, name]) => name).sort());
});

test('an error says what happened to what', async (t) => {
  const namespace = await open(t);
  const error = await failure(namespace.openLog('missing'));
  assert.ok(error instanceof NotFoundError);
  assert.deepEqual([error.log, error.number, error.retryable, error.mayHaveTakenEffect], ['missing', 2, false, false]);
  assert.deepEqual([error.context.log, error.operation], ['missing', 'open_log']);
  const long = await failure(Namespace.open('x'.repeat(4_000_000)));
  assert.ok(long instanceof InvalidArgumentError && long.message.length < 2_100 && long.context.uri.length <= 4_096);
  assert.equal(long.operation, 'open');
});

test('an error names the call that was made, whatever that one calls', async (t) => {
  const log = (await open(t)).log('missing');
  for (const [operation, call] of Object.entries({
    open_writer: () => log.openWriter(),
    open_reader: () => log.openReader(),
    open_byte_writer: () => log.openByteWriter(),
    open_byte_reader: () => log.openByteReader(),
    first_record: () => log.firstRecord(),
    last_record: () => log.lastRecord(),
    truncate: () => log.truncate('1:0:0'),
    count: () => log.count(),
  }))
    assert.equal((await failure(call())).operation, operation);
});

test('an error about an argument names the call', async (t) => {
  const { log, writer } = await written(t);
  const cursor = await log.cursor('c');
  const record = { payload: 'x', txid: -1 };
  for (const [operation, call] of [
    ['append', () => writer.append(record)],
    ['append', () => writer.append('x', { ifLast: '1:2' })],
    ['try_append', () => writer.tryAppend(record)],
    ['append_many', () => writer.appendMany([record])],
    ['append_batch', () => writer.appendBatch([record])],
    ['append_batch', () => writer.appendBatch(['x'], { ifLast: '1:2' })],
    ['append_record_set', () => writer.appendRecordSet(['x'], { txid: -1 })],
    ['append_record_set', () => writer.appendRecordSet(['x'], { compression: 'zip' })],
    ['append_record_set', () => writer.appendRecordSet(['x'], { ifLast: '1:2' })],
    ['truncate', () => writer.truncate('1:2')],
    ['truncate', () => log.truncate('1:2')],
    ['dlsn_at_txid', () => log.dlsnAtTxid(-1)],
    ['count_between', () => log.count({ until: '1:2' })],
    ['advance', () => cursor.advance('1:2')],
    ['reset', () => cursor.reset('1:2')],
  ]) {
    const error = await failure((async () => call())());
    assert.ok(error instanceof InvalidArgumentError, error.stack);
    assert.equal(error.operation, operation, error.message);
  }
});

test('arguments of the wrong type are refused, whatever they are', async (t) => {
  const { namespace, log, writer } = await written(t);
  await writer.append('a');
  const reader = await log.openReader({ cursor: 'c' });
  const wrong = [undefined, null, 7, 7n, true, Symbol('s'), {}, [], () => {}];
  const calls = {
    createLog: (value) => namespace.createLog(value),
    openLog: (value) => namespace.openLog(value),
    renameLog: (value) => namespace.renameLog('a', value),
    cursor: (value) => log.cursor(value),
    truncate: (value) => log.truncate(value),
    truncateOfWriter: (value) => writer.truncate(value),
    advance: (value) => reader.cursor.advance(value),
    setUserMetadata: (value) => log.setUserMetadata(value),
    appendBatch: (value) => writer.appendBatch(value),
    appendMany: (value) => writer.appendMany([value]),
  };
  for (const [name, call] of Object.entries(calls)) {
    for (const value of wrong) {
      if (name === 'appendBatch' && Array.isArray(value)) continue;
      const error = await failure((async () => call(value))());
      assert.ok(error instanceof InvalidArgumentError, `${name} ${String(value)}: ${error.stack}`);
    }
  }
  for (const signal of [null, 7, 'x', {}]) {
    const waiting = [log.info({ signal }), log.openReader({ signal }), reader.nextBatch({ signal }), writer.flush({ signal })];
    for (const error of await Promise.all(waiting.map(failure))) assert.ok(error instanceof InvalidArgumentError, error.stack);
  }
  for (const txid of ['7', null, {}, true]) {
    assert.ok((await failure(log.dlsnAtTxid(txid))) instanceof InvalidArgumentError, String(txid));
  }
  assert.equal((await writer.append('b')).sequenceId, 1n);
});

test('URIs, options and positions are checked by the core', async (t) => {
  assert.ok((await failure(Namespace.open('nonsense'))) instanceof InvalidArgumentError);
  assert.ok((await failure(Namespace.open('dl://host:1/'))) instanceof UnsupportedError);
  const error = await failure(Namespace.open('memory:x', { inFlightBytes: 1 }));
  assert.equal(error.context.option, 'inFlightBytes');
  assert.ok((await failure(Namespace.open('memory:x', { noSuch: 1 }))) instanceof InvalidArgumentError);
  const { log } = await written(t);
  for (const options of [{ count: 1.5 }, { from: {} }, { from: null }, { count: -1 }, { until: 'x' }, { follow: 'yes' }]) {
    assert.ok((await failure(log.openReader(options))) instanceof InvalidArgumentError, JSON.stringify(options));
  }
  for (const text of ['', '1', '1:2', '1:2:3:4', 'a:b:c', '1:2:9223372036854775808', ' 1:2:3', '+1:2:3']) {
    assert.throws(() => Dlsn.parse(text), InvalidArgumentError);
  }
  assert.throws(() => fileUri('relative'), InvalidArgumentError);
  assert.equal(fileUri('/tmp/a b'), 'file:///tmp/a%20b');
});

test('what is wrong with an option is said of the name that it has here', async (t) => {
  const { namespace, log } = await written(t);
  const wrong = [
    ['inFlightBytes', '5', (options) => Namespace.open('memory:x', options)],
    ['journalBytes', 'journal_bytes', (options) => Namespace.verify('memory:x', options)],
    ['slowSyncMs', '-1', (options) => Namespace.inspect('memory:x', options)],
    ['createLog', 'maybe', (options) => log.openWriter(options)],
    ['rollBytes', 5, (options) => log.openByteWriter(options)],
    ['readAheadBytes', '1GiB', (options) => log.openReader(options)],
    ['onTruncated', 'on_truncated', (options) => log.openByteReader(options)],
    ['retentionMs', 0, (options) => log.setOptions(options)],
  ];
  for (const [name, value, call] of wrong) {
    const error = await failure(call({ [name]: value }));
    assert.ok(error instanceof InvalidArgumentError, error.stack);
    assert.equal(error.context.option, name);
    assert.ok(error.message.startsWith(`the option ${name} `), error.message);
    assert.equal(error.message.includes('_'), `${value}`.includes('_'), `${error.message}: the value is as it was`);
  }
  const quorums = await failure(log.setOptions({ ensembleSize: 3, writeQuorum: 5 }));
  assert.deepEqual([quorums.message, quorums.context.option], ['the option writeQuorum is 5, and ensembleSize is only 3', 'writeQuorum']);
  assert.equal(quorums.operation, 'set_options');
  // In a URI they are spelled as everywhere.
  const uri = await failure(Namespace.open('memory:x?in_flight_bytes=5', { journalBytes: '4MiB' }));
  assert.deepEqual([uri.context.option, uri.message.split(' ')[2]], ['in_flight_bytes', 'in_flight_bytes']);
  await namespace.close();
});

test('positions are compared, shown and read back', () => {
  const positions = ['1:0:0', '1:0:1', '1:1:0', '2:0:0', '10:0:0', '9223372036854775807:0:-1'].map(Dlsn.parse);
  assert.deepEqual([...positions].reverse().sort(Dlsn.compare), positions);
  assert.equal(JSON.stringify(positions[1]), '"1:0:1"');
  assert.ok(positions[0].equals(Dlsn.FIRST) && !positions[0].equals(positions[1]));
  assert.equal(positions[0].next().toString(), '1:0:1');
});

test('options kept with a log come back as values', async (t) => {
  const { log } = await written(t);
  await log.setOptions({ rollBytes: '1MiB', retentionMs: 90_000, compression: 'lz4', explicitTruncation: true });
  const { rollBytes, retentionMs, compression, explicitTruncation, rollMs } = await log.options();
  assert.deepEqual([rollBytes, retentionMs, compression, explicitTruncation, rollMs], [2 ** 20, 90_000, 'lz4', true, 7_200_000]);
  await log.setOptions(await log.options());
  await log.setUserMetadata('mine');
  assert.equal((await log.userMetadata()).toString(), 'mine');
});
