// Every wait takes an `AbortSignal`: read from the types that users get, and tried.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { CancelledError, InvalidArgumentError } from 'distributed-log';
import { DRIVERS, failure, open, written } from './support.mjs';

const TYPES = fileURLToPath(new URL('../dist/index.d.ts', import.meta.url));

/** The ends of `await using` and loops without a signal, to which nobody can pass anything. */
const WITHOUT = /__@async(Dispose|Iterator)/;

/** What is awaited or iterated, of the classes that the package exports: names, and whether a signal can be passed. */
function waits() {
  const program = ts.createProgram([TYPES], { strict: true, target: ts.ScriptTarget.ES2022, lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'], types: ['node'] });
  const checker = program.getTypeChecker();
  const found = [];
  for (const exported of checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(TYPES)))) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    if (!(symbol.flags & ts.SymbolFlags.Class)) continue;
    const sides = [checker.getDeclaredTypeOfSymbol(symbol), checker.getTypeOfSymbol(symbol)];
    for (const member of sides.flatMap((side) => side.getProperties())) {
      for (const signature of checker.getTypeOfSymbol(member).getCallSignatures()) {
        const answer = signature.getReturnType().symbol?.name ?? '';
        if (!/^(Promise|Async.*)$/.test(answer)) continue;
        const takes = signature.getParameters().some((parameter) =>
          checker.getNonNullableType(checker.getTypeOfSymbol(parameter)).getProperty('signal'));
        found.push([`${symbol.name}.${member.name}`, takes]);
      }
    }
  }
  return found;
}

test('every wait of the types takes a signal', () => {
  const all = waits().filter(([name]) => !WITHOUT.test(name));
  assert.ok(all.length > 60, `${all.length} of them`);
  assert.deepEqual(all.filter(([, takes]) => !takes), []);
});

test('a signal that was given before begins nothing', async (t) => {
  const { writer, log } = await written(t);
  await writer.append('a');
  const reader = await log.openReader();
  const signal = AbortSignal.abort('enough');
  assert.throws(() => writer.tryAppend('b', { signal }), (error) => error instanceof CancelledError && error.operation === 'try_append');
  for (const call of [reader.close({ signal }), reader.next({ signal }), writer.append('b', { signal }), log.openByteReader({ signal })]) {
    const error = await failure(call);
    assert.ok(error instanceof CancelledError && error.cause === 'enough' && !error.mayHaveTakenEffect, error.stack);
  }
  assert.equal((await reader.next()).payload.toString(), 'a');
  assert.equal(await reader.next(), undefined);
});

test('who gives up a read is told its name, and that it had no effect', async (t) => {
  const { writer, log, namespace } = await written(t, 'file');
  await namespace.createLog('bytes');
  const reader = await log.openReader({ follow: true });
  const bytes = await namespace.log('bytes').openByteReader({ follow: true });
  const watcher = await namespace.watchLogs('none');
  await watcher.next();
  const cursor = await log.cursor('c');
  const bounds = { from: '1:0:0' };
  const given = new AbortController();
  const { signal } = given;
  const left = {
    info: log.info({ signal }), segments: log.segments({ signal }), count: log.count({ signal }), count_between: log.count({ ...bounds, signal }),
    dlsn_at_txid: log.dlsnAtTxid(1, { signal }), first_record: log.firstRecord({ signal }), last_record: log.lastRecord({ signal }),
    options: log.options({ signal }), cursors: log.cursors({ signal }), cursor: log.cursor('d', { signal }), user_metadata: log.userMetadata({ signal }),
    watch_segments: log.watchSegments({ signal }), position: cursor.position({ signal }), open_reader: log.openReader({ signal }),
    open_byte_reader: log.openByteReader({ signal }), open_log: namespace.openLog('a', { signal }), log_exists: namespace.logExists('a', { signal }),
    list_logs: namespace.listLogs({ signal }), metrics: namespace.metrics({ signal }), fenced: writer.fenced({ signal }),
    next: reader.next({ signal }), next_batch: reader.nextBatch({ signal }), read: bytes.read(1, { signal }), next_chunk: bytes.nextChunk({ signal }),
  };
  const changes = watcher.next({ signal });
  const truncation = failure(log.truncate('1:0:0', { signal }));
  given.abort();
  for (const [operation, call] of [...Object.entries(left), ['next', changes]]) {
    const error = await failure(call);
    assert.deepEqual([error.code, error.operation, error.mayHaveTakenEffect], ['cancelled', operation, false]);
  }
  const { operation, mayHaveTakenEffect } = await truncation;
  assert.deepEqual([operation, mayHaveTakenEffect], ['truncate', true]);
});

