// The steps there are, and what each takes: dl-core/testdata/conformance/README.md says what they do.

/** What a world may be capable of. */
export const CAPABILITIES = [
  'clock',
  'crash',
  'damage',
  'directory',
  'faults',
  'fill',
  'freeze',
  'nul',
  'persistent',
  'power',
  'processes',
  'stall',
];

/** The steps whose `as` names a handle instead of the result. */
export const OPENERS = [
  'open_log',
  'open_writer',
  'open_reader',
  'open_byte_writer',
  'open_byte_reader',
  'open_cursor',
  'watch_logs',
  'watch_segments',
];

const EVERY = ['do', 'about', 'repeat'];
const CALLS = [...EVERY, 'process', 'start', 'expect', 'expect_error', 'or_error'];

/** Changes of the world: what they need, and what they take. */
const CHANGES = {
  crash: ['crash', 'process'],
  freeze: ['freeze', 'process'],
  wake: ['freeze', 'process'],
  power_loss: ['power'],
  stall: ['stall'],
  resume: ['stall'],
  fill: ['fill'],
  free: ['fill'],
  fail_sync: ['faults'],
  damage: ['damage', 'text'],
  pass_time: ['clock', 'ms'],
  step_clock: ['clock', 'ms'],
};

/** Calls: what they must and may take; `log` stands for `on` or `log`. */
const FIELDS = {
  await: 'call as?',
  cancel: 'call',
  retry: 'call as?',
  still_pending: 'call',
  open: 'uri? options?',
  create_log: 'log?',
  open_log: 'as log?',
  delete_log: 'log?',
  rename_log: 'to log?',
  log_exists: 'log?',
  list_logs: 'prefix? after? limit?',
  watch_logs: 'as prefix?',
  parse_dlsn: 'text',
  open_writer: 'on? log? options? as?',
  open_reader: 'on? log? options? as?',
  read: 'on? log? options? as?',
  open_byte_writer: 'on? log? options? as?',
  open_byte_reader: 'on? log? options? as?',
  first_record: 'on? log? as?',
  last_record: 'on? log? as?',
  info: 'on? log? as?',
  segments: 'on? log? as?',
  watch_segments: 'as on? log?',
  dlsn_at_txid: 'txid on? log? as?',
  count: 'on? log? from? until? as?',
  recover: 'on? log?',
  apply_retention: 'on? log? as?',
  log_options: 'on? log?',
  set_log_options: 'options on? log?',
  open_cursor: 'name as on? log?',
  cursors: 'on? log? as?',
  user_metadata: 'on? log?',
  set_user_metadata: 'data on? log?',
  truncate: 'before on? log? as?',
  append: 'on record if_last? as?',
  try_append: 'on record as?',
  append_many: 'on records as?',
  append_batch: 'on records if_last? as?',
  append_record_set: 'on records txid? compression? if_last? as?',
  flush: 'on',
  seal: 'on',
  abort: 'on',
  last_dlsn: 'on as?',
  last_txid: 'on as?',
  fenced: 'on',
  write: 'on data as?',
  next: 'on as?',
  next_batch: 'on max wait_ms as?',
  end: 'on',
  position: 'on as?',
  advance: 'on to as?',
  reset: 'on to',
  delete: 'on',
  read_bytes: 'on max as?',
  next_chunk: 'on as?',
  seek: 'on offset',
  close: 'on?',
  drop: 'on',
};

/** Whether a process does it; else the world is changed. */
export function isCall(name) {
  return name in FIELDS;
}

/** Whether it is about a log that is named by `log`. */
export function namesLog(name) {
  return FIELDS[name]?.split(' ').includes('log?') ?? false;
}

/** What is wrong with a step, if something is; `needs` is what its case says it needs. */
export function mistake(step, needs) {
  const name = step.do;
  const change = CHANGES[name];
  if (change === undefined && !isCall(name)) return `there is no step ${name}`;
  const [need, ...required] = change ?? [undefined, ...FIELDS[name].split(' ')];
  if (need !== undefined && !needs.includes(need)) return `the case has to say that it needs ${need}`;
  const known = [...(change === undefined ? CALLS : EVERY), ...required.map((field) => field.replace('?', ''))];
  const stray = Object.keys(step).find((field) => !known.includes(field));
  if (stray !== undefined) return `${name} takes no ${stray}`;
  const missing = required.find((field) => !field.endsWith('?') && !(field in step));
  if (missing !== undefined) return `${name} needs ${missing}`;
  if ('expect_error' in step && ('expect' in step || 'or_error' in step)) return 'it expects an error and something else';
  const expects = ['expect', 'expect_error', 'or_error'].some((field) => field in step);
  return 'start' in step && expects ? 'what a started call answers is expected where it is awaited' : undefined;
}
