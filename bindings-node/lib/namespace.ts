/** A namespace: where logs are found, made and removed. */

import { count, flag, given, only, optionalFunction, optionalString, string } from './arguments';
import { call, listen, port, type Waiting } from './calls';
import { checked } from './errors';
import type { Life } from './feed';
import { Log } from './log';
import {
  native,
  type NativeEvent,
  type NativeLog,
  type NativeNamespace,
  type NativeNamespaceInfo,
  type NativeVerification,
  type NativeWatcher,
} from './native';
import {
  namespaceEvent,
  namespaceInfo,
  verification,
  type NamespaceEvent,
  type NamespaceInfo,
  type Verification,
} from './operating';
import { texts } from './option-texts';
import { NAMESPACE_NAMES, type NamespaceOptions } from './options';
import { LogWatcher } from './watchers';

/** What {@link Namespace.listLogs} takes. */
export interface ListOptions extends Waiting {
  /** A path: only logs below it. All logs, if not said. */
  prefix?: string | undefined;
  /** Only names behind this one. */
  after?: string | undefined;
  /** The most names. All, if not said. */
  limit?: number | undefined;
}

/** What {@link Namespace.open} takes beside options. */
export interface Listening {
  /**
   * Hears of what an operator wants to know, such as a writer that was cut off, a segment that was recovered, a sync that
   * failed: one event after another. {@link Namespace.close} resolves after it has heard everything. It keeps no process alive.
   * Where more come at once than can be passed on, some are dropped, and {@link Namespace.metrics} count them: `dl_events_dropped_total`.
   */
  onEvent?: ((event: NamespaceEvent) => void) | undefined;
}

const OPEN = [...NAMESPACE_NAMES, 'onEvent', 'signal'];
const VERIFY = [...NAMESPACE_NAMES, 'log', 'signal'];
const INSPECT = [...NAMESPACE_NAMES, 'signal'];
const LOGS = ['prefix', 'after', 'signal'];
const LIST_LOGS = [...LOGS, 'limit'];
const METRICS = ['byLog', 'signal'];

/** The largest limit that the native half takes; there are never so many logs. */
const MOST = 2 ** 32 - 1;

/** Names that {@link Namespace.logs} asks for at once. */
const PAGE = 1000;

/**
 * An open namespace: logs, by their names.
 *
 * ```js
 * const namespace = await Namespace.open(fileUri('/var/lib/orders'));
 * const log = namespace.log('eu/paid');
 * ```
 *
 * A directory may be open in many processes and threads, and more than once in each. {@link close} ends writers as
 * {@link Writer.abort} does: close them first. The process ends by itself when no call is in flight, open or not.
 */
export class Namespace implements AsyncDisposable {
  readonly #native: NativeNamespace;
  readonly #life: Life = { closed: false };

  private constructor(native: NativeNamespace) {
    this.#native = native;
  }

  /** Opens the namespace at this URI: `memory:name`, `file:///path` or `distributedlog://zookeeper:2181/path`. Options in its query win over `options`. */
  static async open(uri: string, options: NamespaceOptions & Listening & Waiting = {}): Promise<Namespace> {
    const { onEvent } = given(options);
    const start = (number: number): void => {
      const [place, chosen, listener] = [string(uri, 'uri'), texts(options, NAMESPACE_NAMES), optionalFunction(onEvent, 'onEvent')];
      const events = listener && listen((event) => listener(namespaceEvent(event as NativeEvent)));
      native.openNamespace(port, number, place, chosen, events);
    };
    const late = (opened: unknown): void => {
      call<void>((number) => (opened as NativeNamespace).close(number)).catch(() => {});
    };
    return new Namespace(await call<NativeNamespace>(start, { operation: 'open', options, takes: OPEN, effective: true, late }));
  }

  /**
   * Reads every byte that belongs to the namespace at this URI (to `log`, if it is given: then of segments only its own) and
   * says what is not as it was written. It changes nothing, and works beside processes that write, and where {@link open} fails.
   */
  static async verify(uri: string, options: NamespaceOptions & { log?: string | undefined } & Waiting = {}): Promise<Verification> {
    const { log } = given(options);
    const start = (number: number): void =>
      native.verifyNamespace(port, number, string(uri, 'uri'), texts(options, NAMESPACE_NAMES), optionalString(log, 'log'));
    return verification(await call<NativeVerification>(start, { operation: 'verify', options, takes: VERIFY }));
  }