test('a signal ends a wait for an acknowledgement, and a loop over chunks', async (t) => {
  const { writer, log } = await written(t, 'file');
  const given = new AbortController();
  const appended = writer.tryAppend('a', { signal: given.signal });
  given.abort();
  const error = await failure(appended);
  assert.ok(error instanceof CancelledError && error.mayHaveTakenEffect);
  await writer.flush();
  assert.equal(await log.count(), 1n, 'it has its place');

  const namespace = await open(t);
  const bytes = await namespace.log('bytes').openByteWriter({ createLog: true });
  const reader = await namespace.log('bytes').openByteReader({ follow: true });
  await bytes.write('abc');
  const stop = new AbortController();
  const seen = [];
  const left = failure((async () => {
    for await (const chunk of reader.chunks({ signal: stop.signal })) {
      seen.push(chunk.toString());
      stop.abort();
    }
  })());
  assert.ok((await left) instanceof CancelledError);
  assert.deepEqual(seen, ['abc']);
  await bytes.write('def');
  assert.equal((await reader.nextChunk()).toString(), 'def', 'giving up lost nothing');
});

test('a signal ends the waiting of one who closes, and the reader is closed all the same', async (t) => {
  const { log } = await written(t);
  for (const reader of [await log.openReader({ follow: true }), await log.openByteReader({ follow: true })]) {
    const given = new AbortController();
    const closing = reader.close({ signal: given.signal });
    given.abort();
    assert.ok((await failure(closing)) instanceof CancelledError);
    await reader.close();
    const next = reader.next ?? reader.nextChunk;
    assert.equal((await failure(next.call(reader))).code, 'closed');
  }
});

test('a reader that is opened when nobody wants it any more lets its lock go', async (t) => {
  const { log } = await written(t);
  const given = new AbortController();
  const opening = log.openReader({ cursor: 'c', locked: true, signal: given.signal });
  given.abort();
  assert.ok((await failure(opening)) instanceof CancelledError);
  // Nothing waits for the collector of garbage.
  const second = await log.openReader({ cursor: 'c', locked: true, takeover: { waitMs: 10_000 } });
  await second.close();
});

/** What listens like a signal, and fails where it is told to. */
function foreign(broken = {}) {
  const target = new EventTarget();
  const signal = {
    aborted: false,
    reason: 'enough',
    addEventListener: (...args) => target.addEventListener(...args),
    removeEventListener: (...args) => target.removeEventListener(...args),
    give: () => target.dispatchEvent(new Event('abort')),
  };
  return Object.defineProperties(signal, Object.getOwnPropertyDescriptors(broken));
}

const fail = () => {
  throw new Error('mine');
};

test('what is not a whole signal is refused, and no other call hears of it', async (t) => {
  const { log, writer } = await written(t);
  for (const lacking of ['aborted', 'addEventListener', 'removeEventListener']) {
    const refused = failure(writer.append('x', { signal: foreign({ [lacking]: undefined }) }));
    const others = [writer.append('y'), log.count()];
    assert.ok((await refused) instanceof InvalidArgumentError, lacking);
    await Promise.all(others);
  }
  assert.equal(await log.count(), 3n);
});

test('a signal that fails ends no other call, and holds no place in a line', async (t) => {
  const { log, writer } = await written(t);
  const reader = await log.openReader({ follow: true });
  const left = foreign({ removeEventListener: fail });
  const calls = [writer.append('a', { signal: left }), reader.next({ signal: left }), writer.append('b'), log.count({ signal: left })];
  const [a, first, b] = await Promise.all(calls);
  assert.deepEqual([a.sequenceId, first.payload.toString(), b.sequenceId], [0n, 'a', 1n]);
  assert.equal((await reader.next()).payload.toString(), 'b');

  for (const broken of [{ addEventListener: fail }, { get aborted() { return fail(); } }]) {
    const signal = foreign(broken);
    for (const call of [writer.append('c', { signal }), reader.nextBatch({ signal }), reader.close({ signal })]) {
      assert.equal((await failure(call)).message, 'mine');
    }
  }
  await writer.append('d');
  assert.equal((await reader.next()).payload.toString(), 'd', 'nobody stands in front');
  assert.equal(await log.count(), 3n);

  const silent = foreign({ get reason() { return fail(); } });
  const stuck = failure(reader.next({ signal: silent }));
  silent.give();
  const error = await stuck;
  assert.ok(error instanceof CancelledError && error.cause.message === 'mine', error.stack);
  const eager = foreign({ addEventListener: (_, listener) => listener() });
  for (const call of [writer.append('c', { signal: eager }), reader.next({ signal: eager })]) {
    assert.ok((await failure(call)) instanceof CancelledError);
  }
  assert.equal(await log.count(), 3n, 'what was given up before it began did not begin');
});

test('options are asked for their signal once', async (t) => {
  const { log, writer } = await written(t);
  const bytes = (await open(t)).log('bytes');
  const out = await bytes.openByteWriter({ createLog: true });
  await out.write('abc');
  await out.flush();
  await writer.appendMany(['a', 'b', 'c', 'd']);
  const [reader, byteReader] = [await log.openReader(), await bytes.openByteReader()];
  const locked = await log.openReader({ cursor: 'c', locked: true });
  const once = [];
  const options = () => {
    let asked = 0;
    const { signal } = new AbortController();
    return { get signal() { return asked++ === 0 ? signal : assert.fail('asked twice'); } };
  };
  const calls = [
    (given) => log.count(given), (given) => writer.append('x', given), (given) => writer.tryAppend('x', given),
    (given) => reader.next(given), (given) => reader.nextBatch({ ...{}, __proto__: given, max: 1 }), (given) => locked.next(given),
    (given) => byteReader.read(1, given), (given) => byteReader.seek(0, given), (given) => reader.close(given),
  ];
  for (const call of calls) once.push(await call(options()));
  assert.equal(once[3].payload.toString(), 'a');
});

