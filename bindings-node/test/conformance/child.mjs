// A process of a case: it answers a request a line until there are no more.

import { createInterface } from 'node:readline';
import { Agent } from './agent.mjs';
import { parse, stringify } from './values.mjs';

const agent = new Agent();
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${stringify(await agent.handle(parse(line)))}\n`);
}
process.exit();