  /** What the namespace at this URI is: its format, how much it holds, and who has it open. Opens and changes nothing. */
  static async inspect(uri: string, options?: NamespaceOptions & Waiting): Promise<NamespaceInfo> {
    const start = (number: number): void => native.inspectNamespace(port, number, string(uri, 'uri'), texts(options, NAMESPACE_NAMES));
    return namespaceInfo(await call<NativeNamespaceInfo>(start, { operation: 'inspect', options, takes: INSPECT }));
  }

  /** Makes a log. */
  async createLog(name: string, options?: Waiting): Promise<void> {
    await this.#change<void>('create_log', (number) => this.#native.createLog(number, string(name, 'name')), options);
  }

  /** A handle on a log that exists. */
  async openLog(name: string, options?: Waiting): Promise<Log> {
    return new Log(await this.#look<NativeLog>('open_log', (number) => this.#native.openLog(number, string(name, 'name')), options), this, this.#life);
  }

  /**
   * A handle on a log that may not exist yet: its calls find out.
   * @throws {@link InvalidArgumentError} for a name that no log has.
   */
  log(name: string): Log {
    return new Log(checked(this.#native.log(string(name, 'name'))), this, this.#life);
  }

  /** Whether the log exists. */
  logExists(name: string, options?: Waiting): Promise<boolean> {
    return this.#look<boolean>('log_exists', (number) => this.#native.logExists(number, string(name, 'name')), options);
  }

  /** Takes the log from whoever writes it, frees all it holds and removes it; logs below its name stay. */
  async deleteLog(name: string, options?: Waiting): Promise<void> {
    await this.#change<void>('delete_log', (number) => this.#native.deleteLog(number, string(name, 'name')), options);
  }

  /** Gives a log another name, and moves all that belongs to it; logs below its old name stay where they are. */
  async renameLog(from: string, to: string, options?: Waiting): Promise<void> {
    await this.#change<void>('rename_log', (number) => this.#native.renameLog(number, string(from, 'from'), string(to, 'to')), options);
  }

  /** The full names of logs, in byte order. */
  listLogs(options: ListOptions = {}): Promise<string[]> {
    return this.#look<string[]>('list_logs', (number) => {
      const { prefix = '', after, limit } = options;
      const most = count(limit, 'limit', Infinity);
      const behind = optionalString(after, 'after');
      this.#native.listLogs(number, string(prefix, 'prefix'), behind, most > MOST ? undefined : most);
    }, options, LIST_LOGS);
  }

  /** The full names of logs, in byte order, however many there are. */
  async *logs(options: Omit<ListOptions, 'limit'> = {}): AsyncGenerator<string, undefined> {
    let { after } = given(options);
    only(options, LOGS);
    for (;;) {
      const names = await this.listLogs({ ...options, after, limit: PAGE });
      yield* names;
      if (names.length < PAGE) return undefined;
      after = names.at(-1);
    }
  }

  /** Watches the logs below `prefix` (a path; all logs, if it is empty), in this process and others. */
  async watchLogs(prefix = '', options?: Waiting): Promise<LogWatcher> {
    const watcher = await this.#look<NativeWatcher>('watch_logs', (number) => this.#native.watchLogs(number, string(prefix, 'prefix')), options);
    return new LogWatcher(watcher, this, this.#life);
  }

  /** The metrics of this handle as Prometheus reads them; `byLog`: also those of each log with an open writer or reader. */
  metrics(options: { byLog?: boolean | undefined } & Waiting = {}): Promise<string> {
    return this.#look<string>('metrics', (number) => this.#native.metrics(number, flag(options.byLog, 'byLog')), options, METRICS);
  }

  /** Closes the namespace: every pending call on it, its logs, writers and readers fails with {@link ClosedError}. */
  async close(options?: Waiting): Promise<void> {
    await this.#change<void>('close', (number) => this.#native.close(number), options);
    this.#life.closed = true;
  }

  /** {@link close}, at the end of `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #look<T>(operation: string, start: (number: number) => void, options?: Waiting, takes?: readonly string[]): Promise<T> {
    return call<T>(start, { operation, options, takes, keep: this });
  }

  #change<T>(operation: string, start: (number: number) => void, options?: Waiting): Promise<T> {
    return call<T>(start, { operation, options, keep: this, effective: true });
  }
}

/**
 * The URI of the directory at this path.
 * @throws {@link InvalidArgumentError} if the path is not absolute.
 */
export function fileUri(path: string): string {
  return checked(native.directoryUri(string(path, 'path')));
}
