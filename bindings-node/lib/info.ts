/** What is known about logs and segments. */

import { Dlsn } from './dlsn';
import type { NativeLogInfo, NativeSegment } from './native';

/** What the metadata says about a log. */
export interface LogInfo {
  /** Its name. */
  name: string;
  /** Tells a log from an earlier one of the same name. */
  incarnation: bigint;
  /** The number of its segments, truncated ones that are still kept included. */
  segments: number;
  /** Whether a segment is in progress: a writer is open, or was and did not end it. */
  inProgress: boolean;
  /** Whether it was sealed. */
  sealed: boolean;
  /** The point of truncation: no record below it is read. */
  firstReadable: Dlsn;
  /** The largest txid of its completed segments; `undefined` if it never had a record, and of a sealed log. */
  maxTxid: bigint | undefined;
  /** How its writer named itself, if there is one. */
  owner: string | undefined;
}

/** What the metadata says about a segment. */
export interface SegmentInfo {
  /** Its number; 0 for the oldest ones that Java DistributedLog wrote. */
  number: bigint;
  /** What it is called in its store. */
  id: bigint;
  /** How much of it was truncated: nothing, all (it is kept to count on from), or what lies below a position. */
  truncation: 'none' | 'whole' | Dlsn;
  /** A lower bound of the txids of its records. */
  firstTxid: bigint;
  /** The sequence id of its first record, where counted and known. */
  firstSequenceId: bigint | undefined;
  /** What completion said; `undefined` while it is in progress. */
  completed: SegmentEnd | undefined;
}

/** The end of a completed segment. */
export interface SegmentEnd {
  /** The number of its records. */
  records: bigint;
  /** The txid of its last record. */
  lastTxid: bigint;
  /** The position of its last record, which may be a control record; `undefined` if it has none. */
  lastDlsn: Dlsn | undefined;
  /** When it was completed. */
  completedAt: Date;
}

/** @internal */
export function logInfo(native: NativeLogInfo): LogInfo {
  return {
    ...native,
    firstReadable: Dlsn.trusted(native.firstReadable),
    maxTxid: native.maxTxid ?? undefined,
    owner: native.owner ?? undefined,
  };
}

/** @internal */
export function segment(native: NativeSegment): SegmentInfo {
  const { completed, truncation } = native;
  return {
    number: native.number,
    id: native.id,
    truncation: truncation === 'none' || truncation === 'whole' ? truncation : Dlsn.trusted(truncation),
    firstTxid: native.firstTxid,
    firstSequenceId: native.firstSequenceId ?? undefined,
    completed: completed
      ? {
          records: completed.records,
          lastTxid: completed.lastTxid,
          lastDlsn: completed.lastDlsn ? Dlsn.trusted(completed.lastDlsn) : undefined,
          completedAt: new Date(completed.completedMs),
        }
      : undefined,
  };
}
