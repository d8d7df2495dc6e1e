// What users write passes `tsc --strict`, and what is wrong does not. Compiled, never run.

import {
  DlError,
  Dlsn,
  FencedError,
  Namespace,
  Record,
  type LogChange,
  type LogInfo,
  type ReaderOptions,
  type Receipt,
  type WriterOptions,
} from 'distributed-log';
import { pipeline } from 'node:stream/promises';
import type { Readable, Writable } from 'node:stream';

/** Fails to compile unless both are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

export async function use(signal: AbortSignal): Promise<void> {
  await using namespace = await Namespace.open('memory:types', { inFlightBytes: '64MiB', signal });
  const log = namespace.log('orders');
  await using writer = await log.openWriter({ createLog: true, takeover: { waitMs: 30 }, rollMs: 1000n });

  const receipt = await writer.append('text', { txid: 1, ifLast: null, signal });
  same<typeof receipt, Receipt>(true);
  same<typeof receipt.txid, bigint>(true);
  same<typeof receipt.sequenceId, bigint | undefined>(true);
  same<typeof receipt.dlsn.segment, bigint>(true);
  await writer.append({ payload: Buffer.from('bytes'), txid: 2n });
  await writer.append(new Uint8Array(3));
  await writer.append(new ArrayBuffer(3));
  await writer.ready({ signal });
  const batch: Receipt[] = await writer.appendBatch(['a', { payload: 'b' }], { ifLast: receipt.dlsn });
  await writer.appendMany(batch.map(String));
  await writer.truncate('1:0:0');

  await using reader = await log.openReader({ from: { txid: 7n }, follow: true });
  for await (const record of reader) {
    same<typeof record, Record>(true);
    same<typeof record.payload, Buffer>(true);
  }
  for await (const record of reader.records({ signal })) record.payload.toString('utf8');
  const next = await reader.next();
  same<typeof next, Record | undefined>(true);
  await pipeline(reader.stream(), writer.stream({ highWaterMark: 100 }));
  const streams: [Readable, Writable] = [reader.stream(), writer.stream()];
  void streams;

  const info: LogInfo = await log.info();
  const point: Dlsn = info.firstReadable;
  // What may be left out may be undefined.
  await log.count({ from: undefined, until: undefined, signal: undefined });
  await namespace.metrics({ byLog: undefined });
  await Namespace.verify('memory:types', { log: undefined });
  [point, Dlsn.FIRST, Dlsn.parse('1:2:3')].sort(Dlsn.compare);

  await using watcher = await namespace.watchLogs('eu');
  for await (const change of watcher) {
    same<typeof change, LogChange>(true);
  }
  try {
    await writer.flush();
  } catch (error) {
    if (error instanceof FencedError) same<typeof error.owner, string | undefined>(true);
    if (error instanceof DlError && error.code === 'storage-full') throw error;
  }
}

// Options are those there are, with values that they have.
export const writerOptions: WriterOptions = { compression: 'lz4', takeover: 'wait:30s' };
export const readerOptions: ReaderOptions = { from: '3:120:0', onTruncated: 'skip' };
// @ts-expect-error: no such option
export const unknown: WriterOptions = { rollBites: 1 };
// @ts-expect-error: no such choice
export const choice: ReaderOptions = { onTruncated: 'maybe' };
// @ts-expect-error: a position is no number
export const start: ReaderOptions = { from: 3 };

export async function wrong(namespace: Namespace): Promise<void> {
  const writer = await namespace.log('a').openWriter();
  // @ts-expect-error: a number is no payload
  await writer.append(7);
  await writer.append('a', { ifLast: 'empty' });
  // @ts-expect-error: no such option
  await writer.append('a', { if_last: 'empty' });
  // @ts-expect-error: it has no condition
  await writer.appendMany(['a'], { ifLast: null });
  // @ts-expect-error: what is read is not changed
  (await writer.append('a')).txid = 1n;
  // @ts-expect-error: there is no such kind
  if ((await writer.fenced()).code === 'fencd') return;
}
