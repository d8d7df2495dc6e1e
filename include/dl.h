/**
 * @file dl.h
 * dl, a replicated log: namespaces, logs, their one writer and their readers. Made from dl-ffi/src by ci/header.
 *
 * Conventions, which hold where a function says nothing else:
 *
 * - Errors. A function that can fail returns an error object, or NULL if it did not fail. Free it with dl_error_free.
 *   Results come last and are written only on success. A NULL for what may not be NULL, and text that is not UTF-8, are
 *   errors of the kind invalid-argument. Any function may fail with closed in a forked child, and with internal for a bug of
 *   the library; beside these and the errors of the driver (unavailable, corrupt, permission-denied, storage-full), each says
 *   what it fails with. No call ends the process, but for want of memory: that is no error, it aborts.
 * - Ownership. An object that is written to a result, or returned without const, is the caller's, who frees it with the
 *   function of its type that ends in _free. What is returned as const, and every view of bytes or text, belongs to the
 *   object it was asked of and lives as long as that. Every _free takes NULL. Bytes and text that are given to a function
 *   are read before it returns and never kept.
 * - Threads. Every object may be used by any number of threads at once, but for options (dl_..._options), which one thread
 *   fills at a time. _free comes last: no other call may use the object at the same time. Calls in flight do not count,
 *   they hold what they need.
 * - Waiting. timeout_ms is in milliseconds: 0 does not wait, a negative one waits without bound. A call that ran out of time
 *   fails with the kind timeout; what it had begun may take effect (dl_error_may_have_taken_effect). Each function that waits
 *   has a sister that ends in _start, which does not wait but answers a dl_call: wait for that, or let it call a function of
 *   yours, or let it come out of a dl_queue, whose descriptor an event loop can poll. It fails itself only with
 *   invalid-argument, with closed in a forked child, and with unavailable where the system refuses threads; what it began
 *   fails when the call is done, with the errors of its sister.
 * - Forks. In a forked child every call on a namespace, log, writer, reader, cursor, watcher, queue or call of the parent fails
 *   with the kind closed, and _free does nothing to it. Open the namespace again in the child; memory:NAME is an empty one of
 *   the child's there. What only holds values stays usable: errors, records, receipts, options, names, buffers and infos.
 * - Signals. The library handles none and sets no handler. Its own threads block SIGPIPE.
 */


#ifndef DISTLOG_DL_H
#define DISTLOG_DL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The version that this header belongs to: major.
 */
#define DISTLOG_VERSION_MAJOR 0

/**
 * The version that this header belongs to: minor.
 */
#define DISTLOG_VERSION_MINOR 1

/**
 * The version that this header belongs to: patch.
 */
#define DISTLOG_VERSION_PATCH 0

/**
 * An argument cannot be right, whatever the state of the log.
 */
#define DISTLOG_ERROR_INVALID_ARGUMENT 1

/**
 * The namespace, log, segment or cursor does not exist.
 */
#define DISTLOG_ERROR_NOT_FOUND 2

/**
 * It exists already.
 */
#define DISTLOG_ERROR_ALREADY_EXISTS 3

/**
 * A later writer owns the log, or a later locked reader the cursor; this one is cut off for good.
 */
#define DISTLOG_ERROR_FENCED 4

/**
 * The log was sealed: it accepts no appends, ever.
 */
#define DISTLOG_ERROR_SEALED 5

/**
 * The position lies below the point to which the log was truncated.
 */
#define DISTLOG_ERROR_TRUNCATED 6

/**
 * The condition of a conditional append does not hold.
 */
#define DISTLOG_ERROR_CONDITION_FAILED 7

/**
 * A record, batch or name is over its limit.
 */
#define DISTLOG_ERROR_TOO_LARGE 8

/**
 * The object was closed, aborted, or belongs to the parent of a forked process.
 */
#define DISTLOG_ERROR_CLOSED 9

/**
 * The caller cancelled the call.
 */
#define DISTLOG_ERROR_CANCELLED 10

/**
 * The time the caller gave ran out.
 */
#define DISTLOG_ERROR_TIMEOUT 11

/**
 * Something that is needed does not answer now.
 */
#define DISTLOG_ERROR_UNAVAILABLE 12

/**
 * The disk or the quota of the file system is full.
 */
#define DISTLOG_ERROR_STORAGE_FULL 13

/**
 * Stored bytes are not what was written.
 */
#define DISTLOG_ERROR_CORRUPT 14

/**
 * The operating system or an access rule forbids it.
 */
#define DISTLOG_ERROR_PERMISSION_DENIED 15

/**
 * The caller has not proved who it is.
 */
#define DISTLOG_ERROR_UNAUTHENTICATED 16

/**
 * A limit set by the operator is used up.
 */
#define DISTLOG_ERROR_QUOTA_EXCEEDED 17

/**
 * This build, driver or directory cannot do it.
 */
#define DISTLOG_ERROR_UNSUPPORTED 18

/**
 * Another holds the lock and the caller asked not to take it, or took it while it was being opened.
 */
#define DISTLOG_ERROR_LOCKED 19

/**
 * A bug of ours, or an error number this build does not know.
 */
#define DISTLOG_ERROR_INTERNAL 20

/**
 * It would have to wait and the caller asked not to.
 */
#define DISTLOG_ERROR_BUSY 21

/**
 * It survives nothing: it lives in the memory of this process.
 */
#define DISTLOG_DURABILITY_MEMORY 1

/**
 * It survives power loss: a sync of the disk that holds it has returned.
 */
#define DISTLOG_DURABILITY_POWER_LOSS 2

/**
 * It survives the loss of an ack quorum - 1 of bookies, given that they sync their journals.
 */
#define DISTLOG_DURABILITY_REPLICATED 3

/**
 * The reader delivered what it was bounded to: the last position or the number of records.
 */
#define DISTLOG_END_BOUND 1

/**
 * The reader reached the end of the log, and does not follow.
 */
#define DISTLOG_END_END 2

/**
 * The reader reached the end of a log that was sealed: nothing will ever follow.
 */
#define DISTLOG_END_SEALED 3

/**
 * The most bytes that a position takes as text, its NUL included.
 */
#define DISTLOG_DLSN_TEXT_BYTES 64

/**
 * Nothing of the segment was truncated.
 */
#define DISTLOG_TRUNCATION_NONE 0

/**
 * What lies below a position in the segment was truncated.
 */
#define DISTLOG_TRUNCATION_BELOW 1

/**
 * All of the segment was truncated; it is kept to count on from.
 */
#define DISTLOG_TRUNCATION_WHOLE 2

/**
 * The log is there: from the beginning, or it was made since.
 */
#define DISTLOG_CHANGE_CREATED 1

/**
 * The log is gone. One that was deleted and made anew is told as gone, then as there.
 */
#define DISTLOG_CHANGE_DELETED 2

/**
 * All logs that were there when the watching began have been told. Comes once.
 */
#define DISTLOG_CHANGE_LISTED 3

/**
 * The event is as it should be.
 */
#define DISTLOG_LEVEL_INFO 1

/**
 * The event is worth a look.
 */
#define DISTLOG_LEVEL_WARN 2

/**
 * The event says that something is broken.
 */
#define DISTLOG_LEVEL_ERROR 3

/**
 * What an append may ask for. One thread at a time fills it.
 */
typedef struct dl_append_options dl_append_options;

/**
 * Bytes that the library made.
 */
typedef struct dl_buffer dl_buffer;

/**
 * Reads a log as a stream of bytes, from any offset on. Delivers durable bytes only; one that follows waits at the end for
 * more.
 */
typedef struct dl_byte_reader dl_byte_reader;

/**
 * Appends bytes to a log, which a byte reader reads as one run. The one writer of the log.
 *
 * storage-full refuses what was not yet durable and leaves the writer as it was: go on from its position. After any other
 * error of a write every later call returns it.
 */
typedef struct dl_byte_writer dl_byte_writer;

/**
 * A call in flight, from a function that ends in _start.
 *
 * It goes on by itself. It is done when dl_call_wait says so, when the function given to dl_call_notify is called, or when
 * it comes out of the queue given to dl_call_enqueue. Then dl_call_finish says whether it failed, or dl_call_take_... of the
 * type of its verb takes what it answers.
 */
typedef struct dl_call dl_call;

/**
 * A named place in a log: the last record that somebody has processed. Kept durably with the log, for all processes.
 *
 * A reader with the option cursor starts behind it. While a locked reader has the cursor, only the one from
 * dl_reader_cursor changes it: every other fails with locked, and that one with fenced once the reader lost its lock.
 */
typedef struct dl_cursor dl_cursor;

/**
 * A cursor as it was found.
 */
typedef struct dl_cursor_info dl_cursor_info;

/**
 * Cursors of a log, in byte order of their names.
 */
typedef struct dl_cursors dl_cursors;

/**
 * What went wrong, to what, and what to do next.
 *
 * Every question may be asked of NULL, which is no error: kind 0, no text, nothing to retry.
 */
typedef struct dl_error dl_error;

/**
 * Something that an operator wants to hear of, such as a writer that was cut off or a sync that failed. docs/metrics.md lists
 * them. It lives while the function runs that is told of it.
 */
typedef struct dl_event dl_event;

/**
 * One thing that is not as it was written, or not where it belongs.
 */
typedef struct dl_finding dl_finding;

/**
 * A segment in progress, as the next writer would find it.
 */
typedef struct dl_in_progress dl_in_progress;

/**
 * A log: where writers and readers are opened.
 */
typedef struct dl_log dl_log;

/**
 * What happened to a log.
 */
typedef struct dl_log_change dl_log_change;

/**
 * What the metadata says about a log.
 */
typedef struct dl_log_info dl_log_info;

/**
 * Options of a log, kept with it: see dl_log_set_options. One thread at a time fills them.
 */
typedef struct dl_log_options dl_log_options;

/**
 * Tells of the logs below a prefix: first of those that are there, then of each that comes or goes, by whatever process.
 */
typedef struct dl_log_watcher dl_log_watcher;

/**
 * Names, in order.
 */
typedef struct dl_names dl_names;

/**
 * An open namespace: logs, by their names.
 *
 * A directory may be open in many processes, and more than once in each.
 */
typedef struct dl_namespace dl_namespace;

/**
 * What a namespace is, seen from outside.
 */
typedef struct dl_namespace_info dl_namespace_info;

/**
 * Options of a namespace, for dl_namespace_open; those in its URI win. One thread at a time fills them.
 */
typedef struct dl_namespace_options dl_namespace_options;

/**
 * A queue of calls that are done.
 */
typedef struct dl_queue dl_queue;

/**
 * Reads a log from some position on, in order: acknowledged records only, none twice, none left out.
 *
 * Calls that read at the same time get their records in turn; who wants them in order reads with one call at a time.
 */
typedef struct dl_reader dl_reader;

/**
 * Options of a reader, for dl_log_open_reader. One thread at a time fills them.
 */
typedef struct dl_reader_options dl_reader_options;

/**
 * The acknowledgement of an append.
 */
typedef struct dl_receipt dl_receipt;

/**
 * What became of each record of one call, in its order.
 */
typedef struct dl_receipts dl_receipts;

/**
 * A record as read. Its payload stays where the reader put it, and lives as long as the record.
 */
typedef struct dl_record dl_record;

/**
 * The members of a record set, in their order.
 */
typedef struct dl_record_set dl_record_set;

/**
 * Records as read, in the order of the log.
 */
typedef struct dl_records dl_records;

/**
 * What the metadata says about a segment.
 */
typedef struct dl_segment dl_segment;

/**
 * Tells of the segments of a log: first which there are, then which there are after each change.
 */
typedef struct dl_segment_watcher dl_segment_watcher;

/**
 * Segments of a log, oldest first.
 */
typedef struct dl_segments dl_segments;

/**
 * What verifying a namespace found. No findings: every byte that counts is as it was written.
 */
typedef struct dl_verification dl_verification;

/**
 * The one writer of a log, open.
 *
 * After the first fatal error, fenced above all, every later call returns that error: open a new writer to go on.
 * invalid-argument, too-large, condition-failed, quota-exceeded, busy and storage-full refuse one append and leave the
 * writer as it was.
 */
typedef struct dl_writer dl_writer;

/**
 * Options of a writer, for dl_log_open_writer. One thread at a time fills them.
 */
typedef struct dl_writer_options dl_writer_options;

/**
 * A view of bytes.
 *
 * Whoever has the bytes owns them; see at each function how long they have to stay, or do.
 */
typedef struct {
  /**
   * The first byte. May be NULL if there is none.
   */
  const uint8_t *data;
  /**
   * Their number.
   */
  size_t length;
} dl_bytes;

/**
 * A function that is called when a call is done.
 *
 * `call` is the one that was given to dl_call_notify, to be finished, taken from and freed there or later; NULL if it was
 * freed before it was done. `user_data` is the pointer that was given to dl_call_notify.
 */
