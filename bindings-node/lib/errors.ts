/** Errors: a class for each kind, with the same names and numbers as in every other language. */

import { types } from 'node:util';
import { receipts, type Receipt } from './columns';
import { Dlsn } from './dlsn';
import type { NativeError } from './native';

/** The kinds of errors. Kinds are added, never renamed. */
export type ErrorKind =
  | 'invalid-argument'
  | 'not-found'
  | 'already-exists'
  | 'fenced'
  | 'sealed'
  | 'truncated'
  | 'condition-failed'
  | 'too-large'
  | 'closed'
  | 'cancelled'
  | 'timeout'
  | 'unavailable'
  | 'storage-full'
  | 'corrupt'
  | 'permission-denied'
  | 'unauthenticated'
  | 'quota-exceeded'
  | 'unsupported'
  | 'locked'
  | 'internal'
  | 'busy';

/** What a {@link DlError} says besides its message: see its fields of the same names. */
export interface ErrorDetails {
  /** The number. If absent: that of the kind. */
  number?: number;
  /** The operation that failed. */
  operation?: string;
  /** What it was about. */
  context?: { readonly [key: string]: string };
  /** The position it speaks of. */
  dlsn?: Dlsn;
  /** Whether the same call may succeed later. */
  retryable?: boolean;
  /** Whether the operation could have taken effect. */
  mayHaveTakenEffect?: boolean;
  /** What was acknowledged in front of it. */
  receipts?: readonly Receipt[];
  /** What it was caused by. */
  cause?: unknown;
}

/** What went wrong, to what, and what the caller may do next. Each kind has a class of its own below this one. */
export class DlError extends Error {
  /** The kind, lower case with hyphens: `fenced`. */
  readonly kind: ErrorKind;
  /** The same as {@link kind}, where Node looks for it. */
  readonly code: ErrorKind;
  /** The number of the kind, or the one received if this version does not know it. */
  readonly number: number;
  /** The operation that failed, such as `append`. */
  readonly operation: string | undefined;
  /** What it was about: `log`, `segment`, `entry`, `file`, `offset`, `owner`, …. */
  readonly context: { readonly [key: string]: string };
  /** The position it speaks of: the first readable one for `truncated`, the actual last one for `condition-failed`. */
  readonly dlsn: Dlsn | undefined;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Whether the operation could have taken effect although it failed. */
  readonly mayHaveTakenEffect: boolean;
  /** Of {@link Writer.appendMany}: the receipts of the records in front of the one that failed. */
  readonly receipts: readonly Receipt[] | undefined;

  /** Errors are made by this package. */
  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.kind = kind;
    this.code = kind;
    this.number = details.number ?? KINDS.indexOf(kind) + 1;
    this.operation = details.operation;
    this.context = details.context ?? {};
    this.dlsn = details.dlsn;
    this.retryable = details.retryable ?? false;
    this.mayHaveTakenEffect = details.mayHaveTakenEffect ?? false;
    this.receipts = details.receipts;
  }

  /** The log it happened to, where known. */
  get log(): string | undefined {
    return this.context['log'];
  }

  /** The writer that holds the log, or the reader that holds the cursor, where known. */
  get owner(): string | undefined {
    return this.context['owner'];
  }

  /** The name of the class. */
  override get name(): string {
    return this.constructor.name;
  }
}

/** An argument cannot be right, whatever the state of the log. */
export class InvalidArgumentError extends DlError {}
/** The namespace, log, segment or cursor does not exist. */
export class NotFoundError extends DlError {}
/** It exists already. */
export class AlreadyExistsError extends DlError {}
/** A later writer owns the log, or a later locked reader the cursor; this one is cut off for good. */
export class FencedError extends DlError {}
/** The log was sealed: it accepts no appends, ever. */
export class SealedError extends DlError {}
/** The position lies below the point to which the log was truncated. */
export class TruncatedError extends DlError {}
/** The condition of a conditional append does not hold. */
export class ConditionFailedError extends DlError {}
/** A record, batch or name is over its limit. */
export class TooLargeError extends DlError {}
/** The handle was closed or aborted. */
export class ClosedError extends DlError {}
/** The caller gave the call up, by its `AbortSignal`, whose reason is the `cause`. Its name is `AbortError`, as in Node. */
export class CancelledError extends DlError {
  override get name(): string {
    return 'AbortError';
  }
}
/** The time the caller gave ran out. */
export class TimeoutError extends DlError {}
/** Something that is needed does not answer now. */
export class UnavailableError extends DlError {}
/** The disk or the quota of the file system is full. */
export class StorageFullError extends DlError {}
/** Stored bytes are not what was written. */
export class CorruptError extends DlError {}
/** The operating system or an access rule forbids it. */
export class PermissionDeniedError extends DlError {}
/** The caller has not proved who it is. */
export class UnauthenticatedError extends DlError {}
/** A limit set by the operator is used up. */
export class QuotaExceededError extends DlError {}
/** This build, driver or directory cannot do it. */
export class UnsupportedError extends DlError {}
/** Another holds the lock and the caller asked not to take it. */
export class LockedError extends DlError {}
/** A bug of ours, or an error number this version does not know. */
export class InternalError extends DlError {}
/** It would have to wait and the caller asked not to. */
export class BusyError extends DlError {}

