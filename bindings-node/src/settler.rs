//! Where calls are settled: what ended on the threads of the runtime, until a thread of JavaScript takes it.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::mem::{replace, take};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dl_core::{Namespace, Receipt, Result};
use napi::Status;
use napi::bindgen_prelude::{Array, ToNapiValue};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::columns;
use crate::error::{NativeError, cancelled, panicked};
use crate::looking::Looking;
use crate::operating::NativeEvent;
use crate::running::{Answering, Cancel, Running};
use crate::runtime;

/// A call, by the number that JavaScript gave it.
pub(crate) type Call = f64;

/// How long the end of a thread of JavaScript waits for its namespaces to be closed.
const CLOSING: Duration = Duration::from_secs(2);

/// Wakes JavaScript. Weak: whether the process lives on is said by [`Port::hold`](crate::port::Port::hold).
pub(crate) type Bell = ThreadsafeFunction<(), (), (), Status, false, true>;

/// Puts a result into a list for JavaScript.
pub(crate) type Value = Box<dyn FnOnce(&mut Array<'_>, u32) -> napi::Result<()> + Send>;

/// Settles the calls of one thread of JavaScript. Clones are the same port.
#[derive(Clone)]
pub(crate) struct Settler(Arc<Shared>);

struct Shared {
    bell: Mutex<Bell>,
    ended: Mutex<Ended>,
    looking: Looking,
    /// The calls in flight that can be given up.
    cancels: Mutex<BTreeMap<u64, Cancel>>,
    /// What is closed when the thread ends.
    namespaces: Mutex<BTreeMap<u64, Namespace>>,
    closed: AtomicBool,
}

/// What ended and was not taken yet.
#[derive(Default)]
pub(crate) struct Ended {
    /// The receipts of single appends, each behind its call.
    pub(crate) receipts: Vec<i64>,
    pub(crate) others: Vec<Other>,
    /// Whether JavaScript looks, and hears no bell.
    looked_at: bool,
}

/// Who is told that something ended.
enum Told {
    /// Who comes to take what ended before.
    Nobody,
    Bell,
    /// Who looks.
    Looking,
}

/// What ended, and is no single append that was acknowledged.
pub(crate) struct Other {
    pub(crate) call: Call,
    pub(crate) succeeded: bool,
    pub(crate) value: Value,
    /// How many numbers of receipts there were before it.
    pub(crate) behind: usize,
}

impl Settler {
    pub(crate) fn new(bell: Bell) -> Self {
        Self(Arc::new(Shared {
            bell: Mutex::new(bell),
            ended: Mutex::default(),
            looking: Looking::default(),
            cancels: Mutex::default(),
            namespaces: Mutex::default(),
            closed: AtomicBool::new(false),
        }))
    }

    /// Whatever ended since this was called last.
    pub(crate) fn take(&self) -> Ended {
        take(&mut *lock(&self.0.ended))
    }

    /// Gives a call up, and answers whether it had not ended: when this returns, one that goes on by itself has done what it will ever
    /// do.
    pub(crate) fn cancel(&self, call: Call) -> bool {
        let cancel = lock(&self.0.cancels).remove(&call.to_bits());
        cancel.is_some_and(Cancel::now)
    }

    /// Gives a call up whose answer nobody wants: one that is there is dropped. Whoever gave an opening up may open anew at once, and
    /// neither what was still running nor what it had opened is to be in the way.
    pub(crate) fn give_up(&self, call: Call) {
        if self.cancel(call) {
            return;
        }
        let mut ended = lock(&self.0.ended);
        let answer = ended.others.iter_mut().find(|ended| ended.call == call && ended.succeeded);
        let unwanted = answer.map(|answer| {
            answer.succeeded = false;
            replace(&mut answer.value, put(NativeError::from(cancelled())))
        });
        drop(ended);
        if unwanted.is_some() {
            let _entered = runtime::made().enter();
            drop(unwanted);
        }
    }

    pub(crate) fn bell(&self) -> MutexGuard<'_, Bell> {
        lock(&self.0.bell)
    }

    /// Begins a call: runs it as far as it goes now, so that its place among calls is settled when this returns, and the
    /// rest on the runtime.
    pub(crate) fn start<T>(&self, call: Call, future: impl Future<Output = Result<T>> + Send + 'static)
    where
        T: ToNapiValue + Send + 'static,
    {
        self.begin(call, answering(future));
    }

    fn begin(&self, call: Call, mut future: Answering) {
        let _entered = match runtime::handle() {
            Ok(runtime) => runtime.enter(),
            Err(error) => return self.answer(call, Err(error)),
        };
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => self.answer(call, answer),
            Poll::Pending => self.go_on(call, future),
        }
    }

    /// Begins a call whose place among others does not matter: all of it runs on the runtime, and JavaScript goes on.
    pub(crate) fn start_elsewhere<T>(
        &self,
        call: Call,
        future: impl Future<Output = Result<T>> + Send + 'static,
    ) where
        T: ToNapiValue + Send + 'static,
    {
        self.go_on(call, answering(future));
    }

    fn go_on(&self, call: Call, future: Answering) {
        let running = Arc::new(Running::new(future));
        let cancelled_by = self.cancelled(call, Some(running.clone()));
        let mut pending = Pending { settler: self.clone(), call: Some(call) };
        runtime::made().spawn(async move {
            tokio::select! {
                biased;
                () = poll_fn(|context| running.poll(context, |answer| pending.settle(answer))) => {}
                _ = cancelled_by => pending.settle(Err(cancelled())),
            }
        });
    }

    /// Completes when this call is given up, until it is forgotten.
    pub(crate) fn cancel_by(&self, call: Call) -> oneshot::Receiver<()> {
        self.cancelled(call, None)
    }

    fn cancelled(&self, call: Call, running: Option<Arc<Running>>) -> oneshot::Receiver<()> {
        let (sender, cancelled) = oneshot::channel();
        let mut cancels = lock(&self.0.cancels);
        // Of a thread that ends, nothing is kept: so its calls are given up at once.
        if !self.is_closed() {
            cancels.insert(call.to_bits(), Cancel::new(running, sender));
        }
        cancelled
    }

    /// A call that cannot be given up any more.
    pub(crate) fn forget(&self, call: Call) {
        let cancel = lock(&self.0.cancels).remove(&call.to_bits());
        drop(cancel);
    }

    /// Runs something beside the calls.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        runtime::made().spawn(task);
    }

    /// Settles a call.
    pub(crate) fn settle<T: ToNapiValue + Send + 'static>(&self, call: Call, result: Result<T>) {
        self.answer(call, result.map(put));
    }

    fn answer(&self, call: Call, answer: Result<Value>) {
        match answer {
            Ok(value) => self.push(lock(&self.0.ended), call, true, value),
            Err(error) => self.fail(call, error.into()),
        }
    }

    /// Settles a call with an error.
    pub(crate) fn fail(&self, call: Call, error: NativeError) {
        self.push(lock(&self.0.ended), call, false, put(error));
    }

    /// Settles an append.
    pub(crate) fn acknowledge(&self, call: Call, receipt: &Receipt) {
        let mut ended = lock(&self.0.ended);
        if self.is_closed() {
            return;
        }
        let told = ended.told();
        // Calls count from 0 and are exact far beyond what a process makes.
        #[expect(clippy::cast_possible_truncation)]
        ended.receipts.push(call as i64);
        columns::receipt(receipt, &mut ended.receipts);
        drop(ended);
        self.announce(told);
    }

    /// Tells whoever has this number of an event. None is dropped here, where nobody would count it: there are as many as what was begun
    /// brings forth, and a thread that does not come to hear them begins no more.
    pub(crate) fn tell(&self, number: Call, event: NativeEvent) {
        self.push(lock(&self.0.ended), number, true, put(event));
    }

    /// Tells whoever has this number that there will be no more events.
    pub(crate) fn tell_end(&self, number: Call) {
        self.push(lock(&self.0.ended), number, false, put(()));
    }

    fn push(&self, mut ended: MutexGuard<'_, Ended>, call: Call, succeeded: bool, value: Value) {
        // What nobody will take goes now: it may hold what holds this.
        if self.is_closed() {
            drop(ended);
            drop(value);
            return;
        }
        let told = ended.told();
        let behind = ended.receipts.len();
        ended.others.push(Other { call, succeeded, value, behind });
        drop(ended);
        self.announce(told);
    }

    fn announce(&self, told: Told) {
        match told {
            Told::Looking => self.0.looking.found(),
            Told::Bell if !self.is_closed() => {
                // It is refused only where the thread is ending, and then nobody waits for what ended.
                let _rung = lock(&self.0.bell).call((), ThreadsafeFunctionCallMode::NonBlocking);
            }
            Told::Bell | Told::Nobody => {}
        }
    }

    /// Looks for a while whether a lone append has ended, on the thread of JavaScript. Answers whether there is something to take,
    /// for which the bell may not ring any more.
    pub(crate) fn look(&self) -> bool {
        if !self.0.looking.is_worth_it() {
            return false;
        }
        {
            let mut ended = lock(&self.0.ended);
            if !ended.is_empty() {
                return true;
            }
            ended.looked_at = true;
        }
        self.0.looking.look();
        let mut ended = lock(&self.0.ended);
        ended.looked_at = false;
        !ended.is_empty()
    }

    /// Says that a single append waits for its acknowledgement.
    pub(crate) fn append_began(&self) {
        self.0.looking.began();
    }

    /// Says that a single append was settled.
    pub(crate) fn append_ended(&self) {
        self.0.looking.ended();
    }

    /// Keeps a namespace to close it when the thread of JavaScript ends.
    pub(crate) fn keep(&self, number: Call, namespace: &Namespace) {
        lock(&self.0.namespaces).insert(number.to_bits(), namespace.clone());
    }

    /// A namespace that was closed, or is nobody's any more.
    pub(crate) fn release(&self, number: Call) {
        drop(lock(&self.0.namespaces).remove(&number.to_bits()));
    }

    /// Read under the lock of what is kept: what is put there before it is set is taken by the end.
    fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    /// The thread of JavaScript ends: gives up its calls, lets go of what was not taken, and closes what it has open, so that others find
    /// no lock of it.
    pub(crate) fn end(&self) {
        self.0.closed.store(true, Ordering::Release);
        let cancels = take(&mut *lock(&self.0.cancels));
        for cancel in cancels.into_values() {
            cancel.now();
        }
        let untaken = self.take();
        let entered = runtime::if_made().map(Handle::enter);
        drop(untaken);
        drop(entered);
        let namespaces = take(&mut *lock(&self.0.namespaces));
        if namespaces.is_empty() {
            return;
        }
        let (done, closed) = mpsc::channel();
        for namespace in namespaces.into_values() {
            let done = done.clone();
            runtime::made().spawn(async move {
                // Nobody is left who could be told.
                let _closed = namespace.close().await;
                let _heard = done.send(());
            });
        }
        drop(done);
        while closed.recv_timeout(CLOSING).is_ok() {}
    }
}

impl Ended {
    /// Who is to be told of what is added now.
    fn told(&self) -> Told {
        match (self.is_empty(), self.looked_at) {
            (false, _) => Told::Nobody,
            (true, false) => Told::Bell,
            (true, true) => Told::Looking,
        }
    }

    fn is_empty(&self) -> bool {
        self.receipts.is_empty() && self.others.is_empty()
    }
}

fn put<T: ToNapiValue + Send + 'static>(value: T) -> Value {
    Box::new(move |list, at| list.set(at, value))
}

fn answering<T: ToNapiValue + Send + 'static>(
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> Answering {
    Box::pin(async move { future.await.map(put) })
}

/// Settles its call also if that panics.
struct Pending {
    settler: Settler,
    call: Option<Call>,
}

impl Pending {
    fn settle(&mut self, answer: Result<Value>) {
        if let Some(call) = self.call.take() {
            self.settler.answer(call, answer);
            // Behind it: whoever gives the call up meanwhile waits for its end, and finds the answer.
            self.settler.forget(call);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.settle(Err(panicked()));
    }
}

/// What the lock protects is whole after each change, so a panic elsewhere leaves it usable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
