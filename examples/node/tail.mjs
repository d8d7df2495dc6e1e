// Follows a log while somebody else appends to it.
//
//   node tail.mjs [file:///tmp/orders]

import { Namespace } from 'distributed-log';

const namespace = await Namespace.open(process.argv[2] ?? 'memory:example');
await namespace.createLog('orders');
const log = await namespace.openLog('orders');

await Promise.all([append(), follow()]);

await namespace.deleteLog('orders');
await namespace.close();

async function append() {
  const writer = await log.openWriter();
  for (const number of [1, 2, 3]) await writer.append(`order ${number}`);
  // No more will ever come; readers that follow are told.
  await writer.seal();
  await writer.close();
}

async function follow() {
  // A record is delivered as soon as it is acknowledged: the reader is woken, it does not poll.
  const reader = await log.openReader({ follow: true });
  for await (const record of reader) console.log(`read: ${record.payload}`);
  console.log(`the end: ${reader.end}`);
  await reader.close();
}
