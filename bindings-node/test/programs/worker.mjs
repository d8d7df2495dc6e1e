// A thread that appends to its log until it is told to end, or ended. Says how far it was acknowledged.

import { parentPort, workerData } from 'node:worker_threads';
import { Namespace } from 'distributed-log';

const { uri, log, count } = workerData;
const namespace = await Namespace.open(uri, { clientId: log, unsafeFilesystem: true, journalBytes: '4MiB' });
const writer = await namespace.log(log).openWriter({ createLog: true });
const reader = await namespace.log(log).openReader({ follow: true });
reader.next().catch(() => {});
let number = 0;
while (number < count) {
  const appends = Array.from({ length: 20 }, () => writer.append(`${number++}`));
  const receipts = await Promise.all(appends);
  parentPort.postMessage(Number(receipts.at(-1).sequenceId));
}
if (Number.isFinite(count)) {
  await writer.close();
  await namespace.close();
}
