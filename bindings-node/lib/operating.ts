/** What an operator asks: events, verification, inspection. */

import { Dlsn } from './dlsn';
import type { ErrorKind } from './errors';
import type { NativeEvent, NativeFinding, NativeInProgress, NativeNamespaceInfo, NativeVerification } from './native';

/** Something that an operator wants to hear of. The repository's docs/metrics.md lists them. */
export interface NamespaceEvent {
  /** Area and name, such as `writer.fenced`. It never changes. */
  target: string;
  /** How much it matters. */
  level: 'info' | 'warn' | 'error';
  /** What happened, in words that may change. */
  message: string;
  /** The kind of the error behind it, if there is one. */
  kind: ErrorKind | undefined;
  /** What it happened to, such as `log`, `segment`, `file` and `owner`. */
  context: Readonly<{ [key: string]: string }>;
  /** All of it as one line. */
  text: string;
}

/** What verifying a namespace found. No findings: every byte that counts is as it was written. */
export interface Verification {
  /** What is not as it was written, by file. */
  findings: Finding[];
  /** The number of files that were read. */
  files: number;
  /** The bytes that were read. */
  bytes: number;
  /** Whether other processes have the namespace open. */
  inUse: boolean;
  /** The segments that a writer has in progress, or left so. */
  inProgress: InProgress[];
}

/** One thing that is not as it was written, or not where it belongs. */
export interface Finding {
  /** How bad it is: `notice`, if no acknowledged record depends on it. */
  severity: 'notice' | 'damage';
  /** What kind of file it is about; a `stranger` is not the namespace's. */
  subject: 'format' | 'control' | 'metadata' | 'journal' | 'segment' | 'stranger';
  /** What is wrong, in words. */
  message: string;
  /** The file; `undefined` if it is about what several say. */
  file: string | undefined;
  /** The place in the file. */
  offset: number | undefined;
  /** The segment, as its store calls it. */
  segmentId: bigint | undefined;
  /** The log that the segment belongs to, where known. */
  log: string | undefined;
  /** The number of the segment in its log, where known. */
  segment: bigint | undefined;
  /** The entries of the segment that are whole: first and last of each run. */
  wholeEntries: [first: bigint, last: bigint][];
  /** What is provably kept, in words. */
  kept: string | undefined;
  /** What is safe to do: commands. */
  safe: string[];
}

/** A segment in progress, as the next writer would find it. */
export interface InProgress {
  /** Its log. */
  log: string;
  /** Its number. */
  segment: bigint;
  /** What its store calls it. */
  segmentId: bigint;
  /** The number of its entries that are provably kept. */
  entries: bigint;
  /** The number of records in them; `undefined` if the last entry is only in a journal. */
  records: bigint | undefined;
  /** The position of the last of them, where known. */
  lastDlsn: Dlsn | undefined;
  /** Bytes behind them that are no whole entry: they were never acknowledged, or power was lost. */
  unfinishedBytes: number;
  /** How the writer that holds the log named itself, if one does or did not let go of it. */
  owner: string | undefined;
  /** Whether that writer's process lives. */
  ownerAlive: boolean;
}

/** What a namespace is, seen from outside. */
export interface NamespaceInfo {
  /** The driver: `memory`, `file` or `bookkeeper`. */
  driver: string;
  /** What its format file says, where there is one. */
  format: FormatInfo | undefined;
  /** The number of its logs; `undefined` if its metadata cannot be read, or not by this version. */
  logs: number | undefined;
  /** The processes that have it open for writing. */
  processes: ProcessInfo[];
  /** The number of journals. */
  journals: number;
  /** The bytes that these take. */
  journalBytes: number;
  /** The number of segment files. */
  segments: number;
  /** The bytes that these take. */
  segmentBytes: number;
  /** The bytes that the metadata takes. */
  metadataBytes: number;
}

/** The format of a namespace directory: its version and the features that it uses, as bits. */
export interface FormatInfo {
  /** Its version. */
  version: number;
  /** Features that a version which does not know them may ignore. */
  compatible: bigint;
  /** Features with which such a version may only read. */
  readOnlyCompatible: bigint;
  /** Features with which such a version may do nothing. */
  incompatible: bigint;
  /** Whether this version knows all that it must know to write. */
  known: boolean;
}

/** A process that has a namespace open. */
export interface ProcessInfo {
  /** Its process id. */
  id: number;
  /** How it names itself as the owner of a log. */
  clientId: string;
}

/** @internal */
export function namespaceEvent(native: NativeEvent): NamespaceEvent {
  const context: { [key: string]: string } = {};
  for (let at = 0; at + 1 < native.context.length; at += 2) context[native.context[at] as string] = native.context[at + 1] as string;
  const { target, level, message, kind, text } = native;
  return {
    target,
    level: level as NamespaceEvent['level'],
    message,
    kind: (kind ?? undefined) as ErrorKind | undefined,
    context,
    text,
  };
}

/** @internal */
export function verification(native: NativeVerification): Verification {
  return { ...native, findings: native.findings.map(finding), inProgress: native.inProgress.map(inProgress) };
}

function finding(native: NativeFinding): Finding {
  const wholeEntries: [bigint, bigint][] = [];
  for (let at = 0; at + 1 < native.wholeEntries.length; at += 2) {
    wholeEntries.push([native.wholeEntries[at] as bigint, native.wholeEntries[at + 1] as bigint]);
  }
  return {
    severity: native.severity as Finding['severity'],
    subject: native.subject as Finding['subject'],
    message: native.message,
    file: native.file ?? undefined,
    offset: native.offset ?? undefined,
    segmentId: native.segmentId ?? undefined,
    log: native.log ?? undefined,
    segment: native.segment ?? undefined,
    wholeEntries,
    kept: native.kept ?? undefined,
    safe: native.safe,
  };
}

function inProgress(native: NativeInProgress): InProgress {
  return {
    ...native,
    records: native.records ?? undefined,
    lastDlsn: native.lastDlsn ? Dlsn.trusted(native.lastDlsn) : undefined,
    owner: native.owner ?? undefined,
  };
}

/** @internal */
export function namespaceInfo(native: NativeNamespaceInfo): NamespaceInfo {
  return { ...native, format: native.format ?? undefined, logs: native.logs ?? undefined };
}
