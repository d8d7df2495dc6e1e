// Records that are written all or none, and an append on a condition.
//
//   node batches.mjs [file:///tmp/accounts]

import { ConditionFailedError, Namespace } from 'distributed-log';

const namespace = await Namespace.open(process.argv[2] ?? 'memory:example');
await namespace.createLog('accounts');
const log = await namespace.openLog('accounts');
const writer = await log.openWriter();

// A transfer is two records. No reader, and no crash, ever leaves only one of them.
const receipts = await writer.appendBatch(['alice -10', 'bob +10']);
const last = receipts[1].dlsn;
console.log(`in one entry: ${receipts[0].dlsn.entry === last.entry}`);

// Only if nothing came in between. The condition is judged in the order of the appends, so it may be in flight, too.
await writer.append('bob -3', { ifLast: last });
try {
  await writer.append('bob -8', { ifLast: last });
} catch (error) {
  if (!(error instanceof ConditionFailedError)) throw error;
  console.log(`too late: ${error.code}`);
}
await writer.close();

const reader = await log.openReader();
for await (const record of reader) console.log(`read: ${record.payload}`);
await reader.close();

await namespace.deleteLog('accounts');
await namespace.close();
