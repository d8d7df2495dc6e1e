//! Calls that go on by themselves, so that each can be given up at once: its future is gone when whoever did so goes on.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use dl_core::Result;
use tokio::sync::oneshot;

use crate::runtime;
use crate::settler::{Value, lock};

/// A call on its way to its answer. Behind a pointer: what runs it is compiled once, and not for each call there is.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Value>> + Send>>;

/// Gives a call up.
pub(crate) struct Cancel {
    /// The call, where it goes on by itself.
    running: Option<Arc<Running>>,
    /// Without it, the call hears that it was given up.
    _sender: oneshot::Sender<()>,
}

impl Cancel {
    /// How the call is given up that holds the other end of this sender.
    pub(crate) fn new(running: Option<Arc<Running>>, sender: oneshot::Sender<()>) -> Self {
        Self { running, _sender: sender }
    }

    /// Answers whether the call had not ended.
    pub(crate) fn now(self) -> bool {
        let Some(running) = &self.running else { return true };
        let _entered = runtime::made().enter();
        // Before the sender goes, and with it whoever waits for the call.
        running.give_up()
    }
}

/// A call that goes on by itself, until it ended or was given up.
pub(crate) struct Running(Mutex<Option<Answering>>);

impl Running {
    pub(crate) fn new(call: Answering) -> Self {
        Self(Mutex::new(Some(call)))
    }

    /// Ends the call in the same step in which it is told: whoever gives it up finds its answer, or has it let go.
    pub(crate) fn poll(&self, context: &mut Context<'_>, ended: impl FnOnce(Result<Value>)) -> Poll<()> {
        let mut running = lock(&self.0);
        let Some(call) = &mut *running else { return Poll::Pending };
        call.as_mut().poll(context).map(|answer| {
            *running = None;
            ended(answer);
        })
    }

    /// Has it let go of all it has, and answers whether it had not ended.
    fn give_up(&self) -> bool {
        lock(&self.0).take().is_some()
    }
}
