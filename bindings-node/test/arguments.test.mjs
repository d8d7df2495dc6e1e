// Every method of every class, with arguments of every wrong kind: each is refused as `invalid-argument`, says which it was,
// and leaves the handle as it was.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as package_ from 'distributed-log';
import { Dlsn, fileUri, InvalidArgumentError, Namespace } from 'distributed-log';
import { failure, open } from './support.mjs';

const detached = new ArrayBuffer(8);
const view = new Uint8Array(detached);
const data = new DataView(detached);
structuredClone(detached, { transfer: [detached] });

/** What JavaScript may pass, by names for messages. */
const VALUES = {
  undefined: undefined,
  null: null,
  number: 7,
  negative: -1,
  fraction: 1.5,
  NaN: NaN,
  infinite: -Infinity,
  huge: 2 ** 60,
  bigint: 7n,
  'huge bigint': 2n ** 70n,
  'negative bigint': -1n,
  true: true,
  empty: '',
  text: 'text',
  'half a pair': 'a\ud800',
  symbol: Symbol('s'),
  object: {},
  bare: Object.create(null),
  array: [],
  nested: [[]],
  function: () => {},
  date: new Date(),
  'detached buffer': detached,
  'view of a detached buffer': view,
  'data view of a detached buffer': data,
};

/** Objects of any class have no options in them: as right as empty ones. */
const OBJECTS = ['object', 'bare', 'date', 'detached buffer', 'view of a detached buffer', 'data view of a detached buffer'];

/** Of each kind of argument: those values that are right, or right as far as anybody can tell at the call. */
const RIGHT = {
  uri: [],
  name: ['text'],
  prefix: ['undefined', 'empty', 'text'],
  optionalName: ['undefined', 'text'],
  position: [],
  optionalPosition: ['undefined'],
  expectation: ['undefined', 'null'], // and the text 'empty'
  txid: ['number', 'bigint'],
  optionalTxid: ['undefined', 'number', 'bigint'],
  payload: ['empty', 'text'],
  record: ['empty', 'text'],
  records: ['array'],
  max: ['number', 'huge'],
  optionalMax: ['undefined', 'number', 'huge'],
  milliseconds: ['undefined', 'number', 'fraction', 'huge'],
  flag: ['undefined', 'true'],
  listener: ['undefined', 'function'],
  signal: ['undefined'],
  options: ['undefined', ...OBJECTS],
  someOptions: OBJECTS,
  compression: ['undefined'],
};

const waiting = { signal: 'signal' };

