// What an operator asks: events, verification, inspection.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FencedError, Namespace, NotFoundError } from 'distributed-log';
import { DRIVERS, place } from './support.mjs';

for (const driver of DRIVERS) {
  test(`events are heard before a namespace is closed: ${driver}`, async (t) => {
    const heard = [];
    const uri = await place(t, driver);
    const namespace = await Namespace.open(uri, { unsafeFilesystem: true, onEvent: (event) => heard.push(event) });
    const log = namespace.log('orders');
    const first = await log.openWriter({ createLog: true });
    await first.append('one');
    const second = await log.openWriter();
    await assert.rejects(first.append('two'), FencedError);
    await second.close();
    await namespace.close();
    const [took, fenced] = ['writer.took_over', 'writer.fenced'].map((name) => heard.find(({ target }) => target === name));
    assert.equal(took.level, 'info');
    assert.equal(took.kind, undefined);
    assert.equal(fenced.level, 'warn');
    assert.equal(fenced.kind, 'fenced');
    assert.equal(fenced.context.log, 'orders');
    assert.match(fenced.text, /^warn writer\.fenced: /);
  });
}

test('events are heard, or counted as dropped, also by a thread that was busy', async (t) => {
  let heard = 0;
  const onEvent = ({ target }) => { if (target === 'writer.took_over') heard++; };
  const namespace = await Namespace.open(await place(t, 'memory'), { onEvent });
  const logs = Array.from({ length: 1_500 }, (_, number) => namespace.log(`log-${number}`));
  await Promise.all(logs.map((log) => log.openWriter({ createLog: true })));
  // Whatever comes of it, comes before this thread listens.
  const until = performance.now() + 1_500;
  const again = logs.map((log) => log.openWriter());
  while (performance.now() < until);
  await Promise.all(again);
  const dropped = Number(/^dl_events_dropped_total (\d+)/m.exec(await namespace.metrics())?.[1] ?? 0);
  await namespace.close();
  assert.ok(heard + dropped >= logs.length, `${heard} heard and ${dropped} dropped of ${logs.length}`);
});

test('nobody is told once a namespace is closed, and what could not be opened tells of nothing', async (t) => {
  const heard = [];
  const onEvent = (event) => heard.push(event);
  await assert.rejects(Namespace.open('file:///does/not/exist', { createNamespace: false, onEvent }), NotFoundError);
  const namespace = await Namespace.open(await place(t, 'memory'), { onEvent });
  await namespace.close();
  assert.deepEqual(heard, []);
});

test('verification says what is wrong and what is in progress', async (t) => {
  const uri = await place(t, 'file');
  const namespace = await Namespace.open(uri, { unsafeFilesystem: true });
  const writer = await namespace.log('orders').openWriter({ createLog: true });
  await writer.append('one');
  const found = await Namespace.verify(uri, { log: 'orders', unsafeFilesystem: true });
  assert.deepEqual(found.findings, []);
  assert.ok(found.files > 0 && found.bytes > 0);
  assert.equal(found.inProgress.length, 1);
  const { log, segment, entries, owner, ownerAlive } = found.inProgress[0];
  assert.deepEqual({ log, segment, entries, ownerAlive }, { log: 'orders', segment: 1n, entries: 1n, ownerAlive: true });
  assert.ok(owner);
  await writer.close();
  await namespace.close();

  const stranger = `${fileURLToPath(uri.replace(/\?.*/, ''))}/something`;
  writeFileSync(stranger, '');
  const again = await Namespace.verify(uri, { unsafeFilesystem: true });
  rmSync(stranger);
  assert.equal(again.inUse, false);
  assert.deepEqual(again.inProgress, []);
  const [{ severity, subject, file, offset, wholeEntries }] = again.findings;
  assert.deepEqual(
    { severity, subject, file, offset, wholeEntries },
    { severity: 'notice', subject: 'stranger', file: stranger, offset: undefined, wholeEntries: [] },
  );
});

test('inspection says what a namespace is', async (t) => {
  const uri = await place(t, 'file');
  await assert.rejects(Namespace.inspect(uri), NotFoundError);
  const namespace = await Namespace.open(uri, { unsafeFilesystem: true });
  await namespace.createLog('orders');
  const info = await Namespace.inspect(uri);
  assert.equal(info.driver, 'file');
  assert.equal(info.logs, 1);
  assert.equal(info.format.known, true);
  assert.deepEqual(info.processes.map(({ id }) => id), [process.pid]);
  assert.ok(info.metadataBytes > 0);
  await namespace.close();
  assert.deepEqual((await Namespace.inspect(uri)).processes, []);
});
