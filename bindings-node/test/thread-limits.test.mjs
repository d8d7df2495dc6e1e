// A process that may have few threads or descriptors, or none: opening fails and says so, and does not hang; later it works.

import assert from 'node:assert/strict';
import { execFileSync, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fileUri } from 'distributed-log';
import { folder, place } from './support.mjs';

const program = fileURLToPath(new URL('programs/thread-limits.mjs', import.meta.url));

/** A user who has no processes; root itself is not limited. */
const USER = 61_237;

/** With so many threads more than Node's own everything works. */
const ENOUGH = 24;

const skip = process.getuid() === 0 ? false : 'only root can become a user whose threads are limited';

/** What becomes of opening and appending with so many threads more than Node's own, and then with many. */
async function tried(uri, threads) {
  const child = fork(program, [uri, `${USER}`]);
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  // As the user: root may have no right to it.
  const limit = (count) => execFileSync('prlimit', [`--pid=${child.pid}`, `--nproc=${count}:`], { uid: USER });
  const answers = [];
  let own;
  child.on('message', ({ threads: there, answer }) => {
    if (there !== undefined) limit((own = there) + threads);
    else {
      answers.push(answer);
      if (answers.length === 1) limit(own + 1_000);
    }
    child.send('go on');
  });
  const [code, signal] = await once(child, 'exit');
  clearTimeout(timer);
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, `with ${threads} threads: ${answers}`);
  assert.equal(answers[1], 'opened', `with ${threads} threads, then with many: ${answers}`);
  return answers[0];
}

for (const driver of ['memory', 'file']) {
  test(`without threads opening is unavailable, and later it works: ${driver}`, { skip }, async (t) => {
    const told = new Map();
    for (const threads of [0, 1, 2, 3, 4, 5, 6, 8, ENOUGH]) {
      let uri = await place(t, driver);
      if (driver === 'file') {
        const open = await folder(t);
        await chmod(open, 0o777);
        uri = `${fileUri(`${open}/ns`)}?unsafe_filesystem=true&journal_bytes=4MiB`;
      }
      told.set(threads, await tried(uri, threads));
    }
    assert.equal(told.get(0), 'unavailable');
    assert.equal(told.get(ENOUGH), 'opened');
    for (const answer of told.values()) assert.match(answer, /^(opened|unavailable)$/);
  });
}

test('with few descriptors opening is unavailable, and nothing of dl fails before', () => {
  const few = fileURLToPath(new URL('programs/few-descriptors.mjs', import.meta.url));
  const answers = new Set();
  // With fewer Node itself does not come up.
  for (let descriptors = 18; descriptors < 28; descriptors++) {
    const { stdout, stderr, signal } = spawnSync('sh', ['-c', `ulimit -n ${descriptors}; exec node ${few}`], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.equal(signal, null, `with ${descriptors} descriptors`);
    // Node itself may have too few to read the program or the package.
    if (stdout === '' && !stderr.includes('native_1')) continue;
    assert.match(stdout, /^(opened|unavailable)\n$/, `with ${descriptors} descriptors: ${stderr}`);
    answers.add(stdout.trim());
  }
  assert.ok(answers.size > 0, 'no program got as far as opening');
});
