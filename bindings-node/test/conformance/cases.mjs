// Reads the cases and refuses what is not in the language.

import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { CAPABILITIES, isCall, mistake, OPENERS } from './language.mjs';
import { names } from './values.mjs';

const FOLDER = new URL('../../../dl-core/testdata/conformance/', import.meta.url);

const FIELDS = ['name', 'promises', 'needs', 'about', 'opens', 'audit', 'steps'];

/** All cases, in the order of their files. */
export function load() {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.toml'));
  const cases = files.sort().flatMap((file) => read(readFileSync(new URL(file, FOLDER), 'utf8')));
  const mistakes = cases.flatMap(check);
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  return cases;
}

/** The cases of a file. */
export function read(text) {
  const { case: cases } = parse(text, { integersAsBigInt: true });
  return cases.map((each) => ({ needs: [], about: '', opens: true, audit: true, ...each }));
}

/** What can be seen to be wrong without running it. */
export function check(each) {
  const wrong = [];
  const add = (text) => wrong.push(`${each.name}: ${text}`);
  const stray = Object.keys(each).find((field) => !FIELDS.includes(field));
  if (stray !== undefined) add(`a case has no ${stray}`);
  const unknown = each.needs.find((need) => !CAPABILITIES.includes(need));
  if (unknown !== undefined) add(`there is no capability ${unknown}`);
  const bound = new Map([['i', true], ['uri', true], ['durability', true]]);
  /** Of each call in flight and each handle its process. */
  const calls = new Map();
  const handles = new Map();
  for (const [place, step] of each.steps.entries()) {
    const at = (text) => add(`step ${place + 1}: ${text}`);
    const found = mistake(step, each.needs);
    if (found !== undefined) at(found);
    for (const name of names(step)) {
      if (!bound.has(name)) at(`nothing is bound to $${name}`);
      bound.set(name, true);
    }
    if (step.on !== undefined && !handles.has(step.on)) at(`there is no handle ${step.on}`);
    const process = handles.get(step.on) ?? step.process ?? 'p';
    if (step.as !== undefined && OPENERS.includes(step.do)) handles.set(step.as, process);
    else if (step.as !== undefined) bound.set(step.as, false);
    if (step.do === 'drop') handles.delete(step.on);
    if (['await', 'cancel', 'retry', 'still_pending'].includes(step.do) && !calls.has(step.call)) at(`no call ${step.call} is in flight`);
    if (['await', 'cancel', 'retry'].includes(step.do)) calls.delete(step.call);
    if (isCall(step.do) && step.start !== undefined) calls.set(step.start, process);
    if (step.do === 'power_loss') calls.clear();
    if (step.do === 'crash') for (const [call, of] of calls) if (of === process) calls.delete(call);
  }
  for (const [name, used] of bound) if (!used) add(`$${name} is bound and never used`);
  for (const call of calls.keys()) add(`the call ${call} is never awaited or cancelled`);
  return wrong;
}
