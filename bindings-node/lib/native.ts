/** The native half of the package, and what it looks like from here. `src/*.rs` has the other side. */

/** An error as plain values. */
export interface NativeError {
  kind: string;
  number: number;
  message: string;
  operation?: string;
  /** Keys and values in turn. */
  context: string[];
  dlsn?: string;
  retryable: boolean;
  mayHaveTakenEffect: boolean;
  causes: string[];
  receipts?: BigInt64Array;
}

export interface NativeBatch {
  records: number;
  numbers: BigInt64Array;
  payloads: Buffer;
  position: string;
  end?: string;
}

export interface NativeChunk {
  data?: Buffer;
  position: bigint;
  end?: string;
}

export interface NativeLogInfo {
  name: string;
  incarnation: bigint;
  segments: number;
  inProgress: boolean;
  sealed: boolean;
  firstReadable: string;
  maxTxid?: bigint;
  owner?: string;
}

export interface NativeSegment {
  number: bigint;
  id: bigint;
  truncation: string;
  firstTxid: bigint;
  firstSequenceId?: bigint;
  completed?: { records: bigint; lastTxid: bigint; lastDlsn?: string; completedMs: number };
}

export interface NativeCursorInfo {
  name: string;
  position?: string;
  owner?: string;
}

export interface NativeLogChange {
  created?: string;
  deleted?: string;
  listed?: boolean;
}

export interface NativeFinding {
  severity: string;
  subject: string;
  message: string;
  file?: string;
  offset?: number;
  segmentId?: bigint;
  log?: string;
  segment?: bigint;
  /** First and last of each run in turn. */
  wholeEntries: bigint[];
  kept?: string;
  safe: string[];
}

export interface NativeInProgress {
  log: string;
  segment: bigint;
  segmentId: bigint;
  entries: bigint;
  records?: bigint;
  lastDlsn?: string;
  unfinishedBytes: number;
  owner?: string;
  ownerAlive: boolean;
}

export interface NativeVerification {
  findings: NativeFinding[];
  files: number;
  bytes: number;
  inUse: boolean;
  inProgress: NativeInProgress[];
}

export interface NativeNamespaceInfo {
  driver: string;
  format?: {
    version: number;
    compatible: bigint;
    readOnlyCompatible: bigint;
    incompatible: bigint;
    known: boolean;
  };
  logs?: number;
  processes: { id: number; clientId: string }[];
  journals: number;
  journalBytes: number;
  segments: number;
  segmentBytes: number;
  metadataBytes: number;
}

export interface NativeEvent {
  target: string;
  level: string;
  message: string;
  kind?: string;
  /** Keys and values in turn. */
  context: string[];
  text: string;
}

export interface NativePort {
  take(): { receipts?: BigInt64Array; others: unknown[] };
  look(): boolean;
  cancel(call: number): void;
  giveUp(call: number): void;
  hold(hold: boolean): void;
}

export interface NativeNamespace {
  createLog(call: number, name: string): void;
  openLog(call: number, name: string): void;
  log(name: string): NativeLog | NativeError;
  logExists(call: number, name: string): void;
  deleteLog(call: number, name: string): void;
  renameLog(call: number, from: string, to: string): void;
  listLogs(call: number, prefix: string, after?: string, limit?: number): void;
  watchLogs(call: number, prefix: string): void;
  metrics(call: number, byLog: boolean): void;
  close(call: number): void;
}

export interface NativeLog {
  name(): string;
  openWriter(call: number, options: string[]): void;
  openReader(call: number, options: string[]): void;
  openByteWriter(call: number, options: string[]): void;
  openByteReader(call: number, options: string[]): void;
  info(call: number): void;
  segments(call: number): void;
  watchSegments(call: number): void;
  truncate(call: number, before: string): void;
  dlsnAtTxid(call: number, txid: bigint): void;
  firstRecord(call: number): void;
  lastRecord(call: number): void;
  count(call: number, from?: string, until?: string): void;
  recover(call: number): void;
  applyRetention(call: number): void;
  options(call: number): void;
  setOptions(call: number, options: string[]): void;
  cursor(call: number, name: string): void;
  cursors(call: number): void;
  userMetadata(call: number): void;
  setUserMetadata(call: number, data: Uint8Array): void;
}

export interface NativeWriter {
  append(call: number, payload: Uint8Array, txid?: bigint, ifLast?: string): void;
  tryAppend(call: number, payload: Uint8Array, txid?: bigint): boolean | NativeError;
  appendMany(call: number, data: Uint8Array, lengths: Uint32Array, txids?: BigInt64Array): void;
  appendBatch(call: number, data: Uint8Array, lengths: Uint32Array, txids?: BigInt64Array, ifLast?: string): void;
  appendRecordSet(
    call: number,
    data: Uint8Array,
    lengths: Uint32Array,
    txid: bigint | undefined,
    compression: string,
    ifLast?: string,
  ): void;
  ready(call: number): void;
  flush(call: number): void;
  truncate(call: number, before: string): void;
  seal(call: number): void;
  close(call: number): void;
  abort(): void;
  fenced(call: number): void;
  last(): { dlsn?: string; txid?: bigint };
}

export interface NativeReader {
  fetch(call: number, max: number, wait: number, ready: boolean): NativeBatch | null;
  start(): string;
  cursor(): NativeCursor | null;
  close(call: number): void;
}

export interface NativeCursor {
  name(): string;
  position(call: number): void;
  advance(call: number, to: string): void;
  reset(call: number, to: string): void;
  remove(call: number): void;
}

export interface NativeWatcher {
  next(call: number): void;
  close(call: number): void;
}

export interface NativeByteWriter {
  position(): bigint;
  write(call: number, data: Uint8Array): void;
  flush(call: number): void;
  seal(call: number): void;
  close(call: number): void;
  abort(): void;
  fenced(call: number): void;
}

export interface NativeByteReader {
  start(): bigint;
  fetch(call: number): void;
  look(call: number): void;
  seek(call: number, offset: bigint): void;
  close(call: number): void;
}

interface Native {
  Port: new (bell: () => void) => NativePort;
  openNamespace(port: NativePort, call: number, uri: string, options: string[], events?: number): void;
  verifyNamespace(port: NativePort, call: number, uri: string, options: string[], log?: string): void;
  inspectNamespace(port: NativePort, call: number, uri: string, options: string[]): void;
  parseDlsn(text: string): string | NativeError;
  directoryUri(path: string): string | NativeError;
}

function load(): Native {
  const platform = `${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`;
  try {
    return require(`../distributed-log.${platform}.node`) as Native;
  } catch (cause) {
    throw new Error(`distributed-log has no binary that runs here (${platform})`, { cause });
  }
}

export const native: Native = load();