typedef void (*dl_callback)(void *user_data, dl_call *call);

/**
 * The position of a record in its log: unique, and increasing in append order.
 *
 * Its text form is `segment:entry:slot`, such as `3:120:0`. Compare with dl_dlsn_compare.
 *
 * No record has a negative part. They are taken all the same, as bounds: DistributedLog stores `0:-1:-1` where it has no position,
 * and `1:0:-1` is in front of every record.
 */
typedef struct {
  /**
   * The number of the segment, from 1.
   */
  int64_t segment;
  /**
   * The entry in the segment, from 0.
   */
  int64_t entry;
  /**
   * The slot in the entry, from 0.
   */
  int64_t slot;
} dl_dlsn;

/**
 * A function that is told of events. `user_data` is the pointer that was given with it.
 */
typedef void (*dl_event_hook)(void *user_data, const dl_event *event);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Opens a reader of the stream of bytes that a byte writer wrote. In its options, which may be NULL, "txid:N" starts at the
 * byte with the offset N, a DLSN at the start of a chunk, "earliest" at the first byte that was not truncated, and "latest"
 * behind the last; count and until count chunks.
 *
 * Errors: invalid-argument if the txids in the log are seen not to be offsets; not-found if there is no such log.
 */
dl_error *dl_log_open_byte_reader(dl_log *log,
                                  const dl_reader_options *options,
                                  int64_t timeout_ms,
                                  dl_byte_reader **reader);

/**
 * Starts dl_log_open_byte_reader. Take what it answers with dl_call_take_byte_reader. Errors: those of
 * dl_log_open_byte_reader come with the call.
 */
dl_error *dl_log_open_byte_reader_start(dl_log *log, const dl_reader_options *options, dl_call **call);

/**
 * Reads bytes into `buffer`: up to `length`, at least one, unless that is 0 or this is the end, about which
 * dl_byte_reader_end says more; `count` is then 0. A reader that follows waits for one. It has no sister that ends in _start:
 * dl_byte_reader_next_chunk_start does that.
 *
 * Errors: timeout, and no byte is lost; invalid-argument if the log turns out to be no stream of bytes; truncated if the bytes
 * were truncated and the options do not say to skip; else as dl_reader_next.
 */
dl_error *dl_byte_reader_read(dl_byte_reader *reader,
                              uint8_t *buffer,
                              size_t length,
                              int64_t timeout_ms,
                              size_t *count);

/**
 * The next bytes without copying them: what is left of the chunk at the position. `chunk` is NULL at the end. Errors: as
 * dl_byte_reader_read.
 */
dl_error *dl_byte_reader_next_chunk(dl_byte_reader *reader,
                                    int64_t timeout_ms,
                                    dl_buffer **chunk);

/**
 * Starts dl_byte_reader_next_chunk. Take what it answers with dl_call_take_chunk. Errors: those of dl_byte_reader_next_chunk
 * come with the call.
 */
dl_error *dl_byte_reader_next_chunk_start(dl_byte_reader *reader,
                                          dl_call **call);

/**
 * The offset of the next byte.
 */
uint64_t dl_byte_reader_position(const dl_byte_reader *reader);

/**
 * Goes to an offset, in either direction. One behind the last byte is the end for now: a reader that follows waits there
 * until that byte is written. Errors: as dl_log_open_byte_reader; the reader is then where it was.
 */
dl_error *dl_byte_reader_seek(dl_byte_reader *reader,
                              uint64_t offset,
                              int64_t timeout_ms);

/**
 * Starts dl_byte_reader_seek. It answers nothing. Errors: those of dl_byte_reader_seek come with the call.
 */
dl_error *dl_byte_reader_seek_start(dl_byte_reader *reader, uint64_t offset, dl_call **call);

/**
 * How the reader ended: one of DISTLOG_END_..., 0 while it has not, or is somewhere else since.
 */
uint32_t dl_byte_reader_end(const dl_byte_reader *reader);

/**
 * Closes a reader: calls that wait, and every later one, fail with closed. Errors: timeout; the reader is closed all the
 * same.
 */
dl_error *dl_byte_reader_close(dl_byte_reader *reader,
                               int64_t timeout_ms);

/**
 * Starts dl_byte_reader_close. It answers nothing. Errors: those of dl_byte_reader_close come with the call.
 */
dl_error *dl_byte_reader_close_start(dl_byte_reader *reader, dl_call **call);

/**
 * Frees a byte reader.
 */
void dl_byte_reader_free(dl_byte_reader *reader);

/**
 * Opens the writer of a log to write a stream of bytes, in chunks whose txids are the offsets behind them, as DistributedLog
 * does. It goes on at the end of what is there. `options` may be NULL.
 *
 * Errors: as dl_log_open_writer; invalid-argument if the txids in the log are seen not to be offsets.
 */
dl_error *dl_log_open_byte_writer(dl_log *log,
                                  const dl_writer_options *options,
                                  int64_t timeout_ms,
                                  dl_byte_writer **writer);

/**
 * Starts dl_log_open_byte_writer. Take what it answers with dl_call_take_byte_writer. Errors: those of
 * dl_log_open_byte_writer come with the call.
 */
dl_error *dl_log_open_byte_writer_start(dl_log *log, const dl_writer_options *options, dl_call **call);

/**
 * Writes all of these bytes behind what was written before, and waits for nothing but room. They are durable, in order, once
 * dl_byte_writer_flush returns.
 *
 * Errors: timeout after a first part of them may have been written: dl_byte_writer_position says how much; storage-full if
 * earlier bytes were refused, and then these are too; or what ended the writer.
 */
dl_error *dl_byte_writer_write(dl_byte_writer *writer,
                               dl_bytes bytes,
                               int64_t timeout_ms);

/**
 * Starts dl_byte_writer_write. It answers nothing. Errors: those of dl_byte_writer_write come with the call.
 */
dl_error *dl_byte_writer_write_start(dl_byte_writer *writer, dl_bytes bytes, dl_call **call);

/**
 * Waits until everything that was written is durable.
 *
 * Errors: what ended the writer; storage-full if bytes were refused, after which dl_byte_writer_position is where the durable
 * ones end.
 */
dl_error *dl_byte_writer_flush(dl_byte_writer *writer,
                               int64_t timeout_ms);

/**
 * Starts dl_byte_writer_flush. It answers nothing. Errors: those of dl_byte_writer_flush come with the call.
 */
dl_error *dl_byte_writer_flush_start(dl_byte_writer *writer, dl_call **call);

/**
 * The offset behind what was written: that of the next byte.
 */
uint64_t dl_byte_writer_position(const dl_byte_writer *writer);

/**
 * Ends the stream for ever: readers are told at its end, and nobody can append to the log any more.
 *
 * Errors: as dl_byte_writer_flush, and the log is not sealed.
 */
dl_error *dl_byte_writer_seal(dl_byte_writer *writer, int64_t timeout_ms);

/**
 * Starts dl_byte_writer_seal. It answers nothing. Errors: those of dl_byte_writer_seal come with the call.
 */
dl_error *dl_byte_writer_seal_start(dl_byte_writer *writer, dl_call **call);

/**
 * Waits until what was written is durable, completes the segment and lets the log go.
 *
 * Errors: as dl_writer_close; storage-full if bytes were refused.
 */
dl_error *dl_byte_writer_close(dl_byte_writer *writer, int64_t timeout_ms);

/**
 * Starts dl_byte_writer_close. It answers nothing. Errors: those of dl_byte_writer_close come with the call.
 */
dl_error *dl_byte_writer_close_start(dl_byte_writer *writer, dl_call **call);

/**
 * Ends the writer now, and every call on it with closed: what is not durable may be in the log, up to some byte, or not.
 */
void dl_byte_writer_abort(dl_byte_writer *writer);

/**
 * Waits until the writer is cut off by another, or ends for any other reason.
 *
 * Errors: always one: that which its calls then return, or timeout while it has not ended.
 */
dl_error *dl_byte_writer_wait_fenced(dl_byte_writer *writer, int64_t timeout_ms);

/**
 * Starts dl_byte_writer_wait_fenced. The call fails when the writer ends, with the error that its calls then return. Errors:
 * those of dl_byte_writer_wait_fenced come with the call.
 */
dl_error *dl_byte_writer_wait_fenced_start(dl_byte_writer *writer,
                                           dl_call **call);

/**
 * Frees a byte writer. One that was not closed is aborted, as soon as no call on it is in flight.
 */
void dl_byte_writer_free(dl_byte_writer *writer);

/**
 * The bytes of a buffer. They live as long as it.
 */
dl_bytes dl_buffer_bytes(const dl_buffer *buffer);

/**
 * Frees a buffer.
 */
void dl_buffer_free(dl_buffer *buffer);

/**
 * Whether the call is done.
 */
bool dl_call_is_done(const dl_call *call);

/**
 * Waits until the call is done, however it ended.
 *
 * Errors: timeout, and the call goes on: it may take effect. dl_call_wait_or_cancel ends it.
 */
dl_error *dl_call_wait(const dl_call *call, int64_t timeout_ms);

/**
 * Waits until the call is done, and ends it if that takes longer, as the function without _start would. If this does not fail,
 * what the call answers can be taken.
 *
 * Errors: those of the call; timeout if it was ended, which says whether it may have taken effect.
 */
dl_error *dl_call_wait_or_cancel(dl_call *call,
                                 int64_t timeout_ms);

/**
 * Lets the library call a function when the call is done: exactly once, whatever becomes of the call and of the objects it
 * works on; at once if it is done already.
 *
 * Functions are called on one thread that the library has for that, one after another in the order in which the calls
 * ended, never inside of a function of this header. They may call any of these, but one that waits keeps the others
 * waiting. A function must return, not throw or jump. A call has one function or one queue. Errors: already-exists if it has
 * one; unavailable if the system refuses the thread.
 */
dl_error *dl_call_notify(dl_call *call,
                         dl_callback callback,
                         void *user_data);

/**
 * Puts the call into a queue when it is done; at once if it is done already. A call has one queue or one function.
 *
 * Errors: already-exists if it has one.
 */
dl_error *dl_call_enqueue(dl_call *call,
                          dl_queue *queue,
                          void *user_data);

/**
 * Ends the call: unless it is done by then, it fails with the kind cancelled. An append that was cancelled may still be in the
 * log; a read that was cancelled loses no record.
 *
 * When this returns, the call does nothing any more: an opening is in the way of nobody who opens by the same namespace after
 * that, unless it was done and has what it opened. The call is done, save an append that succeeded and has its turn after those
 * that were started before it.
 *
 * Does nothing to a call that is done, or to NULL. A call in flight is its own token of cancellation, for any thread.
 */
void dl_call_cancel(const dl_call *call);

/**
 * The error of a call that is done; NULL if it did not fail. May be asked again. What the call answers stays there to be
 * taken.
 *
 * Errors: busy if the call is not done; else its own.
 */
dl_error *dl_call_finish(const dl_call *call);

/**
 * Frees a call. One that is not done is cancelled, as by dl_call_cancel; its function is still called, or it still comes out of
 * its queue, with NULL for the call. What it answers and nobody took is freed: what was opened is in nobody's way, and records
 * that were read are read again.
 */
void dl_call_free(dl_call *call);

/**
 * Makes a queue.
 *
 * Errors: unavailable if the system refuses descriptors.
 */
dl_error *dl_queue_new(dl_queue **queue);

/**
 * A descriptor that is readable while there are calls in the queue. To be polled, never read, written or closed. It lives
 * as long as the queue; -1 for NULL, and in a forked child.
 */
int32_t dl_queue_fd(const dl_queue *queue);

/**
 * Takes calls out of the queue, in the order in which they were done: up to `max`, and at least one unless the time runs out
 * before there is any. That is no error; `count` is then 0. With a `max` of 0 it is 0 at once.
 *
 * For each call its pointer, or NULL if it was freed before it was done, goes into `calls`, and the pointer that was given
 * to dl_call_enqueue into `user_data`; both are arrays of `max`, of which one may be NULL. The calls stay the caller's, to be
 * freed.
 *
 * Errors: invalid-argument if both arrays are NULL; closed in a forked child.
 */
dl_error *dl_queue_next(dl_queue *queue,
                        int64_t timeout_ms,
                        size_t max,
                        dl_call **calls,
                        void **user_data,
                        size_t *count);

/**
 * Frees a queue. Calls that are done later, or that nobody took out of it, stay with the caller.
 */
void dl_queue_free(dl_queue *queue);

/**
 * Takes the number that a call answers.
 *
 * Errors: that of the call; busy if it is not done; invalid-argument if it answers something else, or was taken from.
 */
dl_error *dl_call_take_count(dl_call *call,
                             uint64_t *count);

