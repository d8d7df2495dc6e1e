//! What wakes an event loop: a descriptor that it watches, and the numbers of the calls to look at.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

/// Tells the event loop that there is something to look at.
pub(crate) struct Bell(Mutex<Ringing>);

struct Ringing {
    woken: Vec<u64>,
    /// The ends to write and to read.
    ends: Option<(UnixStream, UnixStream)>,
}

impl Bell {
    pub(crate) fn new() -> std::io::Result<Self> {
        let (write, read) = UnixStream::pair()?;
        write.set_nonblocking(true)?;
        read.set_nonblocking(true)?;
        Ok(Self(Mutex::new(Ringing { woken: Vec::new(), ends: Some((write, read)) })))
    }

    fn ringing(&self) -> MutexGuard<'_, Ringing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fileno(&self) -> Option<i32> {
        self.ringing().ends.as_ref().map(|(_, read)| read.as_raw_fd())
    }

    pub(crate) fn ring(&self, number: u64) {
        let mut ringing = self.ringing();
        ringing.woken.push(number);
        if ringing.woken.len() == 1
            && let Some((write, _)) = &mut ringing.ends
        {
            // It cannot be full: there is at most one byte in it. And if the loop is gone, nobody listens.
            let _rung = write.write(&[1]);
        }
    }

    pub(crate) fn woken(&self) -> Vec<u64> {
        let mut ringing = self.ringing();
        if !ringing.woken.is_empty()
            && let Some((_, read)) = &mut ringing.ends
        {
            let _byte = read.read(&mut [0]);
        }
        std::mem::take(&mut ringing.woken)
    }

    pub(crate) fn close(&self) {
        self.ringing().ends = None;
    }
}

/// Rings for one call.
pub(crate) struct Ring {
    number: u64,
    bell: Arc<Bell>,
    state: AtomicU8,
}

/// The loop watches the descriptor.
const WATCHED: u8 = 0;
/// The loop's thread looks at this: nothing needs to be rung.
const LOOKED_AT: u8 = 1;
/// The same, and the call was woken.
const HEARD: u8 = 2;

impl Ring {
    /// Of a call that the loop's thread looks at until [`listen`](Self::listen), or one that it does not.
    pub(crate) fn new(number: u64, bell: Arc<Bell>, looked_at: bool) -> Self {
        let state = AtomicU8::new(if looked_at { LOOKED_AT } else { WATCHED });
        Self { number, bell, state }
    }

    /// Whether the call was woken, which nothing else tells of.
    pub(crate) fn was_heard(&self) -> bool {
        self.state.load(Ordering::Acquire) == HEARD
    }

    /// From here on it rings. Whether the call was woken before.
    pub(crate) fn listen(&self) -> bool {
        self.state.swap(WATCHED, Ordering::AcqRel) == HEARD
    }
}

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let heard = |state| (state != WATCHED).then_some(HEARD);
        if self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, heard).is_err() {
            self.bell.ring(self.number);
        }
    }
}
