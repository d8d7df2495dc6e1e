// The package as users get it: packed, installed in a fresh folder, imported both ways, type-checked, and the examples.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { cp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect, promisify } from 'node:util';
import { fileUri } from 'distributed-log';
import { folder } from './support.mjs';

const run = promisify(execFile);
const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const TSC = join(PACKAGE, 'node_modules/typescript/bin/tsc');

/** A folder with the package installed, and nothing else. */
let installed;

before(async (t) => {
  installed = await folder(t);
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', installed], { cwd: PACKAGE });
  await writeFile(join(installed, 'package.json'), '{ "private": true }');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(installed, stdout.trim())], { cwd: installed });
});

test('it holds what it needs and runs nothing when it is installed', async () => {
  const place = join(installed, 'node_modules/distributed-log');
  const { scripts, dependencies } = JSON.parse(await readFile(join(place, 'package.json'), 'utf8'));
  assert.deepEqual([scripts, dependencies], [undefined, undefined]);
  const files = await readdir(place);
  assert.ok(files.includes('dist') && files.includes('index.mjs') && !files.includes('src') && !files.includes('test'));
  const binary = files.find((file) => file.endsWith('.node'));
  assert.ok((await stat(join(place, binary))).size < 10_000_000);
});

test('it is imported both ways, with the same names', async () => {
  await writeFile(join(installed, 'esm.mjs'), "import * as all from 'distributed-log'; console.log(Object.keys(all).sort().join());");
  await writeFile(join(installed, 'cjs.cjs'), "console.log(Object.keys(require('distributed-log')).sort().join());");
  const [esm, cjs] = await Promise.all(['esm.mjs', 'cjs.cjs'].map((file) => run('node', [file], { cwd: installed })));
  assert.equal(esm.stdout, cjs.stdout);
  assert.match(esm.stdout, /Namespace/);
});

test('importing it takes less than 50 ms', async () => {
  const program = "const begin = performance.now(); await import('distributed-log'); console.log(performance.now() - begin);";
  await writeFile(join(installed, 'import.mjs'), program);
  const times = [];
  // The best of some, and of more where none was quick: others may be using the machine, for as long as several take.
  do times.push(Number((await run('node', ['import.mjs'], { cwd: installed })).stdout));
  while (Math.min(...times) >= 50 && times.length < 60);
  assert.ok(Math.min(...times) < 50, `${times}`);
});

for (const [module, file] of [
  ['node16', 'esm.mts'],
  ['node16', 'cjs.cts'],
  ['nodenext', 'esm.mts'],
]) {
  test(`its types are found by ${module} in ${file}, also by those who check libraries`, async () => {
    const program = "import { Namespace, type Receipt } from 'distributed-log';\n" +
      "export const append = async (): Promise<Receipt> => (await (await Namespace.open('memory:a')).log('a').openWriter()).append('a');\n";
    await writeFile(join(installed, file), program);
    const flags = ['--strict', '--noEmit', '--module', module, '--target', 'es2022', '--lib', 'es2023,esnext.disposable'];
    const types = ['--typeRoots', join(PACKAGE, 'node_modules/@types'), '--types', 'node'];
    await run('node', [TSC, ...flags, ...types, file], { cwd: installed });
  });
}

for (const file of (await readdir(join(EXAMPLES, 'node'))).filter((name) => name.endsWith('.mjs'))) {
  test(`the example ${file} prints what it should, in memory and in a directory, twice`, async (t) => {
    await cp(join(EXAMPLES, 'node', file), join(installed, file));
    const expected = await readFile(join(EXAMPLES, 'expected', file.replace('.mjs', '.txt')), 'utf8');
    const directory = fileUri(join(await folder(t), 'ns'));
    for (const uri of ['memory:example', directory, directory]) {
      const { stdout, stderr } = await run('node', [file, uri], { cwd: installed });
      assert.deepEqual([stdout, stderr], [expected, '']);
    }
  });
}

test('every example there is in Rust is there', async () => {
  const names = async (path, ending) => (await readdir(join(EXAMPLES, path))).filter((name) => name.endsWith(ending)).map((name) => name.replace(ending, '')).sort();
  assert.deepEqual(await names('node', '.mjs'), await names('expected', '.txt'));
});

const PAGE = new URL('../../docs/node.md', import.meta.url);
const blocks = async () => [...(await readFile(PAGE, 'utf8')).matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);

test('the quick start of docs/node.md runs and prints what it says', async (t) => {
  const [start] = await blocks();
  const uri = `${fileUri(join(await folder(t), 'ns'))}?unsafe_filesystem=true&journal_bytes=4MiB`;
  await writeFile(join(installed, 'start.mjs'), start.replace('file:///var/lib/orders', uri));
  const child = spawn('node', ['start.mjs'], { cwd: installed, stdio: ['ignore', 'pipe', 'inherit'] });
  const seen = [];
  for await (const line of createInterface({ input: child.stdout })) {
    seen.push(line);
    // It follows the log, and waits for more.
    if (seen.length === 2) child.kill();
  }
  const said = /receipt\.durability\); \/\/ (.*)$/m.exec(start)[1];
  assert.deepEqual(seen, [said, `${said.split(' ')[0]} ${inspect(Buffer.from('an order'))}`]);
});

test('the other examples of docs/node.md run', async () => {
  const others = (await blocks()).slice(1).map((code) => `await (async () => {\n${code}})();\n`);
  assert.ok(others.length >= 3);
  const prelude = `
    import assert from 'node:assert/strict';
    import { FencedError, Namespace } from 'distributed-log';
    const [uri, orders, order, taken] = ['memory:page', ['a', 'b'], 'c', []];
    const failed = (error) => { throw error; };
    const becomeFollower = (owner) => taken.push(owner);
    const log = (await Namespace.open(uri)).log('a');
    const writer = await log.openWriter({ createLog: true });
    `;
  const end = `
    await writer.flush();
    assert.equal(await log.count(), 3n);
    await (await log.openWriter()).close();
    try { await writer.append('late'); } catch (error) { assert.ok(error instanceof FencedError); }
    assert.deepEqual(taken, []);
    `;
  await writeFile(join(installed, 'page.mjs'), [prelude, ...others, end].join('\n'));
  await run('node', ['page.mjs'], { cwd: installed });
});
