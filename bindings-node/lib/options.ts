// Made from dl-core/src/options/options.toml by `cargo run -p xtask -- options`; change it there.

import type { Dlsn } from './dlsn';

/** A number, or a text with a unit: `64MiB`, `30s`. */
export type Quantity = number | bigint | string;

/** What to do about another that holds the log or the cursor: take it, wait so long for it, or fail with `locked`. */
export type Takeover = 'force' | 'never' | `wait:${string}` | Wait;

/** To wait for another to let go. */
export interface Wait {
  /** So many milliseconds. */
  waitMs: number;
}

/** How entries are compressed. */
export type Compression = 'none' | 'lz4';

/** Where a reader starts: at an end, at a position or the next there is, or at the first record with that txid or more. */
export type Start = 'earliest' | 'latest' | Dlsn | `${bigint}:${bigint}:${bigint}` | AtTxid | `txid:${bigint}`;

/** The first record with a txid, or a larger one. */
export interface AtTxid {
  /** The least txid. */
  txid: bigint | number;
}

/** Options of a namespace; those in its URI win over these. */
export interface NamespaceOptions {
  /**
   * How this process names itself as the owner of a log, seen by those that it keeps out. If absent: host name and
   * process id. 1 to 256 bytes.
   */
  clientId?: string | undefined;
  /**
   * Makes the namespace where there is none: a directory (itself, not its parents); on BookKeeper only if `ledgersPath`
   * says on which ledgers. If false, opening a missing one is `not-found`. Default: true.
   */
  createNamespace?: boolean | undefined;
  /**
   * Opens for reading only: nothing is written, and whatever would write fails with `permission-denied`. Default:
   * false.
   */
  readOnly?: boolean | undefined;
  /**
   * The most that all writers of this namespace handle together may have appended without an acknowledgement. Default:
   * 64MiB. 1MiB to 64GiB.
   */
  inFlightBytes?: Quantity | undefined;
  /**
   * A sync of the disk that takes longer is told to the log hook. Default: 1s. 1 to 1h.
   */
  slowSyncMs?: Quantity | undefined;
  /**
   * How long to wait for another process that opens the directory or changes its metadata, before `unavailable`.
   * Default: 10s. 0 to 10m.
   */
  lockWaitMs?: Quantity | undefined;
  /**
   * The size of this process's journal. A larger one is recycled less often and takes longer to replay after a crash.
   * Default: 64MiB. 4MiB to 4GiB.
   */
  journalBytes?: Quantity | undefined;
  /**
   * From this many bytes on, what one group commit holds for one segment is synced in that segment's file instead of
   * being written to the journal as well. Default: 256KiB. 4KiB to 1GiB.
   */
  largeFlushBytes?: Quantity | undefined;
  /**
   * Opens a directory on a file system that is not known to keep the promises. On network mounts locks and shared
   * memory do not hold between machines, and acknowledged records can be lost. Default: false.
   */
  unsafeFilesystem?: boolean | undefined;
  /**
   * The root of the BookKeeper cluster in ZooKeeper, `/ledgers` on most: a namespace that does not exist is made on it.
   * One that exists says it by itself. If absent: none is made. 2 to 1024 bytes.
   */
  ledgersPath?: string | undefined;
  /**
   * The ZooKeeper servers of the BookKeeper cluster, `host:port,host:port`, for a namespace that is made. If absent:
   * those of the URI. 1 to 4096 bytes.
   */
  bookkeeperZookeepers?: string | undefined;
  /**
   * Makes a federated namespace: its logs are spread over sub-namespaces, so that no node of ZooKeeper gets too many
   * children. One that exists says by itself whether it is. Default: false.
   */
  federated?: boolean | undefined;
  /**
   * The number of the first segment of each log in a namespace that is made, which is where its DLSNs begin. One that
   * exists says it by itself. If absent: 1. 1 to 1000000000000.
   */
  firstSegment?: Quantity | undefined;
  /**
   * The most logs that are made in one sub-namespace of a federated namespace. Default: 15000. 1 to 1000000.
   */
  logsPerSubnamespace?: Quantity | undefined;
  /**
   * On how many bookies a segment lies. Default: 3. 1 to 64.
   */
  ensembleSize?: Quantity | undefined;
  /**
   * To how many of them each entry is written; if it is more than `ensembleSize`, to all. Default: 3. 1 to 64.
   */
  writeQuorum?: Quantity | undefined;
  /**
   * How many of those must have an entry on disk before it is acknowledged: the loss of one fewer loses nothing. If it
   * is more than `writeQuorum`, all of those. Default: 2. 1 to 64.
   */
  ackQuorum?: Quantity | undefined;
  /**
   * What protects the entries of new segments: `crc32`, as Java DistributedLog writes, `crc32c`, `mac` or `none`. Each
   * is read, by Java too, whatever this says. Default: crc32.
   */
  digest?: 'crc32' | 'crc32c' | 'mac' | 'none' | undefined;
  /**
   * A writer that falls idle tells bookies how far it has got, instead of adding a control record that says so. That is
   * one entry fewer for each lone append, but Java's readers see the last record only when the next one comes. Default:
   * false.
   */
  explicitLac?: boolean | undefined;
  /**
   * The password of ledgers (`digestPw` in Java), the same for all who use the namespace. It stands in clear in
   * ZooKeeper. If absent: the empty one, as in Java. 1 to 256 bytes.
   */
  ledgerPassword?: string | undefined;
  /**
   * What new ledgers say in their metadata of the application that they belong to, as Java's `LedgerMetadata` does; `dl
   * bk orphans` deletes none that says so. If absent: nothing. 1 to 256 bytes.
   */
  ledgerApplication?: string | undefined;
  /**
   * What new ledgers say of the part of that application. If absent: nothing. 1 to 256 bytes.
   */
  ledgerComponent?: string | undefined;
  /**
   * How long ZooKeeper keeps the session of a process that is silent, and with it the locks of its writers. A writer
   * looks whether its ledger is still its own before it acknowledges, if ZooKeeper was silent for half of that, at most
   * 5 s, or its process did not run for over a second. Its servers have bounds of their own. Default: 10s. 1s to 10m.
   */
  sessionTimeoutMs?: Quantity | undefined;
  /**
   * How long a call may wait for ZooKeeper, connecting again included, before it fails with `unavailable`. Default:
   * 30s. 100 to 10m.
   */
  zookeeperTimeoutMs?: Quantity | undefined;
  /**
   * The identity shown to ZooKeeper (`zkAclId` in Java): nodes made with it are its own, and others may only read them.
   * If absent: anyone may do anything to them. 1 to 256 bytes.
   */
  zookeeperAclId?: string | undefined;
  /**
   * The longest that connecting to a bookie may take, TLS and authentication included. Default: 10s. 10 to 10m.
   */
  bookieConnectTimeoutMs?: Quantity | undefined;
  /**
   * How long a bookie may take to answer before it counts as failed. Default: 5s. 10 to 10m.
   */
  bookieRequestTimeoutMs?: Quantity | undefined;
  /**
   * Where bookies stand, so that the copies of an entry are in as many racks as can be: `HOST=RACK` or `HOST:PORT=RACK`
   * for each, with commas between, such as `b1=/a,b2=/a,b3=/b`. Bookies not named are in one rack together. If absent:
   * all are. 1 to 65536 bytes.
   */
  bookieRacks?: string | undefined;
  /**
   * The name shown to bookies that want one (SASL, DIGEST-MD5). If absent: none. 1 to 256 bytes.
   */
  bookieUser?: string | undefined;
  /**
   * The password that belongs to `bookieUser`. If absent: the empty one. 1 to 256 bytes.
   */
  bookiePassword?: string | undefined;
  /**
   * A file of certificates (PEM) to one of which those of bookies must lead: TLS is spoken with them. If absent: no
   * TLS. 1 to 4096 bytes.
   */
  tlsRoots?: string | undefined;
  /**
   * A file with our own certificate and what leads to it (PEM), for bookies that ask for one. If absent: none is shown.
   * 1 to 4096 bytes.
   */
  tlsCertificate?: string | undefined;
  /**
   * The file with the private key (PEM) of `tlsCertificate`. If absent: none. 1 to 4096 bytes.
   */
  tlsKey?: string | undefined;
}

