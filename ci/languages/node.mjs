// The works of ci/languages/compare in Node.

import { randomBytes } from 'node:crypto';
import { Namespace } from '../../bindings-node/index.mjs';

const BYTES = 100;
const BATCH = 1_000;
const IN_FLIGHT = 4;
const ALONE = 20_000;

const records = Number(process.argv[2] ?? 1_000_000);
const data = randomBytes(BATCH * BYTES);
const payloads = Array.from({ length: BATCH }, (_, at) => data.subarray(at * BYTES, (at + 1) * BYTES));

const namespace = await Namespace.open('memory:languages');
const log = namespace.log('log');
const writer = await log.openWriter({ createLog: true });
console.log(`node append ${Math.round(await append())}`);
console.log(`node read ${Math.round(await read())}`);
console.log(`node alone ${(await alone()).toFixed(2)}`);
await writer.close();
await namespace.close();

async function append() {
  const began = performance.now();
  const batches = Math.floor(records / BATCH);
  const flying = [];
  for (let batch = 0; batch < batches; batch++) {
    if (flying.length === IN_FLIGHT) await flying.shift();
    flying.push(writer.appendMany(payloads));
  }
  await Promise.all(flying);
  return perSecond(batches * BATCH, began);
}

async function read() {
  const began = performance.now();
  const reader = await log.openReader();
  let [count, bytes] = [0, 0];
  while (reader.end === undefined) {
    for (const { payload } of await reader.nextBatch({ max: BATCH })) {
      bytes += payload.length;
      count++;
    }
  }
  const figure = perSecond(count, began);
  if (bytes !== count * BYTES) throw new Error('other bytes were read than were appended');
  return figure;
}

async function alone() {
  const took = [];
  for (let number = 0; number < ALONE; number++) {
    const began = performance.now();
    await writer.append(payloads[0]);
    took.push(performance.now() - began);
  }
  took.sort((one, other) => one - other);
  return 1_000 * took[ALONE / 2];
}

function perSecond(count, began) {
  return (1_000 * count) / (performance.now() - began);
}
