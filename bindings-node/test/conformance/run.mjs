// Runs a case in a world, step by step.

import { isCall, namesLog, OPENERS } from './language.mjs';
import { Ledger } from './ledger.mjs';
import { brief, difference } from './matching.mjs';
import { Mistake, newRecord, payload, Variables } from './values.mjs';

/** How long a call that is to stay pending is watched. */
const PATIENCE_MS = 30n;

/** Runs a case; throws what was not as expected. */
export async function run(World, each) {
  const world = await World.make(each.needs);
  try {
    await new Runner(world, World).steps(each);
  } finally {
    await world.end();
  }
}

class Runner {
  #world;
  #capabilities;
  #variables;
  /** The process of each handle, and its log. */
  #owners = new Map();
  #logs = new Map();
  /** Calls in flight by name: their process and their requests. */
  #calls = new Map();
  #ledger = new Ledger();

  constructor(world, World) {
    this.#world = world;
    this.#capabilities = World.capabilities;
    this.#variables = new Variables({ uri: world.uri, durability: World.durability });
  }

  async steps(each) {
    if (each.opens) await located('opening p', this.#step({ do: 'open' }));
    for (const [place, step] of each.steps.entries()) {
      await located(`step ${place + 1} (${step.do})`, this.#step(step));
    }
    if (each.audit) await located('audit', this.#audit());
  }

  async #step(step) {
    const results = [];
    for (let i = 0n; i < (step.repeat ?? 1n); i++) {
      if (isCall(step.do)) results.push(await this.#call(step, i));
      else await this.#happen(this.#variables.counting(i).resolve(step));
    }
    if (step.as !== undefined && !OPENERS.includes(step.do)) {
      this.#variables.bind(step.as, step.repeat === undefined ? results[0] : results);
    }
  }

  async #happen(step) {
    if (step.do === 'crash') {
      for (const [name, { process }] of this.#calls) if (process === step.process) this.#calls.delete(name);
    }
    if (step.do === 'damage') this.#ledger.damaged = true;
    await this.#world.happen(step);
  }

  /** Does a call once and compares what it answers. */
  async #call(step, i) {
    if (step.do === 'await' || step.do === 'retry') return this.#await(step);
    if (step.do === 'cancel' || step.do === 'still_pending') return this.#ask(step);
    const { about, repeat, expect, expect_error, or_error, ...plain } = step;
    const { process, request } = this.#prepare(this.#variables.counting(i).resolve(plain));
    if (request.start !== undefined) return this.#start(process, request);
    if (request.do === 'open' && !this.#world.isRunning(process)) await this.#world.start(process);
    this.#ledger.will(request);
    const reply = await this.#world.call(process, request);
    refuse(this.#ledger.did(request, reply));
    return this.#checked(step, i, reply);
  }

  /** Brings a request into the form agents take. */
  #prepare({ process = 'p', ...request }) {
    if (request.on !== undefined) {
      if (!this.#owners.has(request.on)) throw new Mistake(`there is no handle ${request.on}`);
      process = this.#owners.get(request.on);
      // For the ledger; an agent knows.
      request.log = this.#logs.get(request.on);
    } else if (namesLog(request.do)) {
      request.log ??= 'a';
    }
    if (OPENERS.includes(request.do) && request.as !== undefined) {
      this.#owners.set(request.as, process);
      this.#logs.set(request.as, request.log);
    }
    if (request.do === 'open') {
      request.uri ??= this.#world.uri;
      request.options = { client_id: process, journal_bytes: '4MiB', ...request.options };
    }
    if (request.record !== undefined) request.record = newRecord(request.record);
    if (request.records !== undefined) request.records = request.records.map(newRecord);
    if (request.data !== undefined) request.data = payload(request.data);
    return { process, request };
  }

  async #start(process, request) {
    const name = request.start;
    const started = this.#calls.get(name) ?? { process, requests: [] };
    this.#calls.set(name, started);
    request.start = `${name}/${started.requests.length}`;
    started.requests.push(request);
    this.#ledger.will(request);
    const reply = await this.#world.call(process, request);
    if (!('ok' in reply)) throw new Mistake(`it could not be started: ${brief(reply)}`);
    return reply.ok;
  }

  /** Awaits each call that was started under a name, or gives it up and awaits it anew. */
  async #await(step) {
    const { process, requests } = this.#started(step.call);
    this.#calls.delete(step.call);
    const results = [];
    for (const [i, request] of requests.entries()) {
      const { start, ...again } = request;
      const reply = await this.#world.call(process, { do: step.do, call: start, again });
      refuse(this.#ledger.did(request, reply));
      results.push(await located(`call ${i}`, this.#checked(step, i, reply)));
    }
    return results.length === 1 ? results[0] : results;
  }

  /** Cancels each call that was started under a name, or asks whether it is pending. */
  async #ask(step) {
    const { process, requests } = this.#started(step.call);
    if (step.do === 'cancel') this.#calls.delete(step.call);
    for (const i of requests.keys()) {
      const request = { do: step.do, call: `${step.call}/${i}`, patience_ms: PATIENCE_MS };
      const reply = await this.#world.call(process, request);
      if (!('ok' in reply)) throw new Mistake(brief(reply));
      if (step.do === 'still_pending' && reply.ok !== true) throw new Error(`call ${i} has ended`);
    }
    return {};
  }

  #started(name) {
    const started = this.#calls.get(name);
    if (started === undefined) throw new Mistake(`no call ${name} is in flight`);
    return started;
  }

  /** The result, if it is as expected; of an error, the error. */
  async #checked(step, i, reply) {
    const variables = this.#variables.counting(i);
    const expected = (name) => (name in step ? variables.resolve(step[name]) : undefined);
    if ('wrong' in reply) throw new Mistake(reply.wrong);
    if ('ok' in reply) {
      const error = expected('expect_error');
      if (error !== undefined) throw new Error(`expected the error ${brief(error)}, got ${brief(reply.ok)}`);
      if ('expect' in step) refuse(difference(expected('expect'), reply.ok));
      return reply.ok;
    }
    const error = expected('expect_error') ?? expected('or_error');
    if (error === undefined) throw new Error(`it failed: ${brief(reply.error)}`);
    const found = difference(typeof error === 'string' ? { kind: error } : error, reply.error);
    if (found !== undefined) throw new Error(`${found}, in the error ${brief(reply.error)}`);
    return reply.error;
  }

  /** Looks for what was acknowledged. */
  async #audit() {
    const known = ['p', ...this.#owners.values()];
    const reachable = this.#capabilities.includes('persistent') || known.some((process) => this.#world.isRunning(process));
    const logs = this.#ledger.logs();
    if (!reachable || logs.length === 0) return;
    await this.#step({ do: 'open', process: 'auditor' });
    for (const log of logs) {
      const reply = await this.#world.call('auditor', { do: 'read', log, options: { on_truncated: 'skip' } });
      if (!('ok' in reply)) throw new Error(`log ${log} cannot be read: ${brief(reply)}`);
      refuse(this.#ledger.audit(log, reply.ok));
    }
  }
}

function refuse(wrong) {
  if (wrong !== undefined) throw new Error(wrong);
}

async function located(place, work) {
  try {
    return await work;
  } catch (error) {
    error.message = `${place}: ${error.message}`;
    throw error;
  }
}
