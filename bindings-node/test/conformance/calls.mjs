// From a request to the call of the package that it names.

import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ByteReader, ByteWriter, Cursor, Dlsn, Log, Namespace, Reader, Writer } from 'distributed-log';
import { Mistake } from './values.mjs';
import * as show from './show.mjs';

const bytes = (hex) => Buffer.from(hex, 'hex');

/** Options as users of JavaScript spell them. */
function options(request) {
  const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(request.options ?? {}).map(([name, value]) => [camel(name), value]));
}

function condition({ if_last: last }) {
  return last === undefined ? {} : { ifLast: last === 'none' ? null : last };
}

function record({ payload, txid }) {
  return { payload: bytes(payload), txid };
}

/** Does what a request says; answers its result. */
export async function onNamespace(open, request, signal) {
  if (request.on !== undefined) return onHandle(open, request, signal);
  if (request.do === 'open') {
    open.namespace = await Namespace.open(request.uri, { ...options(request), signal });
    return undefined;
  }
  const { namespace } = open;
  if (namespace === undefined) throw new Mistake('the process has not opened the namespace');
  const { log } = request;
  switch (request.do) {
    case 'close':
      return namespace.close({ signal });
    case 'list_logs': {
      const { prefix, after, limit } = request;
      return namespace.listLogs({ prefix, after, limit: limit === undefined ? undefined : Number(limit), signal });
    }
    case 'watch_logs':
      open.handles.set(request.as, await namespace.watchLogs(request.prefix, { signal }));
      return undefined;
    case 'parse_dlsn':
      return Dlsn.parse(request.text).toString();
    case 'create_log':
      return namespace.createLog(log, { signal });
    case 'log_exists':
      return namespace.logExists(log, { signal });
    case 'delete_log':
      return namespace.deleteLog(log, { signal });
    case 'rename_log':
      return namespace.renameLog(log, request.to, { signal });
    case 'open_log':
      open.handles.set(request.as, await namespace.openLog(log, { signal }));
      return undefined;
    default:
      return onLog(open, namespace.log(log), request, signal);
  }
}

async function onHandle(open, request, signal) {
  const handle = open.handles.get(request.on);
  if (handle === undefined) throw new Mistake(`there is no handle ${request.on}`);
  if (request.do === 'drop') {
    open.handles.delete(request.on);
    return collect();
  }
  if (handle instanceof Log) return onLog(open, handle, request, signal);
  if (handle instanceof Writer) return onWriter(handle, request, signal);
  if (handle instanceof Reader) return onReader(handle, request, signal);
  if (handle instanceof Cursor) return onCursor(handle, request, signal);
  if (handle instanceof ByteWriter) return onByteWriter(handle, request, signal);
  if (handle instanceof ByteReader) return onByteReader(handle, request, signal);
  if (request.do !== 'next') throw new Mistake(`${request.do} is nothing that a watcher does`);
  const change = await handle.next({ signal });
  return Array.isArray(change) ? change.map(show.segment) : change;
}

/** Has the collector take what nothing holds any more. */
async function collect() {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  for (let round = 0; round < 3; round++) {
    await turn();
    gc();
  }
}

/** Keeps what is opened, or lets it go at once: nothing here holds it any more when the collector is called. */
function opened(open, request, opening) {
  if (request.as === undefined) return opening.then(() => undefined).then(collect);
  return opening.then((handle) => void open.handles.set(request.as, handle));
}

async function onLog(open, log, request, signal) {
  const chosen = { ...options(request), signal };
  switch (request.do) {
    case 'open_writer':
      return opened(open, request, log.openWriter(chosen));
    case 'open_reader':
      return opened(open, request, log.openReader(chosen));
    case 'open_byte_writer':
      return opened(open, request, log.openByteWriter(chosen));
    case 'open_byte_reader':
      return opened(open, request, log.openByteReader(chosen));
    case 'open_cursor':
      return opened(open, request, log.cursor(request.name, { signal }));
    case 'watch_segments':
      return opened(open, request, log.watchSegments({ signal }));
    case 'read': {
      const reader = await log.openReader(chosen);
      const records = [];
      for await (const each of reader) records.push(show.record(each));
      const end = show.optional(reader.end);
      await reader.close();
      return { records, end };
    }
    case 'first_record':
      return show.optional(await log.firstRecord({ signal }), show.record);
    case 'last_record':
      return show.optional(await log.lastRecord({ signal }), show.record);
    case 'info':
      return show.info(await log.info({ signal }));
    case 'segments':
      return (await log.segments({ signal })).map(show.segment);
    case 'truncate':
      return show.dlsn(await log.truncate(request.before, { signal }));
    case 'dlsn_at_txid':
      return show.dlsn(await log.dlsnAtTxid(request.txid, { signal }));
    case 'count':
      return log.count({ from: request.from, until: request.until, signal });
    case 'recover':
      return log.recover({ signal });
    case 'apply_retention':
      return show.dlsn(await log.applyRetention({ signal }));
    case 'log_options':
      return show.options(await log.options({ signal }));
    case 'set_log_options':
      return log.setOptions(options(request), { signal });
    case 'cursors':
      return (await log.cursors({ signal })).map(show.cursor);
    case 'user_metadata':
      return (await log.userMetadata({ signal })).toString('hex');
    case 'set_user_metadata':
      return log.setUserMetadata(bytes(request.data), { signal });
    default:
      throw new Mistake(`${request.do} is nothing that a log does`);
  }
}

