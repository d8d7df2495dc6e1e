// Two writers of one log: the second cuts the first one off.
//
//   node takeover.mjs [file:///tmp/orders]

import { FencedError, LockedError, Namespace } from 'distributed-log';

const namespace = await Namespace.open(process.argv[2] ?? 'memory:example');
await namespace.createLog('orders');
const log = await namespace.openLog('orders');

const first = await log.openWriter();
await first.append('order 1');

// Who does not want to take the log over asks politely …
try {
  await log.openWriter({ takeover: 'never' });
} catch (error) {
  if (!(error instanceof LockedError)) throw error;
  console.log(`polite: ${error.code}`);
}

// … and who does, opens a writer, here or in any process: from now on the first one is never acknowledged again.
const second = await log.openWriter();
try {
  await first.append('from the past');
} catch (error) {
  if (!(error instanceof FencedError)) throw error;
  console.log(`first: ${error.code}`);
}
await second.append('order 2');
await second.close();

const reader = await log.openReader();
for await (const record of reader) console.log(`read: ${record.payload}`);
await reader.close();

await namespace.deleteLog('orders');
await namespace.close();