/** Options that are kept with a log. */
export interface LogOptions {
  /**
   * A segment that has reached this size is completed and a new one begun. Truncation and retention free whole
   * segments. Default: 256MiB. 1KiB to 64GiB.
   */
  rollBytes?: Quantity | undefined;
  /**
   * A segment that has reached this age is completed, also if nothing is appended any more. Default: 2h. 1 to 3650d.
   */
  rollMs?: Quantity | undefined;
  /**
   * How entries are compressed: `none` or `lz4`. Default: none.
   */
  compression?: Compression | undefined;
  /**
   * The log is truncated behind a segment that was completed so long ago, as are all in front of it. So a record stays
   * for this time and at most `rollMs` more. If absent: age frees nothing. 1 to 36500d.
   */
  retentionMs?: Quantity | undefined;
  /**
   * The most that the completed segments of the log may hold together: beyond that the log is truncated behind the
   * oldest ones. The newest completed one stays, whatever its size. If absent: size frees nothing. 1KiB to
   * 9007199254740992.
   */
  retentionBytes?: Quantity | undefined;
  /**
   * Retention moves no point of truncation: it only frees segments below the point that a truncation set and left
   * behind, as Java DistributedLog does. Default: false.
   */
  explicitTruncation?: boolean | undefined;
  /**
   * On how many bookies segments of this log lie that writers opened from now on begin. If absent: as the writer's
   * namespace was opened. 1 to 64.
   */
  ensembleSize?: Quantity | undefined;
  /**
   * To how many of them each entry is written; at most to `ensembleSize`. If absent: as the writer's namespace was
   * opened, or to all if these are fewer. 1 to 64.
   */
  writeQuorum?: Quantity | undefined;
  /**
   * How many of those must have an entry on disk before it is acknowledged; at most `writeQuorum`. If absent: as the
   * writer's namespace was opened, or all if these are fewer. 1 to 64.
   */
  ackQuorum?: Quantity | undefined;
}

