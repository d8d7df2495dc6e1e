// What holds in every case: acknowledged records are in the log, once, in order, and nothing else that was not appended.

import { Dlsn } from 'distributed-log';
import { brief } from './matching.mjs';

/** What the processes of a case were told. */
export class Ledger {
  #logs = new Map();
  /** Whether stored bytes were changed: nothing is asked of a damaged namespace. */
  damaged = false;

  /** Notes what a call may do. */
  will(request) {
    for (const payload of payloads(request)) this.#told(request).appended.add(payload);
  }

  /** Notes what a call did; answers what is wrong with it. */
  did(request, reply) {
    // Of records that were appended one by one, an error has the receipts of those in front of the one that failed.
    if (!('ok' in reply)) return this.#acknowledged(request, reply.error?.receipts ?? []);
    const told = this.#told(request);
    if (request.do === 'delete_log') this.#logs.delete(plain(request.log));
    if (request.do === 'rename_log') {
      this.#logs.delete(plain(request.log));
      this.#logs.set(plain(request.to), told);
    }
    if (['truncate', 'apply_retention'].includes(request.do) && typeof reply.ok === 'string') {
      const point = Dlsn.parse(reply.ok);
      if (told.point === undefined || told.point.compare(point) < 0) told.point = point;
    }
    const receipts = Array.isArray(reply.ok) ? reply.ok : [reply.ok];
    const missing = payloads(request).findIndex((_, place) => receipts[place]?.dlsn === undefined);
    return missing < 0 ? this.#acknowledged(request, receipts) : `${brief(receipts[missing])} is no receipt`;
  }

  /** Notes the receipts of the first records of a request; answers what is wrong with them. */
  #acknowledged(request, receipts) {
    const told = this.#told(request);
    for (const [place, payload] of payloads(request).slice(0, receipts.length).entries()) {
      const { dlsn } = receipts[place];
      if (told.acknowledged.has(dlsn)) return `${dlsn} was acknowledged twice`;
      told.acknowledged.set(dlsn, payload);
    }
    return undefined;
  }

  /** The logs with acknowledged records. */
  logs() {
    return this.damaged ? [] : [...this.#logs].filter(([, { acknowledged }]) => acknowledged.size > 0).map(([name]) => name);
  }

  /** Compares with what a reader found, from the first readable record to the end; answers what is wrong. */
  audit(log, { records }) {
    const { appended, acknowledged, point = new Dlsn(0n, 0n, 0n) } = this.#logs.get(log);
    const found = new Map();
    let last;
    for (const record of records) {
      const dlsn = Dlsn.parse(record.dlsn);
      const counted = last === undefined || record.sequence_id === 'none' || record.sequence_id === last.sequence_id + 1n;
      if (last !== undefined && (dlsn.compare(Dlsn.parse(last.dlsn)) <= 0 || record.txid < last.txid || !counted)) {
        return `${brief(record)} comes behind ${brief(last)}`;
      }
      if (!appended.has(record.payload)) return `${brief(record)} was never appended`;
      if (dlsn.compare(point) < 0) return `${dlsn} is below the point of truncation, ${point}`;
      found.set(record.dlsn, record.payload);
      last = record;
    }
    for (const [dlsn, payload] of acknowledged) {
      if (Dlsn.parse(dlsn).compare(point) >= 0 && found.get(dlsn) !== payload) {
        return `${dlsn} was acknowledged and is not there`;
      }
    }
    return undefined;
  }

  #told(request) {
    const name = plain(request.log);
    if (!this.#logs.has(name)) this.#logs.set(name, { appended: new Set(), acknowledged: new Map(), point: undefined });
    return this.#logs.get(name);
  }
}

/** A log has the same name with and without a leading slash. */
function plain(log = '') {
  return log.replace(/^\/+/, '');
}

function payloads({ record, records = [] }) {
  return (record === undefined ? records : [record]).map(({ payload }) => payload);
}