/**
 * Takes the yes or no that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_flag(dl_call *call, bool *flag);

/**
 * Takes the position that a call answers. `found` says whether there is one, and may be NULL where there always is. Errors:
 * as dl_call_take_count.
 */
dl_error *dl_call_take_dlsn(dl_call *call,
                            dl_dlsn *dlsn,
                            bool *found);

/**
 * Takes the receipt that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_receipt(dl_call *call, dl_receipt **receipt);

/**
 * Takes the receipts that a call answers. Errors: as dl_call_take_count; those of single records are in the receipts.
 */
dl_error *dl_call_take_receipts(dl_call *call,
                                dl_receipts **receipts);

/**
 * Takes the record that a call answers, of a reader or of a log; NULL where there is none. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_record(dl_call *call,
                              dl_record **record);

/**
 * Takes the records that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_records(dl_call *call, dl_records **records);

/**
 * Takes the names that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_names(dl_call *call, dl_names **names);

/**
 * Takes the bytes that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_buffer(dl_call *call, dl_buffer **buffer);

/**
 * Takes the namespace that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_namespace(dl_call *call, dl_namespace **namespace_);

/**
 * Takes the info on a namespace that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_namespace_info(dl_call *call, dl_namespace_info **info);

/**
 * Takes the verification that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_verification(dl_call *call, dl_verification **verification);

/**
 * Takes the log that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_log(dl_call *call, dl_log **log);

/**
 * Takes the writer that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_writer(dl_call *call, dl_writer **writer);

/**
 * Takes the reader that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_reader(dl_call *call, dl_reader **reader);

/**
 * Takes the info on a log that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_log_info(dl_call *call, dl_log_info **info);

/**
 * Takes the options of a log that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_log_options(dl_call *call, dl_log_options **options);

/**
 * Takes the cursor that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_cursor(dl_call *call, dl_cursor **cursor);

/**
 * Takes the cursors that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_cursors(dl_call *call, dl_cursors **cursors);

/**
 * Takes the byte writer that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_byte_writer(dl_call *call, dl_byte_writer **writer);

/**
 * Takes the byte reader that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_byte_reader(dl_call *call, dl_byte_reader **reader);

/**
 * Takes the segments that a call answers, of a log or of a watcher. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_segments(dl_call *call, dl_segments **segments);

/**
 * Takes the change that a call answers. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_log_change(dl_call *call, dl_log_change **change);

/**
 * Takes the chunk of bytes that a call answers; NULL at the end. Errors: as dl_call_take_count.
 */
dl_error *dl_call_take_chunk(dl_call *call, dl_buffer **chunk);

/**
 * The cursor of this name, which need not exist: its first move makes it.
 *
 * Errors: not-found if there is no such log; invalid-argument or too-large for a name that no cursor can have.
 */
dl_error *dl_log_open_cursor(dl_log *log,
                             const char *name,
                             int64_t timeout_ms,
                             dl_cursor **cursor);

/**
 * Starts dl_log_open_cursor. Take what it answers with dl_call_take_cursor. Errors: those of dl_log_open_cursor come with
 * the call.
 */
dl_error *dl_log_open_cursor_start(dl_log *log,
                                   const char *name,
                                   dl_call **call);

/**
 * Lists the cursors of the log.
 *
 * Errors: not-found if there is no such log; corrupt if a cursor holds something else than a position.
 */
dl_error *dl_log_list_cursors(dl_log *log, int64_t timeout_ms, dl_cursors **cursors);

/**
 * Starts dl_log_list_cursors. Take what it answers with dl_call_take_cursors. Errors: those of dl_log_list_cursors come with
 * the call.
 */
dl_error *dl_log_list_cursors_start(dl_log *log,
                                    dl_call **call);

/**
 * The name of a cursor. It lives as long as the cursor.
 */
const char *dl_cursor_name(const dl_cursor *cursor);

/**
 * The record that was processed last. `found` says whether there is one: not if the cursor was never moved, or there is none
 * of this name.
 *
 * Errors: not-found if the log is gone; corrupt if something else than a position is stored.
 */
dl_error *dl_cursor_position(dl_cursor *cursor,
                             int64_t timeout_ms,
                             dl_dlsn *dlsn,
                             bool *found);

/**
 * Starts dl_cursor_position. Take what it answers with dl_call_take_dlsn. Errors: those of dl_cursor_position come with the
 * call.
 */
dl_error *dl_cursor_position_start(dl_cursor *cursor,
                                   dl_call **call);

/**
 * Moves a cursor forward to the record that was processed last, and makes it if there is none. `in_force` is the durable
 * position from then on, which may be NULL: a later one if the cursor stands there already, for it is never moved back.
 *
 * Whether there is a record at the position is not checked: one behind the end of the log skips every record to come up to it.
 *
 * Errors: locked if a locked reader has the cursor; fenced if this is the cursor of one that lost its lock; not-found if the
 * log is gone.
 */
dl_error *dl_cursor_advance(dl_cursor *cursor,
                            dl_dlsn to,
                            int64_t timeout_ms,
                            dl_dlsn *in_force);

/**
 * Starts dl_cursor_advance. Take what it answers with dl_call_take_dlsn. Errors: those of dl_cursor_advance come with the
 * call.
 */
dl_error *dl_cursor_advance_start(dl_cursor *cursor,
                                  dl_dlsn to,
                                  dl_call **call);

/**
 * Moves a cursor to this position, also back, and makes it if there is none. The position is not checked, as in
 * dl_cursor_advance. Errors: as dl_cursor_advance.
 */
dl_error *dl_cursor_reset(dl_cursor *cursor,
                          dl_dlsn to,
                          int64_t timeout_ms);

/**
 * Starts dl_cursor_reset. It answers nothing. Errors: those of dl_cursor_reset come with the call.
 */
dl_error *dl_cursor_reset_start(dl_cursor *cursor, dl_dlsn to, dl_call **call);

/**
 * Removes a cursor. Moving it later makes it anew.
 *
 * Errors: not-found if there is none; locked while a locked reader has it, this one's included.
 */
dl_error *dl_cursor_delete(dl_cursor *cursor, int64_t timeout_ms);

/**
 * Starts dl_cursor_delete. It answers nothing. Errors: those of dl_cursor_delete come with the call.
 */
dl_error *dl_cursor_delete_start(dl_cursor *cursor, dl_call **call);

/**
 * Frees a cursor, which stays where it is.
 */
void dl_cursor_free(dl_cursor *cursor);

/**
 * The number of cursors.
 */
size_t dl_cursors_count(const dl_cursors *cursors);

/**
 * The cursor at this index, from 0; NULL behind the last. It belongs to the cursors.
 */
const dl_cursor_info *dl_cursors_at(const dl_cursors *cursors, size_t index);

/**
 * Frees cursors.
 */
void dl_cursors_free(dl_cursors *cursors);

/**
 * The name of the cursor.
 */
const char *dl_cursor_info_name(const dl_cursor_info *info);

/**
 * The record that was processed last. Answers whether there is one, and writes it then.
 */
bool dl_cursor_info_position(const dl_cursor_info *info, dl_dlsn *dlsn);

/**
 * How the locked reader that has the cursor named itself; NULL if there is none.
 */
const char *dl_cursor_info_owner(const dl_cursor_info *info);

/**
 * Compares two positions: below 0 if `a` comes first, above 0 if `b` does, 0 if they are the same.
 */
int32_t dl_dlsn_compare(dl_dlsn a, dl_dlsn b);

/**
 * The least position behind this one.
 */
dl_dlsn dl_dlsn_next(dl_dlsn dlsn);

/**
 * Reads the text form of a position.
 *
 * Errors: invalid-argument for any other text.
 */
dl_error *dl_dlsn_parse(const char *text, dl_dlsn *dlsn);

/**
 * Writes the text form of a position and a NUL into a buffer. DISTLOG_DLSN_TEXT_BYTES are always enough.
 *
 * Errors: too-large if the buffer is too small, and nothing is written.
 */
dl_error *dl_dlsn_format(dl_dlsn dlsn, char *buffer, size_t bytes);

/**
 * Makes an error of the caller's own, of a kind DISTLOG_ERROR_..., for a layer above that refuses something itself: internal if
 * there is no such kind. NULL for the message is an empty one.
 *
 * Errors: that is the answer itself; invalid-argument if the message is not UTF-8.
 */
dl_error *dl_error_new(uint32_t kind,
                       const char *message);

/**
 * The number of the kind: one of DISTLOG_ERROR_..., which are never given another meaning, or a larger one that a newer
 * library or server sent.
 */
uint32_t dl_error_kind(const dl_error *error);

/**
 * The name of the kind, such as "not-found". It lives for ever.
 */
const char *dl_error_name(const dl_error *error);

/**
 * All of the error as one text: kind, operation, message and context.
 */
const char *dl_error_text(const dl_error *error);

/**
 * What happened, and what to do next.
 */
const char *dl_error_message(const dl_error *error);

/**
 * The operation that failed, such as "append"; NULL if none is named.
 */
const char *dl_error_operation(const dl_error *error);

/**
 * Whether the same call may succeed later.
 */
bool dl_error_is_retryable(const dl_error *error);

/**
 * Whether the operation could have taken effect although it failed.
 */
bool dl_error_may_have_taken_effect(const dl_error *error);

/**
 * The log that it happened to; NULL if none is named.
 */
const char *dl_error_log(const dl_error *error);

/**
 * How the writer or reader that holds the log or cursor named itself, for fenced and locked; NULL where it is not known.
 */
const char *dl_error_owner(const dl_error *error);

/**
 * The position that the error speaks of: the first readable one for truncated, the actual last one for condition-failed.
 * Answers whether there is one, and writes it then.
 */
bool dl_error_dlsn(const dl_error *error,
                   dl_dlsn *dlsn);

/**
 * What else the operation was about: the value of a key such as "segment", "entry", "file" or "offset"; NULL if it has none.
 */
const char *dl_error_context(const dl_error *error,
                             const char *key);

/**
 * The key at this index, from 0, of those that dl_error_context has a value for; NULL behind the last.
 */
const char *dl_error_context_key(const dl_error *error, size_t index);

/**
 * A copy of an error, of the caller's; NULL of NULL.
 */
dl_error *dl_error_clone(const dl_error *error);

/**
 * Frees an error.
 */
void dl_error_free(dl_error *error);

/**
 * Area and name, such as "writer.fenced". It never changes.
 */
const char *dl_event_target(const dl_event *event);

/**
 * How much it matters: one of DISTLOG_LEVEL_....
 */
uint32_t dl_event_level(const dl_event *event);

/**
 * What happened, in words that may change.
 */
const char *dl_event_message(const dl_event *event);

/**
 * The kind of the error behind it: one of DISTLOG_ERROR_...; 0 if there is none.
 */
uint32_t dl_event_kind(const dl_event *event);

/**
 * What it happened to: the value of a key; NULL if it has none of this key. docs/metrics.md says which keys each target has: "log",
 * "segment", "owner", "file", "entries", "records", "journals", "segments" and "ms". Behind an error ("error" is its message) are
 * also all keys of the error, such as "entry" and "offset" of damage.
 */
const char *dl_event_context(const dl_event *event,
                             const char *key);

/**
 * All of it as one line: level, target, message and context.
 */
const char *dl_event_text(const dl_event *event);

/**
 * The name of the log. It lives as long as the log.
 */
const char *dl_log_name(const dl_log *log);

/**
 * Frees a log. Writers and readers of it stay open.
 */
void dl_log_free(dl_log *log);

/**
 * Opens the writer of a log. When it returns, every earlier writer is cut off for good: no append of theirs that is not in
 * the log by then will ever be acknowledged. `options` may be NULL.
 *
 * Errors: locked, with the owner, if another holds the log and the option takeover does not allow to take it, or if another
 * took it at the same time; not-found if there is no such log and the option create_log is off.
 */
dl_error *dl_log_open_writer(dl_log *log,
                             const dl_writer_options *options,
                             int64_t timeout_ms,
                             dl_writer **writer);

/**
 * Starts dl_log_open_writer. Take what it answers with dl_call_take_writer. Errors: those of dl_log_open_writer come with
 * the call.
 */
dl_error *dl_log_open_writer_start(dl_log *log,
                                   const dl_writer_options *options,
                                   dl_call **call);

/**
 * Opens a reader. `options` may be NULL: then it reads from the first record to the end.
 *
 * Errors: truncated, with the first readable position, if the start lies below it and the options do not say to skip;
 * not-found if there is no such log; for a locked reader locked if another holds the lock and the option takeover does not
 * allow to take it, or if another took it at the same time.
 */
dl_error *dl_log_open_reader(dl_log *log,
                             const dl_reader_options *options,
                             int64_t timeout_ms,
                             dl_reader **reader);

