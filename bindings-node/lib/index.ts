/**
 * A durable, strictly ordered, append-only log with exactly one writer at a time and many readers, embedded or
 * replicated. Begin with {@link Namespace.open}.
 *
 * @packageDocumentation
 */

export { ByteReader, ByteWriter } from './byte-streams';
export type { Waiting } from './calls';
export { Receipt, Record } from './columns';
export type { Durability } from './columns';
export { Cursor } from './cursor';
export type { CursorInfo } from './cursor';
export { Dlsn } from './dlsn';
export type { DlsnLike } from './dlsn';
export {
  AlreadyExistsError,
  BusyError,
  CancelledError,
  ClosedError,
  ConditionFailedError,
  CorruptError,
  DlError,
  FencedError,
  InternalError,
  InvalidArgumentError,
  LockedError,
  NotFoundError,
  PermissionDeniedError,
  QuotaExceededError,
  SealedError,
  StorageFullError,
  TimeoutError,
  TooLargeError,
  TruncatedError,
  UnauthenticatedError,
  UnavailableError,
  UnsupportedError,
} from './errors';
export type { ErrorDetails, ErrorKind } from './errors';
export type { LogInfo, SegmentEnd, SegmentInfo } from './info';
export { Log } from './log';
export { fileUri, Namespace } from './namespace';
export type { ListOptions, Listening } from './namespace';
export type {
  Finding,
  FormatInfo,
  InProgress,
  NamespaceEvent,
  NamespaceInfo,
  ProcessInfo,
  Verification,
} from './operating';
export type {
  AtTxid,
  Compression,
  LogOptions,
  NamespaceOptions,
  Quantity,
  ReaderOptions,
  Start,
  Takeover,
  Wait,
  WriterOptions,
} from './options';
export { Reader } from './reader';
export type { End, NextBatchOptions } from './reader';
export type { WriterStreamOptions } from './streams';
export type { Int64, NewRecord, Payload } from './values';
export { LogWatcher, SegmentWatcher } from './watchers';
export type { LogChange } from './watchers';
export { Writer } from './writer';
export type { AppendOptions, BatchOptions, Condition, RecordSetOptions, TryAppendOptions } from './writer';
