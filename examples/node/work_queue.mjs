// Jobs in a log. Workers share a cursor: one works at a time, and the next goes on where it stopped.
//
//   node work_queue.mjs [file:///tmp/jobs]

import { FencedError, Namespace } from 'distributed-log';

const namespace = await Namespace.open(process.argv[2] ?? 'memory:example');
await namespace.createLog('jobs');
const log = await namespace.openLog('jobs');

const writer = await log.openWriter();
for (const job of ['resize', 'rotate', 'upload', 'notify']) await writer.append(job);
await writer.close();

const anna = await open();
await work(anna, 'anna', 2);

// Another worker takes the queue over, as one does when the first has hung: it starts behind the last job that was
// noted as done, and the first one is told.
const bert = await open();
try {
  await anna.next();
} catch (error) {
  if (!(error instanceof FencedError)) throw error;
  console.log(`anna: ${error.code}`);
}
await work(bert, 'bert', 10);
await bert.close();

await namespace.deleteLog('jobs');
await namespace.close();

/** A reader that starts behind the cursor and is the only one of it. */
function open() {
  return log.openReader({ cursor: 'workers', locked: true });
}

/** Does at most `most` jobs. One that is done and not yet noted when a worker dies is done again: at least once. */
async function work(reader, who, most) {
  for (let done = 0; done < most; done++) {
    const job = await reader.next();
    if (job === undefined) break;
    console.log(`${who}: ${job.payload}`);
    await reader.cursor.advance(job.dlsn);
  }
}
