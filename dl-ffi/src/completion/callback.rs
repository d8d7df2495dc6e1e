//! The thread that calls functions of the caller when calls are done.

use std::ffi::c_void;
use std::ptr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use dl_core::{Error, ErrorKind, Result};

use super::call::{UserData, dl_call};

/// A function that is called when a call is done.
///
/// `call` is the one that was given to dl_call_notify, to be finished, taken from and freed there or later; NULL if it was
/// freed before it was done. `user_data` is the pointer that was given to dl_call_notify.
pub type dl_callback = Option<unsafe extern "C" fn(user_data: *mut c_void, call: *mut dl_call)>;

type Function = unsafe extern "C" fn(*mut c_void, *mut dl_call);

/// The thread, started when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Callbacks(Mutex<Option<Sender<Done>>>);

/// A function to be called, once.
pub(crate) struct Callback {
    function: Function,
    user_data: UserData,
    thread: Sender<Done>,
}

/// A function to be called now.
pub(crate) struct Done {
    function: Function,
    user_data: UserData,
    call: Arc<dl_call>,
}

impl Callbacks {
    /// The way to the thread.
    ///
    /// # Errors
    /// `unavailable` if the system refuses it.
    pub(crate) fn sender(&self) -> Result<Sender<Done>> {
        let mut started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*started {
            return Ok(sender.clone());
        }
        let (sender, done) = channel();
        #[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "functions in C run on it")]
        let thread = thread::Builder::new().name("dl-callbacks".to_owned()).spawn(move || run(&done));
        thread.map_err(|error| {
            let message = "the system refused the thread that calls functions; raise the limit (ulimit -u), then try again";
            Error::new(ErrorKind::Unavailable, message).caused_by(error)
        })?;
        Ok(started.insert(sender).clone())
    }
}

fn run(done: &Receiver<Done>) {
    while let Ok(Done { function, user_data, call }) = done.recv() {
        // The share in `call` keeps the object there while the function runs, though the caller frees its own meanwhile.
        let pointer = if call.is_freed() { ptr::null_mut() } else { Arc::as_ptr(&call).cast_mut() };
        // SAFETY: by the rules of the header the function may be called once with its pointer, on this thread.
        unsafe { function(user_data.0, pointer) };
    }
}

impl Callback {
    pub(crate) fn new(function: Function, user_data: UserData, thread: Sender<Done>) -> Self {
        Self { function, user_data, thread }
    }

    /// Lets it be called.
    pub(crate) fn send(self, call: Arc<dl_call>) {
        let Self { function, user_data, thread } = self;
        // The thread lives as long as the process, which has a sender of it for ever.
        let _sent = thread.send(Done { function, user_data, call });
    }
}
