// What the tests share.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileUri, Namespace } from 'distributed-log';

let counter = 0;

/** A folder that goes when the test is over. */
export async function folder(test) {
  const path = await mkdtemp(join(tmpdir(), 'dl-node-'));
  test.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A namespace of the driver; small, and closed when the test is over. */
export async function open(test, driver = 'memory', options = {}) {
  const uri = await place(test, driver);
  const namespace = await Namespace.open(uri, driver === 'file' ? { journalBytes: '4MiB', unsafeFilesystem: true, ...options } : options);
  test.after(() => namespace.close().catch(() => {}));
  return namespace;
}

/** Where a namespace of the driver may be. */
export async function place(test, driver) {
  return driver === 'memory' ? `memory:node-${process.pid}-${counter++}` : fileUri(join(await folder(test), 'ns'));
}

/** A log of a new namespace and its writer. */
export async function written(test, driver = 'memory', options = {}) {
  const namespace = await open(test, driver);
  const log = namespace.log('a');
  const writer = await log.openWriter({ createLog: true, ...options });
  return { namespace, log, writer };
}

/** Both drivers. */
export const DRIVERS = ['memory', 'file'];

/** What a promise fails with. */
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

/** The payloads of records as texts. */
export function payloads(records) {
  return records.map(({ payload }) => payload.toString());
}

/** What a reader delivers up to its end. */
export async function all(reader) {
  const records = [];
  for await (const record of reader) records.push(record);
  return records;
}
