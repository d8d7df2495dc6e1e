// Arguments: a namespace, and a user to be. Opens it and appends, twice: with the threads that the parent allows, and again.

import { once } from 'node:events';
import { readdirSync } from 'node:fs';

const [uri, user] = process.argv.slice(2);

async function use() {
  const { DlError, Namespace } = await import('distributed-log');
  let namespace;
  try {
    namespace = await Namespace.open(uri);
    const writer = await namespace.log('a').openWriter({ createLog: true });
    await writer.append('x');
    await writer.close();
    return 'opened';
  } catch (error) {
    if (!(error instanceof DlError) || !error.message.includes('ulimit')) return `another error: ${error.stack}`;
    return error.code;
  } finally {
    await namespace?.close().catch(() => {});
  }
}

/** Tells the parent and waits until it allows to go on. */
async function tell(message) {
  process.send(message);
  await once(process, 'message');
}

// Node starts the threads that read files when it first does.
await import('node:fs/promises').then((files) => files.stat('.'));
process.setuid(Number(user));
await tell({ threads: readdirSync('/proc/self/task').length });
await tell({ answer: await use() });
await tell({ answer: await use() });
process.disconnect();