test('what a getter throws comes as it is, and holds nothing', async (t) => {
  const { log, writer } = await written(t);
  for (const thrown of [new Error('mine'), Object.create(null), null, Symbol('s'), new Proxy({}, { getPrototypeOf: fail, has: fail })]) {
    const raise = () => {
      throw thrown;
    };
    const calls = [
      () => writer.append({ get payload() { return raise(); } }), () => writer.append('x', { get ifLast() { return raise(); } }),
      async () => writer.tryAppend({ get payload() { return raise(); } }), () => writer.appendMany([{ payload: 'x', get txid() { return raise(); } }]),
      () => log.count({ get signal() { return raise(); } }), () => log.count({ get from() { return raise(); } }),
    ];
    for (const call of calls) assert.equal(await failure(call()), thrown);
  }
  assert.equal(await log.count(), 0n);
});

test('a getter that gives its own call up and fails ends it once', async (t) => {
  const { log, writer } = await written(t);
  const given = new AbortController();
  const record = { get payload() { return given.abort(), fail(); } };
  assert.ok((await failure(writer.append(record, { signal: given.signal }))) instanceof CancelledError);
  await writer.append('x');
  assert.equal(await log.count(), 1n);
});

test('many calls at once warn of nothing, with a signal and without', async (t) => {
  const { log, writer } = await written(t);
  const warnings = [];
  const warned = (warning) => warnings.push(warning);
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  const out = await (await open(t)).log('bytes').openByteWriter({ createLog: true });
  const given = new AbortController();
  const { signal } = given;
  const reader = await log.openReader({ follow: true });
  const many = (call) => Array.from({ length: 30 }, call);
  await Promise.all(many(() => out.write('x')));
  await Promise.all(many(() => out.write('x', { signal })));
  await Promise.all(many(() => writer.append('x', { signal })));
  await reader.nextBatch();
  const waits = many(() => failure(reader.next({ signal })));
  given.abort();
  for (const error of await Promise.all(waits)) assert.ok(error instanceof CancelledError);
  await new Promise(setImmediate);
  assert.deepEqual(warnings, []);
});

for (const driver of DRIVERS) {
  for (const takeover of ['force', 'never']) {
    test(`${driver}: an opening that was given up takes the log from nobody who opens it later: ${takeover}`, async (t) => {
      const { writer, log } = await written(t, driver);
      await writer.append('x');
      await writer.close();
      const locked = { cursor: 'c', locked: true, takeover };
      for (let round = 0; round < (driver === 'file' ? 80 : 200); round++) {
        await givenUp((signal) => log.openWriter({ takeover, signal }), round);
        const writer = await log.openWriter({ takeover });
        await writer.append('x');
        await writer.close();
        await givenUp((signal) => log.openReader({ ...locked, signal }), round);
        const reader = await log.openReader(locked);
        assert.equal((await reader.next()).payload.toString(), 'x');
        await reader.close();
      }
    });
  }
}

/** Gives an opening up: at once, some turns of the event loop later, or some time after that, when it may just have been answered. */
async function givenUp(open, round) {
  const given = new AbortController();
  const opened = open(given.signal);
  for (let turns = round % 10; turns > 0; turns--) await new Promise(setImmediate);
  const until = performance.now() + (round % 7) / 10;
  while (performance.now() < until);
  given.abort();
  const handle = await opened.catch((error) => assert.ok(error instanceof CancelledError, error.stack));
  await handle?.close();
}

test('a read that is given up while more comes from a file loses nothing', async (t) => {
  const { log, writer } = await written(t, 'file');
  const batch = (number) => Array.from({ length: 256 }, (_, at) => String(256 * number + at).padStart(200, '0'));
  for (let number = 0; number < 200; number++) await writer.appendBatch(batch(number));
  // When it is given up, on the way, is chance: so often that some are behind their first piece.
  for (let pass = 0; pass < 20; pass++) {
    const reader = await log.openReader({ readAheadBytes: '64KiB' });
    let [next, tries] = [0, pass];
    while (reader.end === undefined) {
      const control = new AbortController();
      const reading = reader.nextBatch({ max: 4096, signal: control.signal }).catch(() => []);
      tries++;
      for (let turn = 0; turn < tries % 5; turn++) await new Promise(setImmediate);
      control.abort();
      for (const { payload } of await reading) assert.equal(Number(`${payload}`), next++);
    }
    assert.equal(next, 200 * 256);
    await reader.close();
  }
});
