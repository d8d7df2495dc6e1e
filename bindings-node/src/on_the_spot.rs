//! A future that goes on where it is woken, as long as what it has to do there is little.
//!
//! To wake a thread of the runtime takes longer than all that a lone append does. So whoever acknowledges it, or appends it, runs
//! the future that waits for that; where much is in flight, a task of the runtime does, and those threads go on with their work.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::Notify;

use crate::runtime;
use crate::settler::lock;

/// In flight, up to which it goes on where it is woken.
const FEW: usize = 4;

/// See the module.
pub(crate) struct OnTheSpot {
    /// Until it ends.
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    /// How often it was woken since it was run last; whoever wakes it first runs it.
    woken: AtomicUsize,
    load: Load,
    /// Wakes the task that runs it where much is in flight.
    elsewhere: Notify,
}

/// What is in flight.
#[derive(Clone, Default)]
pub(crate) struct Load(Arc<AtomicUsize>);

impl Load {
    /// Notes what begins or ends: something little, or something for which no other thread is to be held up.
    pub(crate) fn add(&self, little: bool) {
        self.0.fetch_add(weight(little), Ordering::AcqRel);
    }

    /// See [`add`](Self::add).
    pub(crate) fn remove(&self, little: bool) {
        self.0.fetch_sub(weight(little), Ordering::AcqRel);
    }

    fn is_little(&self) -> bool {
        self.0.load(Ordering::Acquire) <= FEW
    }
}

fn weight(little: bool) -> usize {
    if little { 1 } else { FEW + 1 }
}

impl OnTheSpot {
    /// Begins a future that has this to do. Call it where the runtime was made.
    pub(crate) fn spawn(load: Load, future: impl Future<Output = ()> + Send + 'static) {
        // What the task may still do that it runs in does not bound it: it would be woken at once, and find the same, for ever.
        let future: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(tokio::task::unconstrained(future));
        let this = Arc::new(Self {
            future: Mutex::new(Some(future)),
            woken: AtomicUsize::new(0),
            load,
            elsewhere: Notify::new(),
        });
        this.run();
        runtime::made().spawn(async move {
            while !this.has_ended() {
                this.elsewhere.notified().await;
                this.run();
            }
        });
    }

    fn has_ended(&self) -> bool {
        lock(&self.future).is_none()
    }

    /// Runs it as far as it goes, unless another thread is at it, which then does so once more.
    fn run(self: &Arc<Self>) {
        if self.woken.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        let waker = Waker::from(self.clone());
        let mut seen = 1;
        loop {
            self.poll(&mut Context::from_waker(&waker));
            match self.woken.compare_exchange(seen, 0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(woken) => seen = woken,
            }
        }
    }

    fn poll(&self, context: &mut Context<'_>) {
        let mut future = lock(&self.future);
        let Some(running) = &mut *future else { return };
        let _entered = runtime::made().enter();
        // A panic is its own, and not that of the thread that woke it.
        let polled = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context)));
        if !matches!(polled, Ok(Poll::Pending)) {
            *future = None;
            self.elsewhere.notify_one();
        }
    }
}

impl Wake for OnTheSpot {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.load.is_little() {
            self.run();
        } else {
            self.elsewhere.notify_one();
        }
    }
}