const CLASSES: { readonly [kind in ErrorKind]: typeof DlError } = {
  'invalid-argument': InvalidArgumentError,
  'not-found': NotFoundError,
  'already-exists': AlreadyExistsError,
  fenced: FencedError,
  sealed: SealedError,
  truncated: TruncatedError,
  'condition-failed': ConditionFailedError,
  'too-large': TooLargeError,
  closed: ClosedError,
  cancelled: CancelledError,
  timeout: TimeoutError,
  unavailable: UnavailableError,
  'storage-full': StorageFullError,
  corrupt: CorruptError,
  'permission-denied': PermissionDeniedError,
  unauthenticated: UnauthenticatedError,
  'quota-exceeded': QuotaExceededError,
  unsupported: UnsupportedError,
  locked: LockedError,
  internal: InternalError,
  busy: BusyError,
};

/** In the order of their numbers, from 1. */
const KINDS = Object.keys(CLASSES) as ErrorKind[];

/** The error that the native half reports. */
export function fromNative(error: NativeError): DlError {
  const kind = KINDS.find((known) => known === error.kind) ?? 'internal';
  const context: { [key: string]: string } = {};
  for (let at = 0; at + 1 < error.context.length; at += 2) {
    context[error.context[at] as string] = error.context[at + 1] as string;
  }
  const details: ErrorDetails = {
    number: error.number,
    context,
    retryable: error.retryable,
    mayHaveTakenEffect: error.mayHaveTakenEffect,
  };
  if (error.operation !== undefined) details.operation = error.operation;
  if (error.dlsn !== undefined) details.dlsn = Dlsn.trusted(error.dlsn);
  if (error.receipts !== undefined) details.receipts = receipts(error.receipts);
  if (error.causes.length > 0) {
    details.cause = error.causes.reduceRight<Error | undefined>((cause, text) => new Error(text, { cause }), undefined);
  }
  return new CLASSES[kind](kind, error.message, details);
}

/** Whether what the native half answered is an error. */
export function isNativeError(value: unknown): value is NativeError {
  return typeof value === 'object' && value !== null && 'mayHaveTakenEffect' in value && 'kind' in value;
}

/** What the native half answered, or its error thrown. */
export function checked<T>(value: T | NativeError): T {
  if (isNativeError(value)) throw fromNative(value);
  return value;
}

/** An argument that cannot be right. */
export function invalid(message: string, cause?: unknown): InvalidArgumentError {
  return new InvalidArgumentError('invalid-argument', message, cause === undefined ? {} : { cause });
}

/** A call that its signal gave up. */
export function cancelled(signal: AbortSignal, mayHaveTakenEffect: boolean, operation?: string): CancelledError {
  const details = { mayHaveTakenEffect, cause: reason(signal) };
  const message = 'the call was given up by its signal';
  return new CancelledError('cancelled', message, operation === undefined ? details : { ...details, operation });
}

/** The error of the call that was made, where that one made others. */
export function during(error: Error, operation: string): Error {
  if (!(error instanceof DlError) || error.operation === operation) return error;
  const { kind, message, number, context, retryable, mayHaveTakenEffect } = error;
  const details: ErrorDetails = { number, operation, context, retryable, mayHaveTakenEffect };
  if (error.dlsn !== undefined) details.dlsn = error.dlsn;
  if ('cause' in error) details.cause = error.cause;
  return new CLASSES[kind](kind, message, details);
}

/** Why a signal was given; or, where it does not say, what it fails with. */
function reason(signal: AbortSignal): unknown {
  try {
    return signal.reason;
  } catch (error) {
    return error;
  }
}

/** What was thrown at the call: one of ours if it is about what was passed, or a bug; all else is the caller's own. */
export function thrown(error: unknown): unknown {
  try {
    // Anything may be thrown: only of an error it is asked what it says, and that may fail too.
    if (!types.isNativeError(error) || error instanceof DlError) return error;
    if (error instanceof TypeError || error instanceof RangeError || isArgumentError(error)) return invalid(error.message, error);
    return codeOf(error) === 'GenericFailure' ? new InternalError('internal', error.message, { cause: error }) : error;
  } catch {
    return error;
  }
}

/** Whether the native half refused the type of an argument. */
function isArgumentError(error: Error): boolean {
  const code = codeOf(error);
  return code === 'InvalidArg' || code.endsWith('Expected');
}

/** As the native half says what is wrong. */
function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}
