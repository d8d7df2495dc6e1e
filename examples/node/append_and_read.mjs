// Appends records and reads them back.
//
//   node append_and_read.mjs [file:///tmp/orders]

import { Namespace } from 'distributed-log';

const namespace = await Namespace.open(process.argv[2] ?? 'memory:example');
await namespace.createLog('orders');
const log = await namespace.openLog('orders');

// Many records are on their way at once, and one sync of the disk serves them all.
const writer = await log.openWriter();
const appends = [1, 2, 3].map((number) => writer.append(`order ${number}`));
for (const append of appends) {
  const receipt = await append; // acknowledged: from here on the record survives what the driver promises
  console.log(`acknowledged: number ${receipt.sequenceId}`);
}
await writer.close();

const reader = await log.openReader();
for await (const record of reader) console.log(`read: ${record.payload}`);
await reader.close();

await namespace.deleteLog('orders');
await namespace.close();
