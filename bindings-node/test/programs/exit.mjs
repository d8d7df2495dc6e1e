// Appends without end, says on its standard output which appends were acknowledged, and exits in the midst of it.

import { writeSync } from 'node:fs';
import { Namespace } from 'distributed-log';

const [uri, how] = process.argv.slice(2);
const namespace = await Namespace.open(uri, { unsafeFilesystem: true, journalBytes: '4MiB' });
const writer = await namespace.log('a').openWriter({ createLog: true });
const reader = await namespace.log('a').openReader({ follow: true });
reader.nextBatch({ max: 1 }).catch(() => {});
let acknowledged = 0;
for (let number = 0; ; number++) {
  await writer.ready();
  writer.append(`${number}`).then(({ sequenceId }) => {
    writeSync(1, `${sequenceId}\n`);
    if (++acknowledged < 300) return;
    if (how === 'exit') process.exit(3);
    if (how === 'throw') process.nextTick(() => { throw new Error('in the midst'); });
    if (how === 'kill') process.kill(process.pid, 'SIGKILL');
  });
}