/** Calls with their arguments: a value that is right, and its kind; of options, the kinds of what they hold. */
const table = ({ namespace, log, writer, reader, bytesIn, bytesOut, cursor, logs, segments }) => ({
  Namespace: {
    'static open': [Namespace, ['memory:arguments', 'uri'], [{}, 'options', { ...waiting, onEvent: 'listener' }]],
    'static verify': [Namespace, ['memory:arguments', 'uri'], [{}, 'options', { ...waiting, log: 'optionalName' }]],
    'static inspect': [Namespace, ['memory:arguments', 'uri'], [{}, 'options', waiting]],
    createLog: [namespace, ['b', 'name'], [{}, 'options', waiting]],
    openLog: [namespace, ['a', 'name'], [{}, 'options', waiting]],
    log: [namespace, ['a', 'name']],
    logExists: [namespace, ['a', 'name'], [{}, 'options', waiting]],
    deleteLog: [namespace, ['none', 'name'], [{}, 'options', waiting]],
    renameLog: [namespace, ['none', 'name'], ['other', 'name'], [{}, 'options', waiting]],
    listLogs: [namespace, [{}, 'options', { ...waiting, prefix: 'prefix', after: 'optionalName', limit: 'optionalMax' }]],
    logs: [namespace, [{}, 'options', { ...waiting, prefix: 'prefix', after: 'optionalName' }]],
    watchLogs: [namespace, ['', 'prefix'], [{}, 'options', waiting]],
    metrics: [namespace, [{}, 'options', { ...waiting, byLog: 'flag' }]],
    close: [namespace, [{}, 'options', waiting]],
  },
  Log: {
    openWriter: [log, [{}, 'options', waiting]],
    openReader: [log, [{}, 'options', waiting]],
    openByteWriter: [log, [{}, 'options', waiting]],
    openByteReader: [log, [{}, 'options', waiting]],
    info: [log, [{}, 'options', waiting]],
    segments: [log, [{}, 'options', waiting]],
    watchSegments: [log, [{}, 'options', waiting]],
    truncate: [log, [Dlsn.FIRST, 'position'], [{}, 'options', waiting]],
    dlsnAtTxid: [log, [1, 'txid'], [{}, 'options', waiting]],
    firstRecord: [log, [{}, 'options', waiting]],
    lastRecord: [log, [{}, 'options', waiting]],
    count: [log, [{}, 'options', { ...waiting, from: 'optionalPosition', until: 'optionalPosition' }]],
    recover: [log, [{}, 'options', waiting]],
    applyRetention: [log, [{}, 'options', waiting]],
    options: [log, [{}, 'options', waiting]],
    setOptions: [log, [{}, 'someOptions'], [{}, 'options', waiting]],
    cursor: [log, ['c', 'name'], [{}, 'options', waiting]],
    cursors: [log, [{}, 'options', waiting]],
    userMetadata: [log, [{}, 'options', waiting]],
    setUserMetadata: [log, ['mine', 'payload'], [{}, 'options', waiting]],
  },
  Writer: {
    append: [writer, ['x', 'record'], [{}, 'options', { ...waiting, txid: 'optionalTxid', ifLast: 'expectation' }]],
    tryAppend: [writer, ['x', 'record'], [{}, 'options', { ...waiting, txid: 'optionalTxid' }]],
    appendMany: [writer, [['x'], 'records'], [{}, 'options', waiting]],
    appendBatch: [writer, [['x'], 'records'], [{}, 'options', { ...waiting, ifLast: 'expectation' }]],
    appendRecordSet: [
      writer,
      [['x'], 'records'],
      [{}, 'options', { ...waiting, txid: 'optionalTxid', ifLast: 'expectation', compression: 'compression' }],
    ],
    ready: [writer, [{}, 'options', waiting]],
    flush: [writer, [{}, 'options', waiting]],
    truncate: [writer, ['1:0:0', 'position'], [{}, 'options', waiting]],
    seal: [writer, [{}, 'options', waiting]],
    close: [writer, [{}, 'options', waiting]],
    fenced: [writer, [{}, 'options', waiting]],
    stream: [writer, [{}, 'options']],
    abort: [writer],
  },
  Reader: {
    next: [reader, [{}, 'options', waiting]],
    nextBatch: [reader, [{}, 'options', { ...waiting, max: 'optionalMax', waitMs: 'milliseconds' }]],
    records: [reader, [{}, 'options', waiting]],
    stream: [reader, [{}, 'options']],
    close: [reader, [{}, 'options', waiting]],
    ref: [reader],
    unref: [reader],
  },
  ByteWriter: {
    write: [bytesIn, ['x', 'payload'], [{}, 'options', waiting]],
    flush: [bytesIn, [{}, 'options', waiting]],
    seal: [bytesIn, [{}, 'options', waiting]],
    close: [bytesIn, [{}, 'options', waiting]],
    fenced: [bytesIn, [{}, 'options', waiting]],
    stream: [bytesIn, [{}, 'options']],
    abort: [bytesIn],
  },
  ByteReader: {
    read: [bytesOut, [1, 'max'], [{}, 'options', waiting]],
    nextChunk: [bytesOut, [{}, 'options', waiting]],
    chunks: [bytesOut, [{}, 'options', waiting]],
    seek: [bytesOut, [0, 'txid'], [{}, 'options', waiting]],
    stream: [bytesOut, [{}, 'options']],
    close: [bytesOut, [{}, 'options', waiting]],
    ref: [bytesOut],
    unref: [bytesOut],
  },
  Cursor: {
    position: [cursor, [{}, 'options', waiting]],
    advance: [cursor, [Dlsn.FIRST, 'position'], [{}, 'options', waiting]],
    reset: [cursor, [Dlsn.FIRST, 'position'], [{}, 'options', waiting]],
    delete: [cursor, [{}, 'options', waiting]],
  },
  LogWatcher: watcher(logs),
  SegmentWatcher: watcher(segments),
  Dlsn: {
    'static parse': [Dlsn, ['1:0:0', 'position']],
    'static compare': [Dlsn, [Dlsn.FIRST, 'position'], [Dlsn.FIRST, 'position']],
    compare: [Dlsn.FIRST, [Dlsn.FIRST, 'position']],
    equals: [Dlsn.FIRST, [Dlsn.FIRST, 'position']],
    next: [Dlsn.FIRST],
    toJSON: [Dlsn.FIRST],
    toString: [Dlsn.FIRST],
  },
});

