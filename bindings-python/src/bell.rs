//! What wakes an event loop: a descriptor that it watches, and the numbers of the calls to look at.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
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
    pub(crate) number: u64,
    pub(crate) bell: Arc<Bell>,
}

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.bell.ring(self.number);
    }
}