/**
 * Starts dl_log_open_reader. Take what it answers with dl_call_take_reader. Errors: those of dl_log_open_reader come with
 * the call.
 */
dl_error *dl_log_open_reader_start(dl_log *log,
                                   const dl_reader_options *options,
                                   dl_call **call);

/**
 * Truncates the log below `before`, at most up to the segment that is being written: dl_writer_truncate gets further.
 * `in_force` is the point from then on, below which no reader starts, and may be NULL. Whole segments below are freed.
 *
 * Errors: not-found if there is no such log.
 */
dl_error *dl_log_truncate(dl_log *log,
                          dl_dlsn before,
                          int64_t timeout_ms,
                          dl_dlsn *in_force);

/**
 * Starts dl_log_truncate. Take what it answers with dl_call_take_dlsn. Errors: those of dl_log_truncate come with the call.
 */
dl_error *dl_log_truncate_start(dl_log *log,
                                dl_dlsn before,
                                dl_call **call);

/**
 * Completes what a writer that is gone left in progress, as opening a writer and closing it would.
 *
 * Errors: locked if a writer holds the log.
 */
dl_error *dl_log_recover(dl_log *log, int64_t timeout_ms);

/**
 * Starts dl_log_recover. It answers nothing. Errors: those of dl_log_recover come with the call.
 */
dl_error *dl_log_recover_start(dl_log *log, dl_call **call);

/**
 * Frees what is too old or too much by the options kept with the log, as its writer does while it is open. `in_force` is the
 * point of truncation from then on, and may be NULL.
 *
 * Errors: not-found if there is no such log.
 */
dl_error *dl_log_apply_retention(dl_log *log,
                                 int64_t timeout_ms,
                                 dl_dlsn *in_force);

/**
 * Starts dl_log_apply_retention. Take what it answers with dl_call_take_dlsn. Errors: those of dl_log_apply_retention come
 * with the call.
 */
dl_error *dl_log_apply_retention_start(dl_log *log,
                                       dl_call **call);

/**
 * What the metadata says about the log.
 *
 * Errors: not-found if there is no such log.
 */
dl_error *dl_log_get_info(dl_log *log, int64_t timeout_ms, dl_log_info **info);

/**
 * Starts dl_log_get_info. Take what it answers with dl_call_take_log_info. Errors: those of dl_log_get_info come with the
 * call.
 */
dl_error *dl_log_get_info_start(dl_log *log,
                                dl_call **call);

/**
 * The segments of the log, truncated ones that are still kept included.
 *
 * Errors: not-found if there is no such log.
 */
dl_error *dl_log_list_segments(dl_log *log, int64_t timeout_ms, dl_segments **segments);

/**
 * Starts dl_log_list_segments. Take what it answers with dl_call_take_segments. Errors: those of dl_log_list_segments come
 * with the call.
 */
dl_error *dl_log_list_segments_start(dl_log *log,
                                     dl_call **call);

/**
 * The name of the log.
 */
const char *dl_log_info_name(const dl_log_info *info);

/**
 * A number that tells the log from an earlier one of the same name.
 */
uint64_t dl_log_info_incarnation(const dl_log_info *info);

/**
 * The number of its segments, truncated ones that are still kept included.
 */
size_t dl_log_info_segments(const dl_log_info *info);

/**
 * Whether a segment is in progress: a writer is open, or was and did not end it.
 */
bool dl_log_info_is_in_progress(const dl_log_info *info);

/**
 * Whether it was sealed.
 */
bool dl_log_info_is_sealed(const dl_log_info *info);

/**
 * The point of truncation: no record below it is read.
 */
dl_dlsn dl_log_info_first_readable(const dl_log_info *info);

/**
 * The largest txid of its completed segments; -1 if it never had a record, and of a sealed log.
 */
int64_t dl_log_info_max_txid(const dl_log_info *info);

/**
 * How its writer named itself; NULL if there is none.
 */
const char *dl_log_info_owner(const dl_log_info *info);

/**
 * Frees info.
 */
void dl_log_info_free(dl_log_info *info);

/**
 * The number of segments.
 */
size_t dl_segments_count(const dl_segments *segments);

/**
 * The segment at this index, from 0; NULL behind the last. It belongs to the segments.
 */
const dl_segment *dl_segments_at(const dl_segments *segments, size_t index);

/**
 * Frees segments.
 */
void dl_segments_free(dl_segments *segments);

/**
 * Its number; 0 for the oldest ones that Java DistributedLog wrote.
 */
int64_t dl_segment_number(const dl_segment *segment);

/**
 * What it is called in its store.
 */
int64_t dl_segment_id(const dl_segment *segment);

/**
 * How much of it was truncated: one of DISTLOG_TRUNCATION_.... For DISTLOG_TRUNCATION_BELOW the position goes into `below`,
 * which may be NULL.
 */
uint32_t dl_segment_truncation(const dl_segment *segment,
                               dl_dlsn *below);

/**
 * A lower bound of the txids of its records.
 */
int64_t dl_segment_first_txid(const dl_segment *segment);

/**
 * The sequence id of its first record; -1 where it is not counted or not known.
 */
int64_t dl_segment_first_sequence_id(const dl_segment *segment);

/**
 * Whether it was completed. What completion said are its records, last txid, last position and time.
 */
bool dl_segment_is_completed(const dl_segment *segment);

/**
 * The number of its records; -1 if it was not completed.
 */
int64_t dl_segment_records(const dl_segment *segment);

/**
 * The txid of its last record; -1 if it was not completed.
 */
int64_t dl_segment_last_txid(const dl_segment *segment);

/**
 * The position of its last record, which may be a control record. Answers whether there is one, and writes it then.
 */
bool dl_segment_last_dlsn(const dl_segment *segment,
                          dl_dlsn *dlsn);

/**
 * When it was completed, in milliseconds since 1970 UTC; -1 if it was not.
 */
int64_t dl_segment_completed_ms(const dl_segment *segment);

/**
 * The position of the first record whose txid is at least `txid`. `found` says whether there is one yet.
 *
 * Errors: not-found if there is no such log; invalid-argument for a txid that no record can have.
 */
dl_error *dl_log_dlsn_at_txid(dl_log *log, int64_t txid, int64_t timeout_ms, dl_dlsn *dlsn, bool *found);

/**
 * Starts dl_log_dlsn_at_txid. Take what it answers with dl_call_take_dlsn. Errors: those of dl_log_dlsn_at_txid come with
 * the call.
 */
dl_error *dl_log_dlsn_at_txid_start(dl_log *log,
                                    int64_t txid,
                                    dl_call **call);

/**
 * The number of readable records from `from` to `until`, both included; NULL is no bound. As many as a reader with these
 * bounds delivers.
 *
 * Errors: not-found if there is no such log.
 */
dl_error *dl_log_count(dl_log *log,
                       const dl_dlsn *from,
                       const dl_dlsn *until,
                       int64_t timeout_ms,
                       uint64_t *count);

/**
 * Starts dl_log_count. Take what it answers with dl_call_take_count. Errors: those of dl_log_count come with the call.
 */
dl_error *dl_log_count_start(dl_log *log,
                             const dl_dlsn *from,
                             const dl_dlsn *until,
                             dl_call **call);

/**
 * The first readable record; `record` is NULL if there is none yet.
 *
 * Errors: not-found if there is no such log.
 */
dl_error *dl_log_first_record(dl_log *log, int64_t timeout_ms, dl_record **record);

/**
 * Starts dl_log_first_record. Take what it answers with dl_call_take_record. Errors: those of dl_log_first_record come with
 * the call.
 */
dl_error *dl_log_first_record_start(dl_log *log,
                                    dl_call **call);

/**
 * The last record; `record` is NULL if there is none that was not truncated.
 *
 * Errors: not-found if there is no such log.
 */
dl_error *dl_log_last_record(dl_log *log, int64_t timeout_ms, dl_record **record);

/**
 * Starts dl_log_last_record. Take what it answers with dl_call_take_record. Errors: those of dl_log_last_record come with
 * the call.
 */
dl_error *dl_log_last_record_start(dl_log *log,
                                   dl_call **call);

/**
 * The options kept with the log; the defaults, if none were set.
 *
 * Errors: not-found if there is no such log.
 */
dl_error *dl_log_get_options(dl_log *log, int64_t timeout_ms, dl_log_options **options);

/**
 * Starts dl_log_get_options. Take what it answers with dl_call_take_log_options. Errors: those of dl_log_get_options come
 * with the call.
 */
dl_error *dl_log_get_options_start(dl_log *log,
                                   dl_call **call);

/**
 * Replaces the options kept with the log. Writers that are opened from now on go by them.
 *
 * Errors: not-found if there is no such log.
 */
dl_error *dl_log_set_options(dl_log *log, const dl_log_options *options, int64_t timeout_ms);

/**
 * Starts dl_log_set_options. It answers nothing. Errors: those of dl_log_set_options come with the call.
 */
dl_error *dl_log_set_options_start(dl_log *log, const dl_log_options *options, dl_call **call);

/**
 * Bytes that the user keeps with the log; empty if none were set.
 *
 * Errors: not-found if there is no such log.
 */
dl_error *dl_log_get_user_metadata(dl_log *log, int64_t timeout_ms, dl_buffer **data);

/**
 * Starts dl_log_get_user_metadata. Take what it answers with dl_call_take_buffer. Errors: those of dl_log_get_user_metadata
 * come with the call.
 */
dl_error *dl_log_get_user_metadata_start(dl_log *log,
                                         dl_call **call);

/**
 * Sets the bytes that the user keeps with the log, at most 524288; none removes them.
 *
 * Errors: not-found if there is no such log; too-large for more.
 */
dl_error *dl_log_set_user_metadata(dl_log *log, dl_bytes data, int64_t timeout_ms);

/**
 * Starts dl_log_set_user_metadata. It answers nothing. Errors: those of dl_log_set_user_metadata come with the call.
 */
dl_error *dl_log_set_user_metadata_start(dl_log *log,
                                         dl_bytes data,
                                         dl_call **call);

/**
 * Opens the namespace at a URI, such as "memory:name" or "file:///path". Options in its query win over `options`, which may
 * be NULL.
 *
 * Errors: invalid-argument for a URI or an option that cannot be right; unsupported for a driver that this build does not
 * have, or a directory it must not use; not-found if there is none and create_namespace is off.
 */
dl_error *dl_namespace_open(const char *uri,
                            const dl_namespace_options *options,
                            int64_t timeout_ms,
                            dl_namespace **namespace_);

/**
 * Starts dl_namespace_open. Take what it answers with dl_call_take_namespace. Errors: those of dl_namespace_open come with
 * the call.
 */
dl_error *dl_namespace_open_start(const char *uri,
                                  const dl_namespace_options *options,
                                  dl_call **call);

/**
 * As dl_namespace_open, with a function that is told of events: what an operator wants to hear of, such as a writer that was
 * cut off, a segment that was recovered, a sync that failed.
 *
 * It is called for one event after another, on threads of the library, never inside of a function of this header. It may call any
 * of these, but must not close or free this namespace, or end the call that opens it, which would wait for itself; it must
 * return, not throw or jump. Events that come faster than it returns are dropped and counted. What happened before
 * dl_namespace_close is told before that returns, and nothing is told any more once dl_namespace_free has returned, or once this
 * has failed: so long `user_data` has to live.
 *
 * Errors: as dl_namespace_open.
 */
dl_error *dl_namespace_open_with_events(const char *uri,
                                        const dl_namespace_options *options,
                                        dl_event_hook hook,
                                        void *user_data,
                                        int64_t timeout_ms,
                                        dl_namespace **namespace_);

/**
 * Starts dl_namespace_open_with_events. Take what it answers with dl_call_take_namespace. Errors: those of
 * dl_namespace_open_with_events come with the call.
 */
dl_error *dl_namespace_open_with_events_start(const char *uri,
                                              const dl_namespace_options *options,
                                              dl_event_hook hook,
                                              void *user_data,
                                              dl_call **call);

/**
 * Closes a namespace: every pending call on it, its logs, writers and readers ends with closed. Close writers first: what
 * they have in flight may be in the log or not, as after dl_writer_abort.
 *
 * Errors: what the driver reports.
 */
dl_error *dl_namespace_close(dl_namespace *namespace_,
                             int64_t timeout_ms);

/**
 * Starts dl_namespace_close. It answers nothing. Errors: those of dl_namespace_close come with the call.
 */
dl_error *dl_namespace_close_start(dl_namespace *namespace_, dl_call **call);

/**
 * Frees a namespace. Close it first. Logs, writers and readers of it stay usable, and are freed by themselves.
 */
void dl_namespace_free(dl_namespace *namespace_);

/**
 * What the namespace counted and measured since it was opened, as Prometheus text; `by_log` adds those of each log with an
 * open writer or reader.
 *
 * Errors: timeout; closed when the namespace is.
 */
