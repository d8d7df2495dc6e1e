//! A queue of calls that are done, with a descriptor that an event loop can poll.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use dl_core::{Error, ErrorKind, Result};

use super::call::{UserData, dl_call};
use crate::boundary::{answer, boundary};
use crate::error::dl_error;
use crate::forks::Birth;
use crate::handle::{self, Boxed, Object, Out};
use crate::waiting::duration;

/// A queue of calls that are done.
pub struct dl_queue {
    queue: Arc<Queue>,
}

/// What a queue shares with the calls that will come into it.
pub(crate) struct Queue {
    birth: Birth,
    ready: Mutex<Ready>,
    filled: Condvar,
}

struct Ready {
    calls: VecDeque<(Arc<dl_call>, UserData)>,
    /// Holds one byte while there are calls. So nobody ever waits in it.
    reader: PipeReader,
    writer: PipeWriter,
}

impl Object for dl_queue {
    const NAME: &'static str = "the queue";

    fn birth(&self) -> Option<Birth> {
        Some(self.queue.birth)
    }
}

impl Boxed for dl_queue {}

impl dl_queue {
    fn new() -> Result<Self> {
        let (reader, writer) = std::io::pipe().map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the system refused a descriptor").caused_by(error)
        })?;
        let ready = Mutex::new(Ready { calls: VecDeque::new(), reader, writer });
        Ok(Self { queue: Arc::new(Queue { birth: Birth::now(), ready, filled: Condvar::new() }) })
    }

    pub(crate) fn share(&self) -> Arc<Queue> {
        self.queue.clone()
    }
}

impl Queue {
    /// A call is done.
    pub(crate) fn push(&self, call: Arc<dl_call>, user_data: UserData) {
        let mut ready = self.ready();
        ready.calls.push_back((call, user_data));
        if ready.calls.len() == 1 {
            ready.ring();
        }
        drop(ready);
        self.filled.notify_one();
    }

    /// Waits for calls and takes some; who wants none does not wait.
    fn next(&self, timeout_ms: i64, most: usize) -> Vec<(Arc<dl_call>, UserData)> {
        if most == 0 {
            return Vec::new();
        }
        let empty = |ready: &mut Ready| ready.calls.is_empty();
        let ready = self.ready();
        let mut ready = match duration(timeout_ms) {
            None => self.filled.wait_while(ready, empty).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                let waited = self.filled.wait_timeout_while(ready, timeout, empty);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        let count = most.min(ready.calls.len());
        let taken: Vec<_> = ready.calls.drain(..count).collect();
        if count > 0 && ready.calls.is_empty() {
            ready.silence();
        } else if count > 0 {
            self.filled.notify_one();
        }
        taken
    }

    fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ready {
    fn ring(&mut self) {
        // There is room: one byte at most is in the pipe, whose other end is open.
        let _written = self.writer.write_all(&[1]);
    }

    fn silence(&mut self) {
        // There is one byte.
        let _read = self.reader.read_exact(&mut [0]);
    }
}

/// Makes a queue.
///
/// Errors: unavailable if the system refuses descriptors.
#[unsafe(no_mangle)]
pub extern "C" fn dl_queue_new(queue: *mut *mut dl_queue) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(queue, "queue")?;
        out.put_object(dl_queue::new()?);
        Ok(())
    })
}

/// A descriptor that is readable while there are calls in the queue. To be polled, never read, written or closed. It lives
/// as long as the queue; -1 for NULL, and in a forked child.
#[unsafe(no_mangle)]
pub extern "C" fn dl_queue_fd(queue: *const dl_queue) -> i32 {
    answer(-1, || Ok(handle::borrow(queue)?.queue.ready().reader.as_raw_fd()))
}

/// Takes calls out of the queue, in the order in which they were done: up to `max`, and at least one unless the time runs out
/// before there is any. That is no error; `count` is then 0. With a `max` of 0 it is 0 at once.
///
/// For each call its pointer, or NULL if it was freed before it was done, goes into `calls`, and the pointer that was given
/// to dl_call_enqueue into `user_data`; both are arrays of `max`, of which one may be NULL. The calls stay the caller's, to be
/// freed.
///
/// Errors: invalid-argument if both arrays are NULL; closed in a forked child.
#[unsafe(no_mangle)]
pub extern "C" fn dl_queue_next(
    queue: *mut dl_queue,
    timeout_ms: i64,
    max: usize,
    calls: *mut *mut dl_call,
    user_data: *mut *mut c_void,
    count: *mut usize,
) -> *mut dl_error {
    boundary(|| {
        let queue = handle::borrow(queue)?.share();
        let out = Out::new(count, "count")?;
        if calls.is_null() && user_data.is_null() && max > 0 {
            return Err(handle::null("calls and user_data"));
        }
        let taken = queue.next(timeout_ms, max);
        out.put(taken.len());
        for (index, (call, data)) in taken.into_iter().enumerate() {
            let pointer = if call.is_freed() { ptr::null_mut() } else { Arc::as_ptr(&call).cast_mut() };
            Out::optional(calls).at(index).put(pointer);
            Out::optional(user_data).at(index).put(data.0);
        }
        Ok(())
    })
}

/// Frees a queue. Calls that are done later, or that nobody took out of it, stay with the caller.
#[unsafe(no_mangle)]
pub extern "C" fn dl_queue_free(queue: *mut dl_queue) {
    handle::free(queue);
}
