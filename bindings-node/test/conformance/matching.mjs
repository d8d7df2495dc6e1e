// Whether a result is what a case expects.

import { Dlsn } from 'distributed-log';
import { isTable, Mistake, payload } from './values.mjs';

/** Says where a result differs from an expectation: of tables, the fields that the expectation names. */
export function difference(expected, actual, place = '') {
  const differ = `${place}: expected ${brief(expected)}, got ${brief(actual)}`;
  if (isTable(expected)) {
    const verdict = comparison(expected, actual, place);
    if (verdict !== undefined) return verdict ? undefined : differ;
    if (typeof actual === 'string') return payload(expected) === actual ? undefined : differ;
  }
  if (isTable(actual) && 'payload' in actual && (typeof expected === 'string' || isTable(expected))) {
    return ofRecord(expected, actual, place);
  }
  if (isTable(expected) && isTable(actual)) return ofFields(expected, actual, place);
  if (Array.isArray(expected) && Array.isArray(actual)) return ofLists(expected, actual, place);
  return expected === actual ? undefined : differ;
}

function ofRecord(expected, record, place) {
  const wanted = payload(expected);
  if (wanted !== undefined && wanted !== record.payload) {
    return `${place}: expected the payload ${legible(wanted)}, got ${legible(record.payload)}`;
  }
  if (!isTable(expected)) return undefined;
  const { text, hex, bytes, seed, maybe, ...fields } = expected;
  return ofFields(fields, record, place);
}

function ofFields(expected, actual, place) {
  for (const [name, value] of Object.entries(expected)) {
    const here = place === '' ? name : `${place}.${name}`;
    if (!(name in actual)) return `${here}: there is no such field in ${brief(actual)}`;
    const found = difference(value, actual[name], here);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Items marked `maybe` may be missing from some point of their run on: what is there of the run is a prefix of it. */
function ofLists(expected, actual, place) {
  let at = 0;
  let runEnded = false;
  for (const item of expected) {
    const maybe = isTable(item) && 'maybe' in item;
    runEnded &&= maybe;
    if (runEnded) continue;
    const here = `${place}[${at}]`;
    const found = at < actual.length ? difference(item, actual[at], here) : `${here}: expected ${brief(item)}, but there is no more`;
    if (found === undefined) at++;
    else if (maybe) runEnded = true;
    else return found;
  }
  return at === actual.length ? undefined : `${place}: ${actual.length - at} more than expected, the first ${brief(actual[at])}`;
}

/** The verdict of an expectation that compares; `undefined` if it is a table of fields. */
function comparison(expected, actual, place) {
  const [[operator, operand] = [], another] = Object.entries(expected);
  if (another !== undefined) return undefined;
  switch (operator) {
    case 'gt':
      return order(actual, operand, place) > 0;
    case 'ge':
      return order(actual, operand, place) >= 0;
    case 'lt':
      return order(actual, operand, place) < 0;
    case 'le':
      return order(actual, operand, place) <= 0;
    case 'ne':
      return difference(operand, actual, place) !== undefined;
    case 'any':
      return operand.some((choice) => difference(choice, actual, place) === undefined);
    case 'len':
      return Array.isArray(actual) && BigInt(actual.length) === operand;
    default:
      return undefined;
  }
}

/** The order of two numbers or two DLSNs. */
function order(one, other, place) {
  if (typeof one === 'bigint' && typeof other === 'bigint') return one < other ? -1 : one > other ? 1 : 0;
  try {
    return Dlsn.parse(one).compare(Dlsn.parse(other));
  } catch {
    throw new Mistake(`${place}: ${brief(one)} and ${brief(other)} have no order`);
  }
}

/** A value for people. */
export function brief(value) {
  const text = JSON.stringify(value, (name, field) => {
    if (typeof field === 'bigint') return Number(field);
    return name === 'payload' && typeof field === 'string' ? legible(field) : field;
  });
  return text?.length > 1500 ? `${text.slice(0, 1500)}…` : text;
}

function legible(hex) {
  const text = Buffer.from(hex, 'hex').toString();
  return /^[\x20-\x7e]{0,80}$/.test(text) ? text : `${hex.slice(0, 40)} (${hex.length / 2} bytes)`;
}

