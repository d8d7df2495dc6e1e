// How results and errors look as plain values. What is not there is `none`.

const NONE = 'none';

export const receipt = ({ dlsn, txid, sequenceId, durability, duplicate }) => ({
  dlsn: dlsn.toString(),
  txid,
  sequence_id: sequenceId ?? NONE,
  durability,
  duplicate,
});

export const record = ({ dlsn, txid, sequenceId, payload, recordSet }) => ({
  dlsn: dlsn.toString(),
  txid,
  sequence_id: sequenceId ?? NONE,
  payload: payload.toString('hex'),
  record_set: recordSet,
});

export const optional = (value, show = (value) => value) => (value === undefined ? NONE : show(value));

export const dlsn = (dlsn) => optional(dlsn, String);

export const info = ({ name, incarnation, segments, inProgress, sealed, firstReadable, maxTxid, owner }) => ({
  name,
  incarnation,
  segments: BigInt(segments),
  in_progress: inProgress,
  sealed,
  first_readable: firstReadable.toString(),
  max_txid: maxTxid ?? NONE,
  owner: owner ?? NONE,
});

export const segment = ({ number, id, truncation, firstTxid, firstSequenceId, completed }) => ({
  number,
  id,
  truncation: truncation.toString(),
  first_txid: firstTxid,
  first_sequence_id: firstSequenceId ?? NONE,
  completed: optional(completed, ({ records, lastTxid, lastDlsn, completedAt }) => ({
    records,
    last_txid: lastTxid,
    last_dlsn: dlsn(lastDlsn),
    completed_ms: BigInt(completedAt.getTime()),
  })),
});

export const cursor = ({ name, position, owner }) => ({ name, position: dlsn(position), owner: owner ?? NONE });

export const error = ({ kind, number, message, operation, context, dlsn: at, owner, retryable, mayHaveTakenEffect, receipts }) => ({
  kind,
  number: BigInt(number),
  message,
  operation: operation ?? NONE,
  context: context.option === undefined ? context : { ...context, option: snake(context.option) },
  dlsn: dlsn(at),
  owner: owner ?? NONE,
  retryable,
  may_have_taken_effect: mayHaveTakenEffect,
  ...(receipts === undefined ? {} : { receipts: receipts.map(receipt) }),
});

/** The options kept with a log, as texts. */
export function options(options) {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      snake(name),
      typeof value === 'number' ? unit(value, name.endsWith('Ms') ? TIMES : SIZES) : String(value),
    ]),
  );
}

/** The name of an option as the cases have it. */
function snake(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const SIZES = [['TiB', 2 ** 40], ['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10]];
const TIMES = [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000], ['ms', 1]];

function unit(value, units) {
  const [suffix, factor] = units.find(([, factor]) => value !== 0 && value % factor === 0) ?? ['', 1];
  return `${value / factor}${suffix}`;
}
