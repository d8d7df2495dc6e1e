// One process of a case: it has the namespace open, keeps handles and calls in flight, and does what requests say.

import { setTimeout as pass } from 'node:timers/promises';
import { DlError } from 'distributed-log';
import { Mistake } from './values.mjs';
import * as show from './show.mjs';
import { onNamespace } from './calls.mjs';

/** See the module. */
export class Agent {
  /** The namespace, and what is open in it by name. */
  open = { namespace: undefined, handles: new Map() };
  #calls = new Map();

  /** Does what the request says. */
  async handle(request) {
    try {
      return await this.#dispatch(request);
    } catch (error) {
      return { wrong: error instanceof Mistake ? error.message : (error.stack ?? String(error)) };
    }
  }

  async #dispatch(request) {
    switch (request.do) {
      case 'await': {
        const { reply } = this.#take(request.call);
        return reply;
      }
      case 'cancel': {
        const { given, reply } = this.#take(request.call);
        given.abort();
        await reply;
        return { ok: {} };
      }
      case 'retry': {
        const { given, reply } = this.#take(request.call);
        given.abort();
        const answer = await reply;
        return answer.error?.kind === 'cancelled' ? await this.#dispatch(request.again) : answer;
      }
      case 'still_pending': {
        const { reply } = this.#find(request.call);
        return { ok: await Promise.race([reply.then(() => false), pass(Number(request.patience_ms), true)]) };
      }
    }
    const given = new AbortController();
    const reply = replied(onNamespace(this.open, request, given.signal));
    if (request.start === undefined) return reply;
    this.#calls.set(request.start, { given, reply });
    return { ok: {} };
  }

  #find(name) {
    const call = this.#calls.get(name);
    if (call === undefined) throw new Mistake(`no call ${name} is in flight`);
    return call;
  }

  #take(name) {
    const call = this.#find(name);
    this.#calls.delete(name);
    return call;
  }
}

async function replied(call) {
  try {
    return { ok: (await call) ?? {} };
  } catch (error) {
    return error instanceof DlError ? { error: show.error(error) } : { wrong: error.stack ?? String(error) };
  }
}