/** Options of a writer. */
export interface WriterOptions {
  /**
   * What to do about a writer that holds the log: `force` cuts it off now, `wait:30s` waits that long for it to let go,
   * `never` does not wait; the last two then fail with `locked`. So does any of them when another took it while this
   * one was being opened: try again. Default: force.
   */
  takeover?: Takeover | undefined;
  /**
   * Makes the log if it does not exist. Default: false.
   */
  createLog?: boolean | undefined;
  /**
   * This writer's own. If absent: that of the log.
   */
  compression?: Compression | undefined;
  /**
   * This writer's own. If absent: that of the log. 1KiB to 64GiB.
   */
  rollBytes?: Quantity | undefined;
  /**
   * This writer's own. If absent: that of the log. 1 to 3650d.
   */
  rollMs?: Quantity | undefined;
  /**
   * This writer's own. If absent: that of the log. 1 to 36500d.
   */
  retentionMs?: Quantity | undefined;
  /**
   * This writer's own. If absent: that of the log. 1KiB to 9007199254740992.
   */
  retentionBytes?: Quantity | undefined;
  /**
   * This writer's own. If absent: that of the log.
   */
  explicitTruncation?: boolean | undefined;
  /**
   * The most records that may be appended without an acknowledgement: `append` waits, `tryAppend` answers `busy`.
   * Default: 5000. 1 to 10000000.
   */
  inFlightRecords?: Quantity | undefined;
  /**
   * The most bytes that may be appended without an acknowledgement: `append` waits, `tryAppend` answers `busy`.
   * Default: 16MiB. 1MiB to 4GiB.
   */
  inFlightBytes?: Quantity | undefined;
  /**
   * After a refusal for lack of space (`storage-full`, `quota-exceeded`) the writer accepts nothing more, so that what
   * it put into the log is a prefix of what it was given, also where appends do not wait for acknowledgements.
   * Otherwise it goes on once there is room. Default: false.
   */
  stopWhenFull?: boolean | undefined;
  /**
   * How long `close` waits for acknowledgements before it gives up; what is left is then settled with `closed`.
   * Default: 30s. 0 to 1d.
   */
  closeTimeoutMs?: Quantity | undefined;
}