const watcher = (handle) => ({
  next: [handle, [{}, 'options', waiting]],
  changes: [handle, [{}, 'options', waiting]],
  close: [handle, [{}, 'options', waiting]],
  ref: [handle],
  unref: [handle],
});

/** The methods of a class, as the table calls them. */
function methods(type) {
  const names = (object) => Object.getOwnPropertyNames(object).filter((name) => typeof Object.getOwnPropertyDescriptor(object, name).value === 'function');
  const own = [];
  for (let part = type.prototype; part !== Object.prototype; part = Object.getPrototypeOf(part)) own.push(...names(part));
  const statics = names(type).filter((name) => name !== 'trusted').map((name) => `static ${name}`);
  return [...new Set([...own.filter((name) => name !== 'constructor'), ...statics])].sort();
}

/** Calls, and asks for the first item of what is iterated. */
async function called(handle, name, args) {
  const answer = handle[name.replace('static ', '')](...args);
  return answer?.[Symbol.asyncIterator] !== undefined && answer.next !== undefined ? answer.next() : answer;
}

/** The calls of an entry of the table with one wrong argument, and which it was. */
function* mistakes([, ...specs]) {
  for (const [place, [, kind, fields = {}]] of specs.entries()) {
    const args = (value) => specs.map(([right], at) => (at === place ? value : right));
    for (const [what, value] of wrong(kind)) yield [`${kind} ${what}`, args(value)];
    for (const [field, kind] of Object.entries(fields)) {
      for (const [what, value] of wrong(kind)) yield [`${field}: ${what}`, args({ [field]: value })];
    }
  }
}

function wrong(kind) {
  const right = RIGHT[kind];
  assert.ok(right, `the kind ${kind} is known`);
  return Object.entries(VALUES).filter(([what]) => !right.includes(what));
}

async function handles(t) {
  const namespace = await open(t);
  const log = namespace.log('a');
  const stream = namespace.log('bytes');
  const [writer, bytesIn] = [await log.openWriter({ createLog: true }), await stream.openByteWriter({ createLog: true })];
  await writer.append('first', { txid: 1 });
  await bytesIn.write('bytes');
  await bytesIn.flush();
  const [reader, bytesOut] = [await log.openReader({ follow: true, cursor: 'c' }), await stream.openByteReader()];
  const [logs, segments] = [await namespace.watchLogs(), await log.watchSegments()];
  return { namespace, log, writer, reader, bytesIn, bytesOut, cursor: await log.cursor('c'), logs, segments };
}

test('the table has every method of every class', async (t) => {
  for (const [name, entries] of Object.entries(table(await handles(t)))) {
    assert.deepEqual(Object.keys(entries).sort(), methods(package_[name]), name);
  }
});

