//! A call in flight: its outcome, who is told, and its cancellation.

use std::any::Any;
use std::ffi::c_void;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use dl_core::{Error, ErrorKind, Result};

use super::callback::{Callback, dl_callback};
use super::queue::{Queue, dl_queue};
use super::running::{Going, Verb};
use super::turns::Turn;
use crate::boundary::{answer, boundary};
use crate::error::dl_error;
use crate::forks::Birth;
use crate::handle::{self, Object, Shared, null};
use crate::runtime::{self, Process};
use crate::waiting::{Called, duration, timed_out};

/// What a call answers, of the type that its verb has.
pub(crate) type Value = Box<dyn Any + Send>;

/// A call in flight, from a function that ends in _start.
///
/// It goes on by itself. It is done when dl_call_wait says so, when the function given to dl_call_notify is called, or when
/// it comes out of the queue given to dl_call_enqueue. Then dl_call_finish says whether it failed, or dl_call_take_... of the
/// type of its verb takes what it answers.
pub struct dl_call {
    birth: Birth,
    pub(super) called: Called,
    pub(super) going: Going,
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Default)]
struct State {
    outcome: Outcome,
    notice: Option<Notice>,
    /// Whether somebody was, or is to be, told.
    has_notice: bool,
    /// Whether the caller gave its share up.
    freed: bool,
    /// How many threads wait until it is done.
    waiting: usize,
}

#[derive(Default)]
enum Outcome {
    #[default]
    Pending,
    Failed(Error),
    Answered(Value),
    Taken,
}

/// Who is told, once.
pub(crate) enum Notice {
    Callback(Callback),
    Queue(Arc<Queue>, UserData),
}

/// A pointer of the caller's, which nobody here looks into.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UserData(pub(crate) *mut c_void);

// SAFETY: it is only handed back to the caller, whom the header tells on which thread.
unsafe impl Send for UserData {}

// SAFETY: as above; several threads may have the pointer, and none of ours looks behind it.
unsafe impl Sync for UserData {}

impl Object for dl_call {
    const NAME: &'static str = "the call";

    fn birth(&self) -> Option<Birth> {
        Some(self.birth)
    }
}

impl Shared for dl_call {}

impl dl_call {
    pub(super) fn new(process: &'static Process, called: Called, verb: Verb, turn: Option<Turn>) -> Self {
        Self {
            birth: Birth::now(),
            called,
            going: Going::new(process, verb, turn),
            state: Mutex::default(),
            done: Condvar::new(),
        }
    }

    /// Ends the call, and tells whoever waits.
    pub(crate) fn complete(self: &Arc<Self>, answer: Result<Value>) {
        let (notice, unwanted, waited_for) = {
            let mut state = self.state();
            let outcome = answer.map_or_else(Outcome::Failed, Outcome::Answered);
            let unwanted = if state.freed { outcome } else { std::mem::replace(&mut state.outcome, outcome) };
            (state.notice.take(), unwanted, state.waiting > 0)
        };
        if waited_for {
            self.done.notify_all();
        }
        // It may close what was opened, outside of the lock.
        drop(unwanted);
        if let Some(notice) = notice {
            notice.tell(self);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_done(&self) -> bool {
        let state = self.state();
        state.freed || !matches!(state.outcome, Outcome::Pending)
    }

    /// Whether the caller gave its share up.
    pub(crate) fn is_freed(&self) -> bool {
        self.state().freed
    }

    /// Waits until the call is done.
    pub(super) fn wait(&self, timeout_ms: i64) -> Result<()> {
        let pending = |state: &mut State| matches!(state.outcome, Outcome::Pending);
        let mut state = self.state();
        state.waiting += 1;
        let mut state = match duration(timeout_ms) {
            None => self.done.wait_while(state, pending).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                let waited = self.done.wait_timeout_while(state, timeout, pending);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        state.waiting -= 1;
        if matches!(state.outcome, Outcome::Pending) {
            Err(self.called.given_up(timed_out()))
        } else {
            Ok(())
        }
    }

    /// Waits until the call is done, and gives it up if that takes too long: it goes on in no case.
    ///
    /// # Errors
    /// That of the call: whatever became of it meanwhile is told, not that the time ran out.
    pub(super) fn wait_or_give_up(self: &Arc<Self>, timeout_ms: i64) -> Result<()> {
        let Err(too_long) = self.wait(timeout_ms) else { return self.settled() };
        self.give_up(timed_out());
        // An append that succeeded and has its turn later is not done: nobody waits for the others.
        if self.is_done() { self.settled() } else { Err(too_long) }
    }

    fn settled(&self) -> Result<()> {
        self.state().failure().map_or(Ok(()), Err)
    }

    /// Says once who is told.
    fn set_notice(self: &Arc<Self>, notice: Notice) -> Result<()> {
        let notice = {
            let mut state = self.state();
            if state.has_notice {
                let message = "somebody is told of this call already; a call is told of once";
                return Err(Error::new(ErrorKind::AlreadyExists, message));
            }
            state.has_notice = true;
            if matches!(state.outcome, Outcome::Pending) {
                state.notice = Some(notice);
                return Ok(());
            }
            notice
        };
        notice.tell(self);
        Ok(())
    }

    /// What a done call answered, once.
    ///
    /// # Errors
    /// That of the call; `busy` if it is not done; `invalid-argument` if it was taken, or is of another type.
    pub(crate) fn take<T: 'static>(&self) -> Result<T> {
        self.take_if()?.ok_or_else(|| {
            let message = "the call answers something else; use the function for what its verb answers";
            Error::new(ErrorKind::InvalidArgument, message)
        })
    }

    /// As [`take`](Self::take), but `None` if it is of another type.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(crate) fn take_if<T: 'static>(&self) -> Result<Option<T>> {
        let mut state = self.state();
        if let Some(error) = state.failure() {
            return Err(error);
        }
        match std::mem::replace(&mut state.outcome, Outcome::Taken) {
            Outcome::Answered(value) => match value.downcast::<T>() {
                Ok(value) => Ok(Some(*value)),
                Err(value) => {
                    state.outcome = Outcome::Answered(value);
                    Ok(None)
                }
            },
            _ => Err(Error::new(ErrorKind::InvalidArgument, "what the call answered was taken before")),
        }
    }
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the caller cancelled the call")
}

impl State {
    /// Why there is nothing to take; `None` if the call did not fail.
    fn failure(&self) -> Option<Error> {
        match &self.outcome {
            Outcome::Pending => Some(Error::new(ErrorKind::Busy, "the call is not done; wait for it")),
            Outcome::Failed(error) => Some(error.clone()),
            Outcome::Answered(_) | Outcome::Taken => None,
        }
    }
}

impl Notice {
    fn tell(self, call: &Arc<dl_call>) {
        match self {
            Self::Callback(callback) => callback.send(call.clone()),
            Self::Queue(queue, user_data) => queue.push(call.clone(), user_data),
        }
    }
}

/// Whether the call is done.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_is_done(call: *const dl_call) -> bool {
    answer(false, || Ok(handle::borrow(call)?.is_done()))
}