/** Options of a reader. */
export interface ReaderOptions {
  /**
   * Where to start: `earliest`, `latest` (the first record not yet visible), a DLSN such as `3:120:0` (or the next
   * there is), or `txid:1700000000000` (the first record with that txid or a larger one). Default: earliest.
   */
  from?: Start | undefined;
  /**
   * Waits for more at the end of the log instead of ending there. Default: false.
   */
  follow?: boolean | undefined;
  /**
   * Ends after the record at this DLSN. If absent: no such bound.
   */
  until?: Dlsn | string | undefined;
  /**
   * Ends after this many records. If absent: no such bound.
   */
  count?: Quantity | undefined;
  /**
   * When the start lies below the point of truncation: `fail` with `truncated`, or `skip` to the first readable record.
   * Default: fail.
   */
  onTruncated?: 'fail' | 'skip' | undefined;
  /**
   * How much a reader fetches ahead of its caller at most. If absent: 1MiB; on BookKeeper, where it waits for other
   * machines, 4MiB. 64KiB to 64MiB.
   */
  readAheadBytes?: Quantity | undefined;
  /**
   * Starts behind the position of this cursor; where it has none yet, `from` says. If absent: no cursor. 1 to 256
   * bytes.
   */
  cursor?: string | undefined;
  /**
   * Opens a locked reader: of those with the same cursor (of those without one, if it has none) one at a time reads.
   * One that lost its lock fails with `fenced`, and moves its cursor no more. Default: false.
   */
  locked?: boolean | undefined;
  /**
   * What a locked reader does about another that holds the lock: `force` cuts it off now, `wait:30s` waits that long
   * for it to let go, `never` does not wait; the last two then fail with `locked`. So does any of them when another
   * took it while this one was being opened: try again. Default: force.
   */
  takeover?: Takeover | undefined;
  /**
   * Delivers a record set as the one record it is stored as, at the position of its first member, instead of its
   * members. One that the start lies inside is unpacked; one that reaches over `until` is delivered. Default: false.
   */
  wholeRecordSets?: boolean | undefined;
}

/** @internal What the options kept with a log are read as. */
export const LOG_OPTIONS = {
  rollBytes: 'number',
  rollMs: 'number',
  compression: 'text',
  retentionMs: 'number',
  retentionBytes: 'number',
  explicitTruncation: 'flag',
  ensembleSize: 'number',
  writeQuorum: 'number',
  ackQuorum: 'number',
} as const;

/** @internal */
export const NAMESPACE_NAMES: readonly string[] = [
  'clientId',
  'createNamespace',
  'readOnly',
  'inFlightBytes',
  'slowSyncMs',
  'lockWaitMs',
  'journalBytes',
  'largeFlushBytes',
  'unsafeFilesystem',
  'ledgersPath',
  'bookkeeperZookeepers',
  'federated',
  'firstSegment',
  'logsPerSubnamespace',
  'ensembleSize',
  'writeQuorum',
  'ackQuorum',
  'digest',
  'explicitLac',
  'ledgerPassword',
  'ledgerApplication',
  'ledgerComponent',
  'sessionTimeoutMs',
  'zookeeperTimeoutMs',
  'zookeeperAclId',
  'bookieConnectTimeoutMs',
  'bookieRequestTimeoutMs',
  'bookieRacks',
  'bookieUser',
  'bookiePassword',
  'tlsRoots',
  'tlsCertificate',
  'tlsKey',
];

/** @internal */
export const LOG_NAMES: readonly string[] = [
  'rollBytes',
  'rollMs',
  'compression',
  'retentionMs',
  'retentionBytes',
  'explicitTruncation',
  'ensembleSize',
  'writeQuorum',
  'ackQuorum',
];

/** @internal */
export const WRITER_NAMES: readonly string[] = [
  'takeover',
  'createLog',
  'compression',
  'rollBytes',
  'rollMs',
  'retentionMs',
  'retentionBytes',
  'explicitTruncation',
  'inFlightRecords',
  'inFlightBytes',
  'stopWhenFull',
  'closeTimeoutMs',
];

/** @internal */
export const READER_NAMES: readonly string[] = [
  'from',
  'follow',
  'until',
  'count',
  'onTruncated',
  'readAheadBytes',
  'cursor',
  'locked',
  'takeover',
  'wholeRecordSets',
];