dl_error *dl_namespace_metrics_text(dl_namespace *namespace_,
                                    bool by_log,
                                    int64_t timeout_ms,
                                    dl_buffer **text);

/**
 * Starts dl_namespace_metrics_text. Take what it answers with dl_call_take_buffer. Errors: those of
 * dl_namespace_metrics_text come with the call.
 */
dl_error *dl_namespace_metrics_text_start(dl_namespace *namespace_, bool by_log, dl_call **call);

/**
 * Makes a log.
 *
 * Errors: already-exists if it is there; invalid-argument or too-large for a name that no log can have.
 */
dl_error *dl_namespace_create_log(dl_namespace *namespace_, const char *name, int64_t timeout_ms);

/**
 * Starts dl_namespace_create_log. It answers nothing. Errors: those of dl_namespace_create_log come with the call.
 */
dl_error *dl_namespace_create_log_start(dl_namespace *namespace_,
                                        const char *name,
                                        dl_call **call);

/**
 * Opens a log that exists.
 *
 * Errors: not-found if it does not.
 */
dl_error *dl_namespace_open_log(dl_namespace *namespace_, const char *name, int64_t timeout_ms, dl_log **log);

/**
 * Starts dl_namespace_open_log. Take what it answers with dl_call_take_log. Errors: those of dl_namespace_open_log come with
 * the call.
 */
dl_error *dl_namespace_open_log_start(dl_namespace *namespace_,
                                      const char *name,
                                      dl_call **call);

/**
 * A log that may not exist yet: calls on it find out, and a writer can make it (the option create_log). Does not wait.
 *
 * Errors: invalid-argument or too-large for a name that no log can have.
 */
dl_error *dl_namespace_log(dl_namespace *namespace_,
                           const char *name,
                           dl_log **log);

/**
 * Whether a log exists. Errors: invalid-argument for what is no name of a log; timeout; unavailable; closed.
 */
dl_error *dl_namespace_log_exists(dl_namespace *namespace_,
                                  const char *name,
                                  int64_t timeout_ms,
                                  bool *exists);

/**
 * Starts dl_namespace_log_exists. Take what it answers with dl_call_take_flag. Errors: those of dl_namespace_log_exists come
 * with the call.
 */
dl_error *dl_namespace_log_exists_start(dl_namespace *namespace_,
                                        const char *name,
                                        dl_call **call);

/**
 * Takes a log from whoever writes it, frees all it holds and removes it; logs below its name stay.
 *
 * Errors: not-found if it does not exist; locked if another writer took it at the same time.
 */
dl_error *dl_namespace_delete_log(dl_namespace *namespace_, const char *name, int64_t timeout_ms);

/**
 * Starts dl_namespace_delete_log. It answers nothing. Errors: those of dl_namespace_delete_log come with the call.
 */
dl_error *dl_namespace_delete_log_start(dl_namespace *namespace_,
                                        const char *name,
                                        dl_call **call);

/**
 * Gives a log another name, and moves all that belongs to it; logs below its old name stay where they are.
 *
 * Errors: not-found if it does not exist; already-exists if there is one of the new name; locked while a writer or a locked
 * reader holds it.
 */
dl_error *dl_namespace_rename_log(dl_namespace *namespace_,
                                  const char *from,
                                  const char *to,
                                  int64_t timeout_ms);

/**
 * Starts dl_namespace_rename_log. It answers nothing. Errors: those of dl_namespace_rename_log come with the call.
 */
dl_error *dl_namespace_rename_log_start(dl_namespace *namespace_,
                                        const char *from,
                                        const char *to,
                                        dl_call **call);

/**
 * Lists logs: the full names of those below `prefix` (a path; all logs, if it is empty or NULL) and behind `after` (from the
 * first on, if it is NULL), in byte order, at most `limit`. The next page begins behind the last name of this one.
 *
 * Errors: invalid-argument for what is no path or name; timeout; unavailable; closed.
 */
dl_error *dl_namespace_list_logs(dl_namespace *namespace_,
                                 const char *prefix,
                                 const char *after,
                                 size_t limit,
                                 int64_t timeout_ms,
                                 dl_names **names);

/**
 * Starts dl_namespace_list_logs. Take what it answers with dl_call_take_names. Errors: those of dl_namespace_list_logs come
 * with the call.
 */
dl_error *dl_namespace_list_logs_start(dl_namespace *namespace_,
                                       const char *prefix,
                                       const char *after,
                                       size_t limit,
                                       dl_call **call);

/**
 * What the namespace at a URI is: its format, how much it holds, and who has it open. Opens and changes nothing. `options` may
 * be NULL.
 *
 * Errors: not-found if there is none; corrupt if the file is damaged that says what it is.
 */
dl_error *dl_namespace_inspect(const char *uri,
                               const dl_namespace_options *options,
                               int64_t timeout_ms,
                               dl_namespace_info **info);

/**
 * Starts dl_namespace_inspect. Take what it answers with dl_call_take_namespace_info. Errors: those of dl_namespace_inspect
 * come with the call.
 */
dl_error *dl_namespace_inspect_start(const char *uri,
                                     const dl_namespace_options *options,
                                     dl_call **call);

/**
 * The driver: "memory", "file" or "bookkeeper".
 */
const char *dl_namespace_info_driver(const dl_namespace_info *info);

/**
 * Whether it has a format that a file says. If not, its version and features are 0.
 */
bool dl_namespace_info_has_format(const dl_namespace_info *info);

/**
 * The version of its format.
 */
uint64_t dl_namespace_info_format_version(const dl_namespace_info *info);

/**
 * Features, as bits, that a library which does not know them may ignore.
 */
uint64_t dl_namespace_info_format_compatible(const dl_namespace_info *info);

/**
 * Features, as bits, with which such a library may only read.
 */
uint64_t dl_namespace_info_format_read_only_compatible(const dl_namespace_info *info);

/**
 * Features, as bits, with which such a library may do nothing.
 */
uint64_t dl_namespace_info_format_incompatible(const dl_namespace_info *info);

/**
 * Whether this library knows all that it must know to write.
 */
bool dl_namespace_info_format_is_known(const dl_namespace_info *info);

/**
 * The number of its logs; -1 if its metadata cannot be read, or not by this library.
 */
int64_t dl_namespace_info_logs(const dl_namespace_info *info);

/**
 * The number of processes that have it open for writing.
 */
size_t dl_namespace_info_processes_count(const dl_namespace_info *info);

/**
 * The process id of the process at this index, from 0; 0 behind the last.
 */
uint32_t dl_namespace_info_processes_id(const dl_namespace_info *info, size_t index);

/**
 * How the process at this index, from 0, names itself as the owner of a log; NULL behind the last.
 */
const char *dl_namespace_info_processes_client_id(const dl_namespace_info *info, size_t index);

/**
 * The number of journals.
 */
uint64_t dl_namespace_info_journals(const dl_namespace_info *info);

/**
 * The bytes that the journals take.
 */
uint64_t dl_namespace_info_journal_bytes(const dl_namespace_info *info);

/**
 * The number of segment files.
 */
uint64_t dl_namespace_info_segments(const dl_namespace_info *info);

/**
 * The bytes that the segment files take.
 */
uint64_t dl_namespace_info_segment_bytes(const dl_namespace_info *info);

/**
 * The bytes that the metadata takes.
 */
uint64_t dl_namespace_info_metadata_bytes(const dl_namespace_info *info);

/**
 * Frees info.
 */
void dl_namespace_info_free(dl_namespace_info *info);

/**
 * Makes options: the defaults.
 */
dl_namespace_options *dl_namespace_options_new(void);

/**
 * Sets the option `name` from text, as in URIs and on the command line: "64MiB", "30s", "true".
 *
 * Errors: invalid-argument for an unknown name, a text that is no value, and a value out of range; nothing is changed then.
 */
dl_error *dl_namespace_options_set(dl_namespace_options *options,
                                   const char *name,
                                   const char *value);

/**
 * The value of the option `name` as text; NULL if it has none. It lives until the options are changed or freed.
 */
const char *dl_namespace_options_get(const dl_namespace_options *options,
                                     const char *name);

/**
 * The name at this index, from 0, of those options that have a value; NULL behind the last. It lives until the options are
 * changed or freed.
 */
const char *dl_namespace_options_name(const dl_namespace_options *options,
                                      size_t index);

/**
 * Frees options.
 */
void dl_namespace_options_free(dl_namespace_options *options);

/**
 * How this process names itself as the owner of a log, seen by those that it keeps out. If absent:
 * host name and process id.
 *
 * text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_client_id(dl_namespace_options *options, const char *value);

/**
 * Makes the namespace where there is none: a directory (itself, not its parents); on BookKeeper only
 * if "ledgers_path" says on which ledgers. If false, opening a missing one is "not-found".
 *
 * true or false; default true. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_create_namespace(dl_namespace_options *options, bool value);

/**
 * Opens for reading only: nothing is written, and whatever would write fails with "permission-denied".
 *
 * true or false; default false. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_namespace_options_set_read_only(dl_namespace_options *options, bool value);

/**
 * The most that all writers of this namespace handle together may have appended without an
 * acknowledgement.
 *
 * bytes; default 64MiB; 1MiB to 64GiB. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_namespace_options_set_in_flight_bytes(dl_namespace_options *options, uint64_t value);

/**
 * A sync of the disk that takes longer is told to the log hook.
 *
 * milliseconds; default 1s; 1 to 1h. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_namespace_options_set_slow_sync_ms(dl_namespace_options *options, uint64_t value);

/**
 * How long to wait for another process that opens the directory or changes its metadata, before
 * "unavailable".
 *
 * milliseconds; default 10s; 0 to 10m. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_namespace_options_set_lock_wait_ms(dl_namespace_options *options, uint64_t value);

/**
 * The size of this process's journal. A larger one is recycled less often and takes longer to replay
 * after a crash.
 *
 * bytes; default 64MiB; 4MiB to 4GiB. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_namespace_options_set_journal_bytes(dl_namespace_options *options, uint64_t value);

/**
 * From this many bytes on, what one group commit holds for one segment is synced in that segment's
 * file instead of being written to the journal as well.
 *
 * bytes; default 256KiB; 4KiB to 1GiB. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_namespace_options_set_large_flush_bytes(dl_namespace_options *options, uint64_t value);

/**
 * Opens a directory on a file system that is not known to keep the promises. On network mounts locks
 * and shared memory do not hold between machines, and acknowledged records can be lost.
 *
 * true or false; default false. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_namespace_options_set_unsafe_filesystem(dl_namespace_options *options, bool value);

/**
 * The root of the BookKeeper cluster in ZooKeeper, "/ledgers" on most: a namespace that does not exist
 * is made on it. One that exists says it by itself. If absent: none is made.
 *
 * text; 2 to 1024. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_ledgers_path(dl_namespace_options *options, const char *value);

/**
 * The ZooKeeper servers of the BookKeeper cluster, "host:port,host:port", for a namespace that is
 * made. If absent: those of the URI.
 *
 * text; 1 to 4096. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_bookkeeper_zookeepers(dl_namespace_options *options, const char *value);

/**
 * Makes a federated namespace: its logs are spread over sub-namespaces, so that no node of ZooKeeper
 * gets too many children. One that exists says by itself whether it is.
 *
 * true or false; default false. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_namespace_options_set_federated(dl_namespace_options *options, bool value);

/**
 * The number of the first segment of each log in a namespace that is made, which is where its DLSNs
 * begin. One that exists says it by itself. If absent: 1.
 *
 * number; 1 to 1000000000000. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_first_segment(dl_namespace_options *options, uint64_t value);

/**
 * The most logs that are made in one sub-namespace of a federated namespace.
 *
 * number; default 15000; 1 to 1000000. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_namespace_options_set_logs_per_subnamespace(dl_namespace_options *options, uint64_t value);

/**
 * On how many bookies a segment lies.
 *
 * number; default 3; 1 to 64. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_ensemble_size(dl_namespace_options *options, uint64_t value);

/**
 * To how many of them each entry is written; if it is more than "ensemble_size", to all.
 *
 * number; default 3; 1 to 64. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_write_quorum(dl_namespace_options *options, uint64_t value);

/**
 * How many of those must have an entry on disk before it is acknowledged: the loss of one fewer loses
 * nothing. If it is more than "write_quorum", all of those.
 *
 * number; default 2; 1 to 64. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_ack_quorum(dl_namespace_options *options, uint64_t value);

/**
 * What protects the entries of new segments: "crc32", as Java DistributedLog writes, "crc32c", "mac"
 * or "none". Each is read, by Java too, whatever this says.
 *
 * "crc32", "crc32c", "mac", "none"; default crc32. Errors: invalid-argument if the value cannot be,
 * which changes nothing.
 */
