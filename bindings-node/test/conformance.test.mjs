// The cases of dl-core/testdata/conformance, which every language runs, on each driver.
//
// DL_CASE=name runs one case; DL_MATRIX=folder writes how each went into that folder. With DL_CLUSTER, the folder of a cluster
// that ci/bookkeeper/cluster runs, they run on that and nowhere else.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { check, load, read } from './conformance/cases.mjs';
import { difference } from './conformance/matching.mjs';
import { run } from './conformance/run.mjs';
import { newRecord, Variables } from './conformance/values.mjs';
import { BookKeeper, File, Memory } from './conformance/worlds.mjs';

const { DL_CASE: only, DL_CLUSTER: cluster, DL_MATRIX: folder } = process.env;

for (const World of cluster === undefined ? [Memory, File] : [BookKeeper]) {
  describe(`conformance: ${World.driver}`, { concurrency: 4 }, () => {
    const cells = [];
    for (const each of load().filter(({ name }) => only === undefined || only === name)) {
      const cell = { case: each.name, language: 'node', driver: World.driver, result: 'failed' };
      cells.push(cell);
      const lacks = each.needs.find((need) => !World.capabilities.includes(need));
      if (lacks !== undefined) Object.assign(cell, { result: 'skipped', capability: lacks });
      test(each.name, { skip: lacks }, async () => {
        await run(World, each);
        cell.result = 'passed';
      });
    }
    after(() => {
      if (folder === undefined || only !== undefined) return;
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `node-${World.driver}.jsonl`), cells.map((cell) => `${JSON.stringify(cell)}\n`).join(''));
    });
  });
}

test('the runner refuses what is not in the language', () => {
  const wrong = (steps, needs = '[]') => check(read(`[[case]]\nname = "a"\npromises = ["P1"]\nneeds = ${needs}\nsteps = [${steps}]`)[0]);
  assert.deepEqual(wrong('{ do = "open_writer", as = "w" }, { do = "append", on = "w", record = "one" }'), []);
  for (const [steps, mistake] of [
    ['{ do = "apend" }', /no step apend/],
    ['{ do = "flush", on = "w" }', /no handle/],
    ['{ do = "create_log", expects = 1 }', /takes no expects/],
    ['{ do = "parse_dlsn" }', /needs text/],
    ['{ do = "info", expect = "$d" }', /nothing is bound/],
    ['{ do = "info", as = "unused" }', /never used/],
    ['{ do = "crash", process = "p" }', /needs crash/],
    ['{ do = "count", start = "c" }', /never awaited/],
    ['{ do = "count", start = "c", expect = 1 }', /where it is awaited/],
    ['{ do = "await", call = "c" }', /in flight/],
    ['{ do = "count", expect = 1, expect_error = "fenced" }', /something else/],
  ]) {
    assert.match(wrong(steps).join('\n'), mistake);
  }
  assert.match(wrong('', '["magic"]').join('\n'), /no capability/);
});

test('the runner replaces variables, writes lists out and sees differences', () => {
  const variables = new Variables({ r: [{ dlsn: '1:0:0', txid: 7n }], uri: 'memory:x' });
  assert.equal(variables.resolve('$r.0.txid'), 7n);
  assert.equal(variables.resolve('at $r.last.dlsn, $$1'), 'at 1:0:0, $1');
  assert.equal(variables.resolve('$uri.bak'), 'memory:x.bak');
  assert.deepEqual(variables.resolve([{ repeat: 2n, first: 5n, text: 'n$i' }]), [{ text: 'n5' }, { text: 'n6' }]);
  assert.throws(() => variables.resolve('$r.1'));
  assert.deepEqual(newRecord({ bytes: 3n, seed: 250n }), { payload: 'fa7d00' });
  const record = { dlsn: '1:2:0', txid: 5n, payload: '6f6e65' };
  for (const same of ['one', { text: 'one', txid: 5n }, { dlsn: { gt: '1:1:9' }, txid: { any: [4n, 5n] } }]) {
    assert.equal(difference(same, record), undefined);
  }
  for (const other of ['two', { txid: 6n }, { text: 'one', slot: 0n }, { dlsn: { lt: '1:2:0' } }]) {
    assert.notEqual(difference(other, record), undefined);
  }
  const maybe = [{ text: 'one' }, { text: 'two', maybe: true }, { text: 'three' }];
  assert.equal(difference(maybe, [record, { payload: '7468726565' }]), undefined);
  assert.notEqual(difference(maybe, [record]), undefined);
});