async function onWriter(writer, request, signal) {
  switch (request.do) {
    case 'append':
      return show.receipt(await writer.append(record(request.record), { ...condition(request), signal }));
    case 'try_append':
      return show.receipt(await writer.tryAppend(record(request.record)));
    case 'append_many':
      return (await writer.appendMany(request.records.map(record), { signal })).map(show.receipt);
    case 'append_batch': {
      const records = request.records.map(record);
      return (await writer.appendBatch(records, { ...condition(request), signal })).map(show.receipt);
    }
    case 'append_record_set': {
      const { txid, compression } = request;
      const members = request.records.map(({ payload }) => bytes(payload));
      const receipts = await writer.appendRecordSet(members, { ...condition(request), txid, compression, signal });
      return receipts.map(show.receipt);
    }
    case 'flush':
    case 'seal':
    case 'close':
      return writer[request.do]({ signal });
    case 'abort':
      return writer.abort();
    case 'truncate':
      return show.dlsn(await writer.truncate(request.before, { signal }));
    case 'last_dlsn':
      return show.dlsn(writer.lastDlsn);
    case 'last_txid':
      return show.optional(writer.lastTxid);
    case 'fenced':
      throw await writer.fenced({ signal });
    default:
      throw new Mistake(`${request.do} is nothing that a writer does`);
  }
}

async function onReader(reader, request, signal) {
  switch (request.do) {
    case 'next': {
      const found = await reader.next({ signal });
      return found === undefined ? { end: show.optional(reader.end) } : show.record(found);
    }
    case 'next_batch': {
      const records = await reader.nextBatch({ max: Number(request.max), waitMs: Number(request.wait_ms), signal });
      return { records: records.map(show.record), end: show.optional(reader.end) };
    }
    case 'position':
      return show.dlsn(reader.position);
    case 'end':
      return show.optional(reader.end);
    case 'close':
      return reader.close();
    case 'advance':
    case 'reset':
      return onCursor(reader.cursor, request, signal);
    default:
      throw new Mistake(`${request.do} is nothing that a reader does`);
  }
}

async function onCursor(cursor, request, signal) {
  switch (request.do) {
    case 'position':
      return show.dlsn(await cursor.position({ signal }));
    case 'advance':
      return show.dlsn(await cursor.advance(request.to, { signal }));
    case 'reset':
      return cursor.reset(request.to, { signal });
    case 'delete':
      return cursor.delete({ signal });
    default:
      throw new Mistake(`${request.do} is nothing that a cursor does`);
  }
}

async function onByteWriter(writer, request, signal) {
  switch (request.do) {
    case 'write':
      return writer.write(bytes(request.data), { signal });
    case 'flush':
    case 'seal':
    case 'close':
      return writer[request.do]({ signal });
    case 'abort':
      return writer.abort();
    case 'position':
      return writer.position;
    case 'fenced':
      throw await writer.fenced({ signal });
    default:
      throw new Mistake(`${request.do} is nothing that a byte writer does`);
  }
}

async function onByteReader(reader, request, signal) {
  switch (request.do) {
    case 'read_bytes': {
      const parts = [];
      let left = Number(request.max);
      while (left > 0) {
        const part = await reader.read(left, { signal });
        if (part === undefined) break;
        parts.push(part);
        left -= part.length;
      }
      return { payload: Buffer.concat(parts).toString('hex'), end: show.optional(reader.end) };
    }
    case 'next_chunk': {
      const chunk = await reader.nextChunk({ signal });
      return chunk === undefined ? { end: show.optional(reader.end) } : { payload: chunk.toString('hex') };
    }
    case 'seek':
      return reader.seek(request.offset, { signal });
    case 'position':
      return reader.position;
    case 'end':
      return show.optional(reader.end);
    case 'close':
      return reader.close();
    default:
      throw new Mistake(`${request.do} is nothing that a byte reader does`);
  }
}