dl_error *dl_namespace_options_set_digest(dl_namespace_options *options, const char *value);

/**
 * A writer that falls idle tells bookies how far it has got, instead of adding a control record that
 * says so. That is one entry fewer for each lone append, but Java's readers see the last record only
 * when the next one comes.
 *
 * true or false; default false. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_namespace_options_set_explicit_lac(dl_namespace_options *options, bool value);

/**
 * The password of ledgers ("digestPw" in Java), the same for all who use the namespace. It stands in
 * clear in ZooKeeper. If absent: the empty one, as in Java.
 *
 * text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_ledger_password(dl_namespace_options *options, const char *value);

/**
 * What new ledgers say in their metadata of the application that they belong to, as Java's
 * "LedgerMetadata" does; "dl bk orphans" deletes none that says so. If absent: nothing.
 *
 * text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_ledger_application(dl_namespace_options *options, const char *value);

/**
 * What new ledgers say of the part of that application. If absent: nothing.
 *
 * text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_ledger_component(dl_namespace_options *options, const char *value);

/**
 * How long ZooKeeper keeps the session of a process that is silent, and with it the locks of its
 * writers. A writer looks whether its ledger is still its own before it acknowledges, if ZooKeeper was
 * silent for half of that, at most 5 s, or its process did not run for over a second. Its servers have
 * bounds of their own.
 *
 * milliseconds; default 10s; 1s to 10m. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_namespace_options_set_session_timeout_ms(dl_namespace_options *options, uint64_t value);

/**
 * How long a call may wait for ZooKeeper, connecting again included, before it fails with
 * "unavailable".
 *
 * milliseconds; default 30s; 100 to 10m. Errors: invalid-argument if the value cannot be, which
 * changes nothing.
 */
dl_error *dl_namespace_options_set_zookeeper_timeout_ms(dl_namespace_options *options, uint64_t value);

/**
 * The identity shown to ZooKeeper ("zkAclId" in Java): nodes made with it are its own, and others may
 * only read them. If absent: anyone may do anything to them.
 *
 * text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_zookeeper_acl_id(dl_namespace_options *options, const char *value);

/**
 * The longest that connecting to a bookie may take, TLS and authentication included.
 *
 * milliseconds; default 10s; 10 to 10m. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_namespace_options_set_bookie_connect_timeout_ms(dl_namespace_options *options, uint64_t value);

/**
 * How long a bookie may take to answer before it counts as failed.
 *
 * milliseconds; default 5s; 10 to 10m. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_namespace_options_set_bookie_request_timeout_ms(dl_namespace_options *options, uint64_t value);

/**
 * Where bookies stand, so that the copies of an entry are in as many racks as can be: "HOST=RACK" or
 * "HOST:PORT=RACK" for each, with commas between, such as "b1=/a,b2=/a,b3=/b". Bookies not named are
 * in one rack together. If absent: all are.
 *
 * text; 1 to 65536. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_bookie_racks(dl_namespace_options *options, const char *value);

/**
 * The name shown to bookies that want one (SASL, DIGEST-MD5). If absent: none.
 *
 * text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_bookie_user(dl_namespace_options *options, const char *value);

/**
 * The password that belongs to "bookie_user". If absent: the empty one.
 *
 * text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_bookie_password(dl_namespace_options *options, const char *value);

/**
 * A file of certificates (PEM) to one of which those of bookies must lead: TLS is spoken with them. If
 * absent: no TLS.
 *
 * text; 1 to 4096. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_tls_roots(dl_namespace_options *options, const char *value);

/**
 * A file with our own certificate and what leads to it (PEM), for bookies that ask for one. If absent:
 * none is shown.
 *
 * text; 1 to 4096. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_tls_certificate(dl_namespace_options *options, const char *value);

/**
 * The file with the private key (PEM) of "tls_certificate". If absent: none.
 *
 * text; 1 to 4096. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_namespace_options_set_tls_key(dl_namespace_options *options, const char *value);

/**
 * Makes options: the defaults.
 */
dl_log_options *dl_log_options_new(void);

/**
 * Sets the option `name` from text, as in URIs and on the command line: "64MiB", "30s", "true".
 *
 * Errors: invalid-argument for an unknown name, a text that is no value, and a value out of range; nothing is changed then.
 */
dl_error *dl_log_options_set(dl_log_options *options,
                             const char *name,
                             const char *value);

/**
 * The value of the option `name` as text; NULL if it has none. It lives until the options are changed or freed.
 */
const char *dl_log_options_get(const dl_log_options *options,
                               const char *name);

/**
 * The name at this index, from 0, of those options that have a value; NULL behind the last. It lives until the options are
 * changed or freed.
 */
const char *dl_log_options_name(const dl_log_options *options,
                                size_t index);

/**
 * Frees options.
 */
void dl_log_options_free(dl_log_options *options);

/**
 * A segment that has reached this size is completed and a new one begun. Truncation and retention free
 * whole segments.
 *
 * bytes; default 256MiB; 1KiB to 64GiB. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_log_options_set_roll_bytes(dl_log_options *options, uint64_t value);

/**
 * A segment that has reached this age is completed, also if nothing is appended any more.
 *
 * milliseconds; default 2h; 1 to 3650d. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_log_options_set_roll_ms(dl_log_options *options, uint64_t value);

/**
 * How entries are compressed: "none" or "lz4".
 *
 * "none", "lz4"; default none. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_log_options_set_compression(dl_log_options *options, const char *value);

/**
 * The log is truncated behind a segment that was completed so long ago, as are all in front of it. So
 * a record stays for this time and at most "roll_ms" more. If absent: age frees nothing.
 *
 * milliseconds; 1 to 36500d. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_log_options_set_retention_ms(dl_log_options *options, uint64_t value);

/**
 * The most that the completed segments of the log may hold together: beyond that the log is truncated
 * behind the oldest ones. The newest completed one stays, whatever its size. If absent: size frees
 * nothing.
 *
 * bytes; 1KiB to 9007199254740992. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_log_options_set_retention_bytes(dl_log_options *options, uint64_t value);

/**
 * Retention moves no point of truncation: it only frees segments below the point that a truncation set
 * and left behind, as Java DistributedLog does.
 *
 * true or false; default false. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_log_options_set_explicit_truncation(dl_log_options *options, bool value);

/**
 * On how many bookies segments of this log lie that writers opened from now on begin. If absent: as
 * the writer's namespace was opened.
 *
 * number; 1 to 64. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_log_options_set_ensemble_size(dl_log_options *options, uint64_t value);

/**
 * To how many of them each entry is written; at most to "ensemble_size". If absent: as the writer's
 * namespace was opened, or to all if these are fewer.
 *
 * number; 1 to 64. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_log_options_set_write_quorum(dl_log_options *options, uint64_t value);

/**
 * How many of those must have an entry on disk before it is acknowledged; at most "write_quorum". If
 * absent: as the writer's namespace was opened, or all if these are fewer.
 *
 * number; 1 to 64. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_log_options_set_ack_quorum(dl_log_options *options, uint64_t value);

/**
 * Makes options: the defaults.
 */
dl_writer_options *dl_writer_options_new(void);

/**
 * Sets the option `name` from text, as in URIs and on the command line: "64MiB", "30s", "true".
 *
 * Errors: invalid-argument for an unknown name, a text that is no value, and a value out of range; nothing is changed then.
 */
dl_error *dl_writer_options_set(dl_writer_options *options,
                                const char *name,
                                const char *value);

/**
 * The value of the option `name` as text; NULL if it has none. It lives until the options are changed or freed.
 */
const char *dl_writer_options_get(const dl_writer_options *options,
                                  const char *name);

/**
 * The name at this index, from 0, of those options that have a value; NULL behind the last. It lives until the options are
 * changed or freed.
 */
const char *dl_writer_options_name(const dl_writer_options *options,
                                   size_t index);

/**
 * Frees options.
 */
void dl_writer_options_free(dl_writer_options *options);

/**
 * What to do about a writer that holds the log: "force" cuts it off now, "wait:30s" waits that long
 * for it to let go, "never" does not wait; the last two then fail with "locked". So does any of them
 * when another took it while this one was being opened: try again.
 *
 * "force", "never", "wait:DURATION"; default force. Errors: invalid-argument if the value cannot be,
 * which changes nothing.
 */
dl_error *dl_writer_options_set_takeover(dl_writer_options *options, const char *value);

/**
 * Makes the log if it does not exist.
 *
 * true or false; default false. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_writer_options_set_create_log(dl_writer_options *options, bool value);

/**
 * This writer's own. If absent: that of the log.
 *
 * "none", "lz4". Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_writer_options_set_compression(dl_writer_options *options, const char *value);

/**
 * This writer's own. If absent: that of the log.
 *
 * bytes; 1KiB to 64GiB. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_writer_options_set_roll_bytes(dl_writer_options *options, uint64_t value);

/**
 * This writer's own. If absent: that of the log.
 *
 * milliseconds; 1 to 3650d. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_writer_options_set_roll_ms(dl_writer_options *options, uint64_t value);

/**
 * This writer's own. If absent: that of the log.
 *
 * milliseconds; 1 to 36500d. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_writer_options_set_retention_ms(dl_writer_options *options, uint64_t value);

/**
 * This writer's own. If absent: that of the log.
 *
 * bytes; 1KiB to 9007199254740992. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_writer_options_set_retention_bytes(dl_writer_options *options, uint64_t value);

/**
 * This writer's own. If absent: that of the log.
 *
 * true or false. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_writer_options_set_explicit_truncation(dl_writer_options *options, bool value);

/**
 * The most records that may be appended without an acknowledgement: "append" waits, "try_append"
 * answers "busy".
 *
 * number; default 5000; 1 to 10000000. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_writer_options_set_in_flight_records(dl_writer_options *options, uint64_t value);

/**
 * The most bytes that may be appended without an acknowledgement: "append" waits, "try_append" answers
 * "busy".
 *
 * bytes; default 16MiB; 1MiB to 4GiB. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_writer_options_set_in_flight_bytes(dl_writer_options *options, uint64_t value);

/**
 * After a refusal for lack of space ("storage-full", "quota-exceeded") the writer accepts nothing
 * more, so that what it put into the log is a prefix of what it was given, also where appends do not
 * wait for acknowledgements. Otherwise it goes on once there is room.
 *
 * true or false; default false. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_writer_options_set_stop_when_full(dl_writer_options *options, bool value);

/**
 * How long "close" waits for acknowledgements before it gives up; what is left is then settled with
 * "closed".
 *
 * milliseconds; default 30s; 0 to 1d. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_writer_options_set_close_timeout_ms(dl_writer_options *options, uint64_t value);

/**
 * Makes options: the defaults.
 */
dl_reader_options *dl_reader_options_new(void);

/**
 * Sets the option `name` from text, as in URIs and on the command line: "64MiB", "30s", "true".
 *
 * Errors: invalid-argument for an unknown name, a text that is no value, and a value out of range; nothing is changed then.
 */
dl_error *dl_reader_options_set(dl_reader_options *options,
                                const char *name,
                                const char *value);

/**
 * The value of the option `name` as text; NULL if it has none. It lives until the options are changed or freed.
 */
const char *dl_reader_options_get(const dl_reader_options *options,
                                  const char *name);

/**
 * The name at this index, from 0, of those options that have a value; NULL behind the last. It lives until the options are
 * changed or freed.
 */
const char *dl_reader_options_name(const dl_reader_options *options,
                                   size_t index);

/**
 * Frees options.
 */
void dl_reader_options_free(dl_reader_options *options);

/**
 * Where to start: "earliest", "latest" (the first record not yet visible), a DLSN such as "3:120:0"
 * (or the next there is), or "txid:1700000000000" (the first record with that txid or a larger one).
 *
 * "earliest", "latest", DLSN, "txid:N"; default earliest. Errors: invalid-argument if the value cannot
 * be, which changes nothing.
 */
dl_error *dl_reader_options_set_from(dl_reader_options *options, const char *value);

/**
 * Waits for more at the end of the log instead of ending there.
 *
 * true or false; default false. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_reader_options_set_follow(dl_reader_options *options, bool value);

/**
 * Ends after the record at this DLSN. If absent: no such bound.
 *
 * DLSN. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_reader_options_set_until(dl_reader_options *options, dl_dlsn value);

/**
 * Ends after this many records. If absent: no such bound.
 *
 * number. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_reader_options_set_count(dl_reader_options *options, uint64_t value);

/**
 * When the start lies below the point of truncation: "fail" with "truncated", or "skip" to the first
 * readable record.
 *
 * "fail", "skip"; default fail. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_reader_options_set_on_truncated(dl_reader_options *options, const char *value);

/**
 * How much a reader fetches ahead of its caller at most. If absent: 1MiB; on BookKeeper, where it
 * waits for other machines, 4MiB.
 *
 * bytes; 64KiB to 64MiB. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_reader_options_set_read_ahead_bytes(dl_reader_options *options, uint64_t value);

/**
 * Starts behind the position of this cursor; where it has none yet, "from" says. If absent: no cursor.
 *
 * text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
 */
