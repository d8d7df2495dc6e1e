// The works of ci/languages/compare in Node.

import { randomBytes } from 'node:crypto';
import { Namespace } from '../../bindings-node/index.mjs';

const BYTES = 100;
const BATCH = 1_000;
const IN_FLIGHT = 4;
const PASSES = 5;
const ALONE = 20_000;

const records = Number(process.argv[2] ?? 1_000_000);
const data = randomBytes(BATCH * BYTES);
const payloads = Array.from({ length: BATCH }, (_, at) => data.subarray(at * BYTES, (at + 1) * BYTES));

const namespace = await Namespace.open('memory:languages');
const figures = [];
for (let pass = 0; pass <= PASSES; pass++) {
  const appended = namespace.log('appended');
  const writer = await appended.openWriter({ createLog: true });
  figures.push(await append(writer));
  await writer.close();
  await namespace.deleteLog('appended');
}
print('append', figures);
const log = namespace.log('read');
const writer = await log.openWriter({ createLog: true });
for (let batch = 0; batch < Math.floor(records / BATCH); batch++) await writer.appendBatch(payloads);
for (let pass = 0; pass <= PASSES; pass++) figures.push(await read());
print('read', figures);
console.log(`node alone ${(await alone()).toFixed(2)}`);
await writer.close();
await namespace.close();

/** The first pass, and the median of the others. */
function print(work, figures) {
  console.log(`node ${work}-first ${Math.round(figures.shift())}`);
  const rest = figures.splice(0).sort((one, other) => one - other);
  console.log(`node ${work} ${Math.round(rest[Math.floor(PASSES / 2)])}`);
}

async function append(writer) {
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
