//! How a verb becomes a call in flight.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use dl_core::Result;

use super::call::{Value, dl_call};
use super::turns::Turn;
use crate::boundary::caught;
use crate::runtime::Process;
use crate::waiting::Called;

/// Starts a call. Its future is polled once on this thread, so that calls take their places in the order of their starts. From
/// then on it is polled on the runtime, whenever it is woken.
pub(crate) fn begin<T: Send + 'static>(
    process: &'static Process,
    called: Called,
    turn: Option<Turn>,
    verb: impl Future<Output = Result<T>> + Send + 'static,
) -> Arc<dl_call> {
    let call = Arc::new(dl_call::new(process, called, Box::pin(answering(verb)), turn));
    let _entered = process.enter();
    call.poll();
    call
}

/// A future of what a call answers, in which a panic is an error.
async fn answering<T: Send + 'static>(verb: impl Future<Output = Result<T>>) -> Result<Value> {
    let mut verb = pin!(verb);
    let answer = poll_fn(|context| match caught(|| Ok(verb.as_mut().poll(context))) {
        Ok(poll) => poll,
        Err(panic) => Poll::Ready(Err(panic)),
    });
    answer.await.map(|answer| Box::new(answer) as Value)
}
