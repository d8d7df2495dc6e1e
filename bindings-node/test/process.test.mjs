// The boundary under stress: ends of processes and threads, callbacks that throw, handles that are let go of.

import assert from 'node:assert/strict';
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ClosedError, DlError, Namespace } from 'distributed-log';
import { all, failure, folder, open, payloads, place, written } from './support.mjs';

const programs = new URL('programs/', import.meta.url);
const program = (name) => fileURLToPath(new URL(name, programs));

/** Runs a program of these lines; answers its exit code and output. */
function run(file, ...args) {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--expose-gc', file, ...args], { timeout: 300_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), stdout, stderr });
    });
  });
}

/** Runs these lines, behind the import of the package. */
async function lines(text, ...args) {
  // Beside the tests, where the package is found.
  const file = program(`.${process.pid}-${Math.random().toString(36).slice(2)}.mjs`);
  await writeFile(file, `import * as dl from 'distributed-log';\nconst { Namespace } = dl;\n${text}`);
  const ended = await run(file, ...args);
  await rm(file);
  return ended;
}

const OPENED = `
const namespace = await Namespace.open(process.argv[2] ?? 'memory:x', { unsafeFilesystem: true, journalBytes: '4MiB' });
const log = namespace.log('a');
const writer = await log.openWriter({ createLog: true });
const reader = await log.openReader({ follow: true });
`;

test('what is open does not keep a process alive, and calls in flight do', async (t) => {
  for (const [text, printed] of [
    ['console.log("end");', 'end\n'],
    ['writer.append("x").then(() => console.log("acknowledged"));', 'acknowledged\n'],
    ['writer.fenced().then(() => console.log("never")); writer.append("x");', ''],
    ['reader.unref().next().then(() => console.log("never"));', ''],
    ['reader.next().then(() => console.log("never")); reader.unref();', ''],
    ['for (const waitMs of [6e4, 7e4]) reader.nextBatch({ waitMs }).then(() => console.log("never")); reader.unref();', ''],
    ['reader.unref().next().then(({ payload }) => console.log(`${payload}`)); reader.ref(); setTimeout(() => writer.append("late"), 50).unref();', 'late\n'],
    ['const bytes = await log.openByteReader({ follow: true }); bytes.read(1).then(() => console.log("never")); bytes.unref();', ''],
    ['const w = await namespace.watchLogs("none"); await w.next(); w.next().then(() => console.log("never")); w.unref();', ''],
    ['log.info({ signal: {} }).catch(({ code }) => console.log(code));', 'invalid-argument\n'],
    ['reader.next({ signal: 5 }).catch(({ code }) => console.log(code));', 'invalid-argument\n'],
    ['(await namespace.watchLogs("none")).unref().next().then(({ listed }) => console.log(listed)); await log.info();', 'true\n'],
    ['const w = await log.watchSegments(); await w.next(); w.next().catch(({ code }) => console.log(code)); await w.close(); console.log("over");', 'closed\nover\n'],
    ['reader.next().then(({ payload }) => console.log(`${payload}`)); setImmediate(() => writer.append("late"));', 'late\n'],
    ['await writer.append("x"); await writer.close(); await namespace.close(); console.log("closed");', 'closed\n'],
    ['const given = new AbortController(); setImmediate(() => given.abort()); reader.next(given).catch(({ code }) => console.log(code));', 'cancelled\n'],
  ]) {
    for (const uri of [await place(t, 'memory'), await place(t, 'file')]) {
      assert.deepEqual(await lines(OPENED + text, uri), { code: 0, stdout: printed, stderr: '' }, text);
    }
  }
});

for (const [how, code] of [['exit', 3], ['throw', 1], ['kill', 'SIGKILL']]) {
  test(`a process that ends with appends in flight keeps what was acknowledged: ${how}`, async (t) => {
    const uri = await place(t, 'file');
    const ended = await run(program('exit.mjs'), uri, how);
    assert.equal(ended.code, code, ended.stderr);
    const acknowledged = ended.stdout.trim().split('\n').map(Number);
    assert.ok(acknowledged.length >= 300);
    const namespace = await Namespace.open(uri, { unsafeFilesystem: true });
    await namespace.log('a').openWriter();
    const found = payloads(await all(await namespace.log('a').openReader()));
    assert.deepEqual(found, found.map((_, number) => `${number}`), 'a prefix');
    assert.ok(found.length > Math.max(...acknowledged));
    await namespace.close();
  });
}

test('threads have logs of their own in one directory', async (t) => {
  const uri = await place(t, 'file');
  const workers = ['a', 'b', 'c'].map((log) => new Worker(program('worker.mjs'), { workerData: { uri, log, count: 400 } }));
  for (const [code] of await Promise.all(workers.map((worker) => once(worker, 'exit')))) assert.equal(code, 0);
  const namespace = await Namespace.open(uri, { unsafeFilesystem: true });
  for (const name of await namespace.listLogs()) assert.equal(await namespace.log(name).count(), 400n);
  await namespace.close();
});

for (const driver of ['memory', 'file']) {
  test(`a thread that is terminated in the midst lets go of its logs, and keeps what was acknowledged: ${driver}`, async (t) => {
    const uri = await place(t, driver);
    const namespace = await Namespace.open(uri, { unsafeFilesystem: true });
    const rounds = Number(process.env.DL_NODE_THREADS_ENDED ?? 8);
    for (let round = 0; round < rounds; round++) {
      const log = `log-${round}`;
      const worker = new Worker(program('worker.mjs'), { workerData: { uri, log, count: Infinity } });
      let acknowledged = -1;
      worker.on('message', (number) => (acknowledged = number));
      while (acknowledged < 40 + 10 * round) await once(worker, 'message');
      await worker.terminate();
      const writer = await namespace.log(log).openWriter({ takeover: 'never' });
      const found = payloads(await all(await namespace.log(log).openReader()));
      assert.deepEqual(found, found.map((_, number) => `${number}`));
      assert.ok(found.length > acknowledged);
      await writer.close();
    }
    await namespace.close();
  });
}