dl_error *dl_reader_options_set_cursor(dl_reader_options *options, const char *value);

/**
 * Opens a locked reader: of those with the same cursor (of those without one, if it has none) one at a
 * time reads. One that lost its lock fails with "fenced", and moves its cursor no more.
 *
 * true or false; default false. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_reader_options_set_locked(dl_reader_options *options, bool value);

/**
 * What a locked reader does about another that holds the lock: "force" cuts it off now, "wait:30s"
 * waits that long for it to let go, "never" does not wait; the last two then fail with "locked". So
 * does any of them when another took it while this one was being opened: try again.
 *
 * "force", "never", "wait:DURATION"; default force. Errors: invalid-argument if the value cannot be,
 * which changes nothing.
 */
dl_error *dl_reader_options_set_takeover(dl_reader_options *options, const char *value);

/**
 * Delivers a record set as the one record it is stored as, at the position of its first member,
 * instead of its members. One that the start lies inside is unpacked; one that reaches over "until" is
 * delivered.
 *
 * true or false; default false. Errors: invalid-argument if the value cannot be, which changes
 * nothing.
 */
dl_error *dl_reader_options_set_whole_record_sets(dl_reader_options *options, bool value);

/**
 * Reads the next record. `record` is NULL at the end, about which dl_reader_end says more. A reader that follows waits for
 * one.
 *
 * Errors: timeout if the time runs out before there is one, and none is lost; corrupt with segment, entry and place if
 * stored bytes are not what was written; truncated with the first readable position if a truncation overtook the reader;
 * not-found if the log was deleted; fenced if a locked reader lost its lock; closed.
 */
dl_error *dl_reader_next(dl_reader *reader,
                         int64_t timeout_ms,
                         dl_record **record);

/**
 * Starts dl_reader_next. Take what it answers with dl_call_take_record. Errors: those of dl_reader_next come with the call.
 */
dl_error *dl_reader_next_start(dl_reader *reader,
                               dl_call **call);

/**
 * Reads up to `max` records: at least one, unless the reader ends or `wait_ms` passes before there is any, which is no error.
 * With 0 it reads what is there and waits for nothing more; a negative one waits without bound. No payload is copied.
 *
 * Errors: as dl_reader_next.
 */
dl_error *dl_reader_next_batch(dl_reader *reader,
                               size_t max,
                               int64_t wait_ms,
                               dl_records **records);

/**
 * Starts dl_reader_next_batch. Take what it answers with dl_call_take_records. Errors: those of dl_reader_next_batch come
 * with the call.
 */
dl_error *dl_reader_next_batch_start(dl_reader *reader,
                                     size_t max,
                                     int64_t wait_ms,
                                     dl_call **call);

/**
 * Where the next record will be, or before it: everything below was delivered. What a call has that is done is delivered when it
 * is taken.
 */
dl_dlsn dl_reader_position(const dl_reader *reader);

/**
 * How the reader ended: one of DISTLOG_END_..., 0 while it has not.
 */
uint32_t dl_reader_end(const dl_reader *reader);

/**
 * The cursor that the reader was opened with. That of a locked reader moves only while the reader has its lock. Does not wait.
 *
 * Errors: not-found if the reader has none.
 */
dl_error *dl_reader_cursor(const dl_reader *reader,
                           dl_cursor **cursor);

/**
 * Closes a reader, and lets its lock go: calls that wait, and every later one, fail with closed.
 *
 * Errors: what letting the lock go ran into; it then ends with the namespace or this process.
 */
dl_error *dl_reader_close(dl_reader *reader, int64_t timeout_ms);

/**
 * Starts dl_reader_close. It answers nothing. Errors: those of dl_reader_close come with the call.
 */
dl_error *dl_reader_close_start(dl_reader *reader, dl_call **call);

/**
 * Frees a reader. One that was not closed lets its lock go soon.
 */
void dl_reader_free(dl_reader *reader);

/**
 * The position of the record.
 */
dl_dlsn dl_receipt_dlsn(const dl_receipt *receipt);

/**
 * The txid of the record.
 */
int64_t dl_receipt_txid(const dl_receipt *receipt);

/**
 * The place of the record among all of the log, counted from 0; -1 where Java DistributedLog did not count.
 */
int64_t dl_receipt_sequence_id(const dl_receipt *receipt);

/**
 * What the record survives: one of DISTLOG_DURABILITY_..., or a larger number that a newer library knows.
 */
uint32_t dl_receipt_durability(const dl_receipt *receipt);

/**
 * The name of what the record survives: "memory", "power-loss" or "replicated". It lives for ever.
 */
const char *dl_receipt_durability_name(const dl_receipt *receipt);

/**
 * Whether this was a retry of an append that had been acknowledged before.
 */
bool dl_receipt_is_duplicate(const dl_receipt *receipt);

/**
 * Frees a receipt, but not one that belongs to receipts.
 */
void dl_receipt_free(dl_receipt *receipt);

/**
 * The number of records that were settled: those of the call, up to the first that was refused.
 */
size_t dl_receipts_count(const dl_receipts *receipts);

/**
 * The receipt of the record at this index, from 0; NULL if that was not acknowledged, and behind the last. It belongs to the
 * receipts.
 */
const dl_receipt *dl_receipts_at(const dl_receipts *receipts,
                                 size_t index);

/**
 * The error of the record at this index, from 0; NULL if it was acknowledged.
 *
 * Errors: its own; invalid-argument behind the last.
 */
dl_error *dl_receipts_error(const dl_receipts *receipts, size_t index);

/**
 * The error of the first record that was not acknowledged; NULL if all were. Errors: that of the record is the answer;
 * invalid-argument for NULL.
 */
dl_error *dl_receipts_first_error(const dl_receipts *receipts);

/**
 * Frees receipts.
 */
void dl_receipts_free(dl_receipts *receipts);

/**
 * The position of the record.
 */
dl_dlsn dl_record_dlsn(const dl_record *record);

/**
 * The txid of the record.
 */
int64_t dl_record_txid(const dl_record *record);

/**
 * The place of the record among all of the log, counted from 0; -1 where Java DistributedLog did not count.
 */
int64_t dl_record_sequence_id(const dl_record *record);

/**
 * What was appended. It lives as long as the record, or the records to which that belongs.
 */
dl_bytes dl_record_payload(const dl_record *record);

/**
 * Whether the payload is a whole record set, which a reader delivers only if its options say so.
 */
bool dl_record_is_record_set(const dl_record *record);

/**
 * Frees a record, but not one that belongs to records.
 */
void dl_record_free(dl_record *record);

/**
 * The number of records.
 */
size_t dl_records_count(const dl_records *records);

/**
 * The record at this index, from 0; NULL behind the last. It belongs to the records.
 */
const dl_record *dl_records_at(const dl_records *records, size_t index);

/**
 * Writes views of the payloads, from the first record on, into an array of `max`. Answers how many that were. They live as long
 * as the records.
 */
size_t dl_records_payloads(const dl_records *records,
                           dl_bytes *payloads,
                           size_t max);

/**
 * Frees records, and with them every view of their payloads.
 */
void dl_records_free(dl_records *records);

/**
 * Unpacks the members of a record that is a whole record set: see dl_record_is_record_set. They do not need the record.
 *
 * Errors: corrupt if the payload is not that of a record set.
 */
dl_error *dl_record_set_open(const dl_record *record,
                             dl_record_set **set);

/**
 * The number of members.
 */
size_t dl_record_set_count(const dl_record_set *set);

/**
 * The payload of the member at this index, from 0; empty behind the last. It lives as long as the set.
 */
dl_bytes dl_record_set_payload(const dl_record_set *set, size_t index);

/**
 * Frees a record set.
 */
void dl_record_set_free(dl_record_set *set);

/**
 * Says how many threads the library's runtime has. Unless it is called there are as many as processors, at most 4.
 *
 * The threads of a process that was forked afterwards are as many. Errors: invalid-argument if it is not 1 to 1,024;
 * already-exists if the runtime has begun to run, which the first call that opens a namespace makes it do.
 */
dl_error *dl_runtime_set_threads(size_t threads);

/**
 * The number of names.
 */
size_t dl_names_count(const dl_names *names);

/**
 * The name at this index, from 0; NULL behind the last.
 */
const char *dl_names_at(const dl_names *names, size_t index);

/**
 * Frees a list of names.
 */
void dl_names_free(dl_names *names);

/**
 * Reads every byte that belongs to the namespace at a URI (to `log`, unless it is NULL: then of segments only its own), journals
 * and metadata included, and says what is not as it was written. It changes nothing, locks nothing, and works beside processes
 * that write, and where dl_namespace_open fails. `options` may be NULL.
 *
 * Errors: not-found if there is no namespace, or no such log in metadata that is whole; unsupported for a namespace that is
 * newer than this library; permission-denied.
 */
dl_error *dl_namespace_verify(const char *uri,
                              const dl_namespace_options *options,
                              const char *log,
                              int64_t timeout_ms,
                              dl_verification **verification);

/**
 * Starts dl_namespace_verify. Take what it answers with dl_call_take_verification. Errors: those of dl_namespace_verify come
 * with the call.
 */
dl_error *dl_namespace_verify_start(const char *uri,
                                    const dl_namespace_options *options,
                                    const char *log,
                                    dl_call **call);

/**
 * The number of files that were read.
 */
uint64_t dl_verification_files(const dl_verification *verification);

/**
 * The bytes that were read.
 */
uint64_t dl_verification_bytes(const dl_verification *verification);

/**
 * Whether other processes have the namespace open.
 */
bool dl_verification_is_in_use(const dl_verification *verification);

/**
 * How much is not as it was written: the number of findings.
 */
size_t dl_verification_findings_count(const dl_verification *verification);

/**
 * The finding at this index, from 0, by file; NULL behind the last. It belongs to the verification.
 */
const dl_finding *dl_verification_findings_at(const dl_verification *verification, size_t index);

/**
 * The number of segments that a writer has in progress, or left so.
 */
size_t dl_verification_in_progress_count(const dl_verification *verification);

/**
 * The segment in progress at this index, from 0; NULL behind the last. It belongs to the verification.
 */
const dl_in_progress *dl_verification_in_progress_at(const dl_verification *verification, size_t index);

/**
 * Frees a verification.
 */
void dl_verification_free(dl_verification *verification);

/**
 * How bad it is: "notice", if no acknowledged record depends on it, or "damage".
 */
const char *dl_finding_severity(const dl_finding *finding);

/**
 * What kind of file it is about: "format", "control", "metadata", "journal", "segment", or "stranger" for one that is not the
 * namespace's.
 */
const char *dl_finding_subject(const dl_finding *finding);

/**
 * What is wrong, in words.
 */
const char *dl_finding_message(const dl_finding *finding);

/**
 * The file; NULL if it is about what several say.
 */
const char *dl_finding_file(const dl_finding *finding);

/**
 * The place in the file; -1 if it is about all of it.
 */
int64_t dl_finding_offset(const dl_finding *finding);

/**
 * The segment, as its store calls it; -1 if it is about none.
 */
int64_t dl_finding_segment_id(const dl_finding *finding);

/**
 * The log that the segment belongs to; NULL where it is not known.
 */
const char *dl_finding_log(const dl_finding *finding);

/**
 * The number of the segment in its log; -1 where it is not known.
 */
int64_t dl_finding_segment(const dl_finding *finding);

/**
 * The number of runs of entries of the segment that are whole.
 */
size_t dl_finding_whole_entries_count(const dl_finding *finding);

/**
 * The run of whole entries at this index, from 0: its first and its last entry. Answers whether there is one, and writes them
 * then; either may be NULL.
 */
bool dl_finding_whole_entries_at(const dl_finding *finding,
                                 size_t index,
                                 uint64_t *first,
                                 uint64_t *last);

/**
 * What is provably kept, in words; NULL if nothing is known of that.
 */
const char *dl_finding_kept(const dl_finding *finding);

/**
 * The number of commands that are safe to run.
 */
size_t dl_finding_safe_count(const dl_finding *finding);

/**
 * The safe command at this index, from 0; NULL behind the last.
 */
const char *dl_finding_safe_at(const dl_finding *finding, size_t index);

/**
 * Its log.
 */
const char *dl_in_progress_log(const dl_in_progress *segment);

/**
 * Its number.
 */
int64_t dl_in_progress_segment(const dl_in_progress *segment);

/**
 * What it is called in its store.
 */
int64_t dl_in_progress_segment_id(const dl_in_progress *segment);

/**
 * The number of its entries that are provably kept.
 */
