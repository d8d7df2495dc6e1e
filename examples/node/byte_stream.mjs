// A log as one run of bytes.
//
//   node byte_stream.mjs [file:///tmp/files]

import { text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Namespace } from 'distributed-log';

const namespace = await Namespace.open(process.argv[2] ?? 'memory:example');
await namespace.createLog('image');
const log = await namespace.openLog('image');

// A stream of Node into the log: when the pipeline ends, all of it is durable.
const first = await log.openByteWriter();
await pipeline(Readable.from(['0123456789', 'abcdefghij']), first.stream());
console.log(`written: ${first.position} bytes`);

// A later writer goes on at the end; nobody else can write meanwhile.
const second = await log.openByteWriter();
await second.write('!');
await second.seal();
await second.close();

const reader = await log.openByteReader();
await reader.seek(8);
console.log(`from byte 8: ${await text(reader.stream())}`);

await namespace.deleteLog('image');
await namespace.close();