test('wrong arguments are refused as what they are, by every method', async (t) => {
  const all = await handles(t);
  let calls = 0;
  for (const [type, entries] of Object.entries(table(all))) {
    for (const [method, entry] of Object.entries(entries)) {
      for (const [mistake, args] of mistakes(entry)) {
        const said = `${type}.${method} with ${mistake}`;
        const error = await failure(called(entry[0], method, args)).catch(() => assert.fail(`${said}: not refused`));
        assert.ok(error instanceof InvalidArgumentError, `${said}: ${error.stack}`);
        assert.equal(error.code, 'invalid-argument', said);
        assert.match(error.message, /^[a-z"].{10,}/s, said);
        assert.doesNotMatch(error.message, /cannot read|is not a function|expected|convert/i, said);
        calls += 1;
      }
    }
  }
  assert.ok(calls > 1_500, `${calls} calls`);
  // Nothing came of it.
  assert.equal((await all.writer.append('second')).sequenceId, 1n);
  assert.equal((await all.reader.next()).payload.toString(), 'first');
  assert.equal((await all.bytesOut.read(9)).toString(), 'bytes');
  assert.deepEqual(await all.namespace.listLogs(), ['a', 'bytes']);
});

test('a name that an object of options has not is refused, by every method that takes one', async (t) => {
  const all = await handles(t);
  let calls = 0;
  for (const [type, entries] of Object.entries(table(all))) {
    for (const [method, [handle, ...specs]] of Object.entries(entries)) {
      for (const [place, [, kind, fields = {}]] of specs.entries()) {
        if (kind !== 'options' && kind !== 'someOptions') continue;
        for (const name of ['if_last', 'ifLast', 'txid', 'limit', 'Signal', 'maximum', 'read_only'].filter((name) => !(name in fields))) {
          const said = `${type}.${method} with ${name}`;
          const args = (value) => specs.map(([right], at) => (at === place ? value : right));
          const error = await failure(called(handle, method, args({ [name]: 1 }))).catch(() => assert.fail(`${said}: not refused`));
          assert.ok(error instanceof InvalidArgumentError, `${said}: ${error.stack}`);
          assert.match(error.message, new RegExp(`^there is no option of .*"${name}"; there are .*[a-z]`), said);
          for (const known of Object.keys(fields)) assert.match(error.message, new RegExp(`[ ,]${known}\\b`), said);
          calls += 1;
        }
      }
    }
  }
  assert.ok(calls > 300, `${calls} calls`);
  assert.equal((await all.writer.append('second')).sequenceId, 1n);
  // What is undefined asks for nothing.
  await all.writer.append('third', { nothing: undefined });
});

test('wrong arguments of functions and constructors are refused', async () => {
  for (const [what, value] of Object.entries(VALUES)) {
    assert.throws(() => fileUri(value), InvalidArgumentError, what);
    if (typeof value === 'bigint') continue;
    for (const parts of [[value, 0n, 0n], [0n, value, 0n], [0n, 0n, value]]) {
      assert.throws(() => new Dlsn(...parts), InvalidArgumentError, what);
    }
  }
});

test('options of each kind with values of each wrong kind', async (t) => {
  const { log } = await handles(t);
  const never = Object.keys(VALUES).filter((what) => !['undefined', 'number', 'bigint', 'true', 'text', 'empty'].includes(what));
  for (const what of never) {
    for (const [open, name] of [['openReader', 'count'], ['openWriter', 'createLog'], ['setOptions', 'rollMs'], ['openReader', 'from'], ['openWriter', 'takeover']]) {
      const error = await failure(log[open]({ [name]: VALUES[what] })).catch(() => assert.fail(`${open} ${name}: ${what} is not refused`));
      assert.ok(error instanceof InvalidArgumentError, `${open} ${name}: ${what}: ${error.stack}`);
    }
  }
  for (const value of [{ txid: 'x' }, { txid: undefined }, { txid: 1.5 }, { txid: 1, offset: 2 }]) {
    assert.ok((await failure(log.openReader({ from: value }))) instanceof InvalidArgumentError);
  }
  for (const value of [{ waitMs: 'x' }, { waitMs: NaN }, { waitMs: 1, wait_ms: 2 }]) {
    assert.ok((await failure(log.openWriter({ takeover: value }))) instanceof InvalidArgumentError);
  }
});