uint64_t dl_in_progress_entries(const dl_in_progress *segment);

/**
 * The number of records in them; -1 if the last entry is only in a journal.
 */
int64_t dl_in_progress_records(const dl_in_progress *segment);

/**
 * The position of the last of them, which may be a control record. Answers whether there is one that is known, and writes it
 * then.
 */
bool dl_in_progress_last_dlsn(const dl_in_progress *segment,
                              dl_dlsn *dlsn);

/**
 * Bytes behind them that are no whole entry: they were never acknowledged, or power was lost.
 */
uint64_t dl_in_progress_unfinished_bytes(const dl_in_progress *segment);

/**
 * How the writer that holds the log named itself; NULL if there is none, or it let go of the log.
 */
const char *dl_in_progress_owner(const dl_in_progress *segment);

/**
 * Whether that writer's process lives.
 */
bool dl_in_progress_owner_is_alive(const dl_in_progress *segment);

/**
 * The version of the library that is loaded, such as "0.1.0".
 */
const char *dl_library_version(void);

/**
 * Watches the logs below `prefix` (a path; all logs, if it is empty or NULL). Does not wait.
 *
 * Errors: invalid-argument for a prefix that no log can have, such as a//b; unavailable if the system lacks the means, such as a
 * thread, to hear of changes made elsewhere.
 */
dl_error *dl_namespace_watch_logs(dl_namespace *namespace_,
                                  const char *prefix,
                                  dl_log_watcher **watcher);

/**
 * The next change; waits for one, and loses none.
 *
 * Errors: timeout; closed when the namespace is.
 */
dl_error *dl_log_watcher_next(dl_log_watcher *watcher, int64_t timeout_ms, dl_log_change **change);

/**
 * Starts dl_log_watcher_next. Take what it answers with dl_call_take_log_change. Errors: those of dl_log_watcher_next come
 * with the call.
 */
dl_error *dl_log_watcher_next_start(dl_log_watcher *watcher,
                                    dl_call **call);

/**
 * Ends the watching: calls that wait, and every later one, fail with closed. Does not wait.
 */
void dl_log_watcher_close(dl_log_watcher *watcher);

/**
 * Frees a watcher.
 */
void dl_log_watcher_free(dl_log_watcher *watcher);

/**
 * What happened: one of DISTLOG_CHANGE_..., or a larger number that a newer library knows.
 */
uint32_t dl_log_change_kind(const dl_log_change *change);

/**
 * The log it happened to; NULL for DISTLOG_CHANGE_LISTED.
 */
const char *dl_log_change_name(const dl_log_change *change);

/**
 * Frees a change.
 */
void dl_log_change_free(dl_log_change *change);

/**
 * Watches the segments of a log. Does not wait. Errors: unavailable as for dl_namespace_watch_logs.
 */
dl_error *dl_log_watch_segments(dl_log *log, dl_segment_watcher **watcher);

/**
 * The segments of the log: at first those that are there, then waits until they are different from what it answered last:
 * one was begun, completed, truncated or freed.
 *
 * Errors: timeout; not-found when there is no such log, or no longer; closed when the namespace is.
 */
dl_error *dl_segment_watcher_next(dl_segment_watcher *watcher,
                                  int64_t timeout_ms,
                                  dl_segments **segments);

/**
 * Starts dl_segment_watcher_next. Take what it answers with dl_call_take_segments. Errors: those of dl_segment_watcher_next
 * come with the call.
 */
dl_error *dl_segment_watcher_next_start(dl_segment_watcher *watcher,
                                        dl_call **call);

/**
 * Ends the watching: calls that wait, and every later one, fail with closed. Does not wait.
 */
void dl_segment_watcher_close(dl_segment_watcher *watcher);

/**
 * Frees a watcher.
 */
void dl_segment_watcher_free(dl_segment_watcher *watcher);

/**
 * Waits until all appends that were called or started before are settled, those too that wait for room.
 *
 * Errors: what ended the writer; storage-full if the last of them was refused.
 */
dl_error *dl_writer_flush(dl_writer *writer, int64_t timeout_ms);

/**
 * Starts dl_writer_flush. It answers nothing. Errors: those of dl_writer_flush come with the call.
 */
dl_error *dl_writer_flush_start(dl_writer *writer, dl_call **call);

/**
 * Truncates the log below `before`; if that lies in the segment being written, the segment is completed first. `in_force` is
 * the point from then on, below which no reader starts, and may be NULL. Whole segments below are freed.
 *
 * Errors: what ended the writer.
 */
dl_error *dl_writer_truncate(dl_writer *writer,
                             dl_dlsn before,
                             int64_t timeout_ms,
                             dl_dlsn *in_force);

/**
 * Starts dl_writer_truncate. Take what it answers with dl_call_take_dlsn. Errors: those of dl_writer_truncate come with the
 * call.
 */
dl_error *dl_writer_truncate_start(dl_writer *writer,
                                   dl_dlsn before,
                                   dl_call **call);

/**
 * Ends the log for ever: what was appended before stays, every later append, of this or any other writer, fails with sealed.
 *
 * Errors: what ended the writer; storage-full if there is no space for the mark, and the log is not sealed.
 */
dl_error *dl_writer_seal(dl_writer *writer,
                         int64_t timeout_ms);

/**
 * Starts dl_writer_seal. It answers nothing. Errors: those of dl_writer_seal come with the call.
 */
dl_error *dl_writer_seal_start(dl_writer *writer, dl_call **call);

/**
 * Settles what was appended, completes the segment and lets the log go.
 *
 * Errors: what ended the writer; timeout if it took longer than timeout_ms, and then the writer goes on closing, or if that took
 * longer than the option close_timeout_ms, after which what was not acknowledged fails with closed.
 */
dl_error *dl_writer_close(dl_writer *writer,
                          int64_t timeout_ms);

/**
 * Starts dl_writer_close. It answers nothing. Errors: those of dl_writer_close come with the call.
 */
dl_error *dl_writer_close_start(dl_writer *writer, dl_call **call);

/**
 * Ends the writer now: all that is not acknowledged fails with closed, and may be in the log or not. Does not wait.
 */
void dl_writer_abort(dl_writer *writer);

/**
 * The position of the log's last record, of those that are acknowledged. Answers whether there is one, and writes it then.
 */
bool dl_writer_last_dlsn(const dl_writer *writer,
                         dl_dlsn *dlsn);

/**
 * The txid of the log's last record, of those that are acknowledged; -1 if there is none.
 */
int64_t dl_writer_last_txid(const dl_writer *writer);

/**
 * Waits until the writer is cut off by another, or ends for any other reason.
 *
 * Errors: always one: that which its calls then return, or timeout while it has not ended.
 */
dl_error *dl_writer_wait_fenced(dl_writer *writer, int64_t timeout_ms);

/**
 * Starts dl_writer_wait_fenced. The call fails when the writer ends, with the error that its calls then return. Errors:
 * those of dl_writer_wait_fenced come with the call.
 */
dl_error *dl_writer_wait_fenced_start(dl_writer *writer,
                                      dl_call **call);

/**
 * Frees a writer. One that was not closed is aborted, as soon as no call on it is in flight.
 */
void dl_writer_free(dl_writer *writer);

/**
 * Appends a record and waits until it is durable. `options` and `receipt` may be NULL.
 *
 * A thread that appends alone, without bound and condition, writes and syncs itself, which is the fastest way for one record
 * after another. Errors: busy if there is no room and timeout_ms is 0; timeout; invalid-argument for a txid below the last
 * one; too-large; condition-failed with the actual last position; storage-full; or what ended the writer.
 */
dl_error *dl_writer_append(dl_writer *writer,
                           dl_bytes payload,
                           const dl_append_options *options,
                           int64_t timeout_ms,
                           dl_receipt **receipt);

/**
 * Starts dl_writer_append. Take what it answers with dl_call_take_receipt.
 *
 * Appends get their places in the order in which they are started, and those that succeed are done in this order too, before
 * a later flush, seal or close is. When too much is in flight the call waits for room, in line with others;
 * dl_writer_try_append_start does not. Errors: those of dl_writer_append come with the call.
 */
dl_error *dl_writer_append_start(dl_writer *writer,
                                 dl_bytes payload,
                                 const dl_append_options *options,
                                 dl_call **call);

/**
 * Starts an append if there is room for it now. Take what it answers with dl_call_take_receipt.
 *
 * Errors: busy if there is no room: wait until an earlier call is done; else as dl_writer_append, at once where that is known.
 */
dl_error *dl_writer_try_append_start(dl_writer *writer,
                                     dl_bytes payload,
                                     const dl_append_options *options,
                                     dl_call **call);

/**
 * Appends many records with one call, each for itself, in their order, and waits until all are settled. It ends at the first
 * record that is refused: those behind that are not appended. `txids` is an array of as many, of which -1 stands for none, or
 * NULL; `options` and `receipts` may be NULL.
 *
 * Errors: that of the first record that was not acknowledged. Then `receipts` is written too, if it is not NULL: it says what
 * became of each, a refused one last. One that had its place and could not be stored, as with storage-full, ends nothing: those
 * behind it may be acknowledged. `receipts` is not written when the call failed as a whole, with invalid-argument, timeout or closed,
 * before it looked at the records.
 */
dl_error *dl_writer_append_many(dl_writer *writer,
                                const dl_bytes *payloads,
                                const int64_t *txids,
                                size_t count,
                                const dl_append_options *options,
                                int64_t timeout_ms,
                                dl_receipts **receipts);

/**
 * Starts dl_writer_append_many. Take what it answers with dl_call_take_receipts, and ask dl_receipts_first_error. Errors:
 * those of dl_writer_append_many come with the call.
 */
dl_error *dl_writer_append_many_start(dl_writer *writer,
                                      const dl_bytes *payloads,
                                      const int64_t *txids,
                                      size_t count,
                                      const dl_append_options *options,
                                      dl_call **call);

/**
 * Appends records that are all in the log, in consecutive slots, or none of them, and waits until they are durable. `txids`
 * is an array of as many, of which -1 stands for none, or NULL; `options` and `receipts` may be NULL.
 *
 * Errors: as dl_writer_append; too-large if they take more than an entry, with 20 bytes for each header.
 */
dl_error *dl_writer_append_batch(dl_writer *writer,
                                 const dl_bytes *payloads,
                                 const int64_t *txids,
                                 size_t count,
                                 const dl_append_options *options,
                                 int64_t timeout_ms,
                                 dl_receipts **receipts);

/**
 * Starts dl_writer_append_batch. Take what it answers with dl_call_take_receipts. Errors: those of dl_writer_append_batch
 * come with the call.
 */
dl_error *dl_writer_append_batch_start(dl_writer *writer,
                                       const dl_bytes *payloads,
                                       const int64_t *txids,
                                       size_t count,
                                       const dl_append_options *options,
                                       dl_call **call);

/**
 * Makes options that ask for nothing.
 */
dl_append_options *dl_append_options_new(void);

/**
 * Sets the txid of the record. Without it that is the wall clock in milliseconds, held at the last txid of the log when the
 * clock is behind it.
 *
 * Errors: invalid-argument if it is not 0 to 2^63 - 2.
 */
dl_error *dl_append_options_set_txid(dl_append_options *options,
                                     int64_t txid);

/**
 * The append fails with condition-failed unless the last record of the log then has this position: judged after all earlier
 * appends of this writer.
 *
 * Errors: invalid-argument if the options are NULL.
 */
dl_error *dl_append_options_set_expected_last(dl_append_options *options,
                                              dl_dlsn dlsn);

/**
 * The append fails with condition-failed unless the log then holds no record. Errors: invalid-argument if the options are
 * NULL.
 */
dl_error *dl_append_options_set_expected_empty(dl_append_options *options);

/**
 * Frees options.
 */
void dl_append_options_free(dl_append_options *options);

/**
 * Appends a record set, as DistributedLog's: all of its members are in the log, in consecutive slots and with one txid, or
 * none. `compression` is "none" or "lz4", NULL for none; `options` and `receipts`, one for each member, may be NULL.
 *
 * Errors: as dl_writer_append; too-large if the packed members take more than a record.
 */
dl_error *dl_writer_append_record_set(dl_writer *writer,
                                      const dl_bytes *payloads,
                                      size_t count,
                                      const char *compression,
                                      const dl_append_options *options,
                                      int64_t timeout_ms,
                                      dl_receipts **receipts);

/**
 * Starts dl_writer_append_record_set. Take what it answers with dl_call_take_receipts. Errors: those of
 * dl_writer_append_record_set come with the call.
 */
dl_error *dl_writer_append_record_set_start(dl_writer *writer,
                                            const dl_bytes *payloads,
                                            size_t count,
                                            const char *compression,
                                            const dl_append_options *options,
                                            dl_call **call);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* DISTLOG_DL_H */
