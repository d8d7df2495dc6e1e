// Every wait takes an `AbortSignal`: read from the types that users get, and tried.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { CancelledError } from 'distributed-log';
import { failure, open, written } from './support.mjs';

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
  assert.throws(() => writer.tryAppend('b', { signal }), CancelledError);
  for (const call of [reader.close({ signal }), reader.next({ signal }), writer.append('b', { signal }), log.openByteReader({ signal })]) {
    const error = await failure(call);
    assert.ok(error instanceof CancelledError && error.cause === 'enough' && !error.mayHaveTakenEffect, error.stack);
  }
  assert.equal((await reader.next()).payload.toString(), 'a');
  assert.equal(await reader.next(), undefined);
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