/// Waits until the call is done, however it ended.
///
/// Errors: timeout, and the call goes on: it may take effect. dl_call_wait_or_cancel ends it.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_wait(call: *const dl_call, timeout_ms: i64) -> *mut dl_error {
    boundary(|| handle::borrow(call)?.wait(timeout_ms))
}

/// Waits until the call is done, and ends it if that takes longer, as the function without _start would. If this does not fail,
/// what the call answers can be taken.
///
/// Errors: those of the call; timeout if it was ended, which says whether it may have taken effect.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_wait_or_cancel(call: *mut dl_call, timeout_ms: i64) -> *mut dl_error {
    boundary(|| handle::share(call)?.wait_or_give_up(timeout_ms))
}

/// Lets the library call a function when the call is done: exactly once, whatever becomes of the call and of the objects it
/// works on; at once if it is done already.
///
/// Functions are called on one thread that the library has for that, one after another in the order in which the calls
/// ended, never inside of a function of this header. They may call any of these, but one that waits keeps the others
/// waiting. A function must return, not throw or jump. A call has one function or one queue. Errors: already-exists if it has
/// one; unavailable if the system refuses the thread.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_notify(
    call: *mut dl_call,
    callback: dl_callback,
    user_data: *mut c_void,
) -> *mut dl_error {
    boundary(|| {
        let call = handle::share(call)?;
        let function = callback.ok_or_else(|| null("callback"))?;
        let callbacks = runtime::process()?.callbacks.sender()?;
        call.set_notice(Notice::Callback(Callback::new(function, UserData(user_data), callbacks)))
    })
}

/// Puts the call into a queue when it is done; at once if it is done already. A call has one queue or one function.
///
/// Errors: already-exists if it has one.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_enqueue(
    call: *mut dl_call,
    queue: *mut dl_queue,
    user_data: *mut c_void,
) -> *mut dl_error {
    boundary(|| {
        let (call, queue) = (handle::share(call)?, handle::borrow(queue)?);
        call.set_notice(Notice::Queue(queue.share(), UserData(user_data)))
    })
}

/// Ends the call: unless it is done by then, it fails with the kind cancelled. An append that was cancelled may still be in the
/// log; a read that was cancelled loses no record.
///
/// When this returns, the call does nothing any more: an opening is in the way of nobody who opens by the same namespace after
/// that, unless it was done and has what it opened. The call is done, save an append that succeeded and has its turn after those
/// that were started before it.
///
/// Does nothing to a call that is done, or to NULL. A call in flight is its own token of cancellation, for any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_cancel(call: *const dl_call) {
    answer((), || {
        let call = handle::share(call)?;
        if !call.is_done() {
            call.give_up(cancelled());
        }
        Ok(())
    });
}

/// The error of a call that is done; NULL if it did not fail. May be asked again. What the call answers stays there to be
/// taken.
///
/// Errors: busy if the call is not done; else its own.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_finish(call: *const dl_call) -> *mut dl_error {
    boundary(|| handle::borrow(call)?.settled())
}

/// Frees a call. One that is not done is cancelled, as by dl_call_cancel; its function is still called, or it still comes out of
/// its queue, with NULL for the call. What it answers and nobody took is freed: what was opened is in nobody's way, and records
/// that were read are read again.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_free(call: *mut dl_call) {
    answer((), || {
        let Some(call) = handle::take_share(call) else { return Ok(()) };
        let unwanted = {
            let mut state = call.state();
            state.freed = true;
            std::mem::take(&mut state.outcome)
        };
        if matches!(unwanted, Outcome::Pending) {
            call.give_up(cancelled());
        }
        let _entered = runtime::enter();
        drop(unwanted);
        Ok(())
    });
}