test('a child of the process has nothing of it open, and both go on', async (t) => {
  const uri = await place(t, 'file');
  const namespace = await Namespace.open(uri, { unsafeFilesystem: true, journalBytes: '4MiB' });
  const log = namespace.log('a');
  const writer = await log.openWriter({ createLog: true });
  const appends = Array.from({ length: 500 }, (_, number) => writer.append(`${number}`));
  const file = join(await folder(t), 'child.mjs');
  const package_ = fileURLToPath(new URL('../index.mjs', import.meta.url));
  await writeFile(file, `
    import { Namespace } from ${JSON.stringify(package_)};
    const namespace = await Namespace.open(process.argv[2], { unsafeFilesystem: true });
    const error = await namespace.log('a').openWriter({ takeover: 'never' }).catch(({ code }) => code);
    const reader = await namespace.log('a').openReader({ follow: true, count: 501 });
    let count = 0;
    for await (const record of reader) if (++count === 500) process.send({ error });
    await namespace.close();
    process.disconnect();
  `);
  const child = fork(file, [uri]);
  const [{ error }] = await once(child, 'message');
  assert.equal(error, 'locked');
  await Promise.all(appends);
  await writer.append('the last');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  await namespace.close();
});

test('callbacks that throw end nothing else', async (t) => {
  const ended = await lines(`${OPENED}
    const thrown = [];
    process.on('uncaughtException', ({ message }) => thrown.push(message));
    process.on('unhandledRejection', ({ message }) => thrown.push(message));
    const given = new AbortController();
    given.signal.addEventListener('abort', () => { throw new Error('listener'); });
    const read = reader.next(given).catch(({ code }) => console.log(code));
    given.abort();
    await read;
    writer.append('a').then(() => { throw new Error('then'); });
    const appends = [1, 2, 3].map((number) => writer.append(String(number)));
    queueMicrotask(() => { throw new Error('microtask'); });
    await Promise.all(appends);
    const stream = reader.stream();
    stream.on('data', () => { stream.pause(); throw new Error('data'); });
    await new Promise((done) => process.once('uncaughtException', done));
    await writer.append('still');
    await new Promise(setImmediate);
    console.log(thrown.sort().join());
    stream.destroy();
  `, await place(t, 'memory'));
  assert.deepEqual(ended, { code: 0, stdout: 'cancelled\ndata,listener,microtask,then\n', stderr: '' });
});

for (const driver of ['memory', 'file']) {
  test(`closing a namespace settles every call in flight: ${driver}`, async (t) => {
    const { namespace, log, writer } = await written(t, driver);
    const reader = await log.openReader({ follow: true });
    const stream = await namespace.log('bytes').openByteWriter({ createLog: true });
    const bytes = await namespace.log('bytes').openByteReader({ follow: true });
    const watcher = await namespace.watchLogs();
    const forever = async (call) => {
      for (;;) await call();
    };
    const calls = [
      ...Array.from({ length: 200 }, () => writer.append('x')),
      writer.appendMany(Array.from({ length: 10_000 }, () => 'y')),
      writer.flush(),
      forever(() => reader.nextBatch()),
      forever(() => watcher.next()),
      forever(() => stream.write(Buffer.alloc(100_000))),
      forever(() => bytes.nextChunk()),
      writer.fenced().then((error) => Promise.reject(error)),
    ];
    const settled = Promise.allSettled(calls);
    await namespace.close();
    for (const { reason } of await settled) {
      if (reason !== undefined) assert.ok(reason instanceof ClosedError, reason.stack);
    }
    for (const call of [() => writer.append('z'), () => log.info(), () => reader.nextBatch(), () => namespace.listLogs()]) {
      assert.ok((await failure(forever(call))) instanceof DlError);
    }
  });
}

test('a handle lives as long as its calls, and is let go of when nothing holds it', async (t) => {
  const ended = await lines(`
    import { setImmediate as turn } from 'node:timers/promises';
    const namespace = await Namespace.open(process.argv[2], { unsafeFilesystem: true, journalBytes: '4MiB' });
    const collect = async () => { for (let round = 0; round < 4; round++) { await turn(); gc(); } };
    const appended = namespace.log('a').openWriter({ createLog: true }).then((writer) => Promise.all(Array.from({ length: 2000 }, () => writer.append('x'))));
    const collecting = setInterval(gc, 1);
    console.log((await appended).length);
    clearInterval(collecting);
    await collect();
    const writer = await namespace.log('a').openWriter({ takeover: { waitMs: 5000 } });
    console.log((await writer.append('y')).sequenceId);
  `, await place(t, 'file'));
  assert.deepEqual(ended, { code: 0, stdout: '2000\n2000n\n', stderr: '' });
});

test('a writer that was opened for nobody is given up', async (t) => {
  const namespace = await open(t, 'file');
  for (let round = 0; round < 20; round++) {
    const log = namespace.log(`log-${round}`);
    const given = new AbortController();
    const opening = log.openWriter({ createLog: true, signal: given.signal });
    for (let turn = 0; turn < round; turn++) await new Promise(setImmediate);
    given.abort();
    const writer = await opening.catch(({ code }) => assert.equal(code, 'cancelled'));
    writer?.abort();
    // The one that was given up may still be at it and take the log in between, but not for good.
    const again = () => log.openWriter({ createLog: true, takeover: { waitMs: 10_000 } });
    await again().catch((error) => (error.code === 'locked' && error.retryable ? again() : Promise.reject(error)));
  }
});
