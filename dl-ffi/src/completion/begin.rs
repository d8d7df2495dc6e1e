//! How a verb becomes a call in flight.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use dl_core::Result;

use super::call::{Value, dl_call};
use super::turns::Turn;
use crate::boundary::caught;
use crate::runtime::Process;
use crate::waiting::Effect;

/// Starts a call. Its future is polled once on this thread, so that calls take their places in the order of their starts.
pub(crate) fn begin<T: Send + 'static>(
    process: &'static Process,
    effect: Effect,
    turn: Option<Turn>,
    verb: impl Future<Output = Result<T>> + Send + 'static,
) -> Arc<dl_call> {
    let call = Arc::new(dl_call::new(effect));
    let mut verb = Box::pin(unwinding(verb));
    let first = {
        let _entered = process.enter();
        verb.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    match first {
        Poll::Ready(answer) => end(&call, turn, answer),
        Poll::Pending => process.spawn(go_on(call.clone(), turn, verb)),
    }
    call
}

/// Runs the rest of a call.
async fn go_on<T: Send + 'static>(
    call: Arc<dl_call>,
    turn: Option<Turn>,
    verb: Pin<Box<impl Future<Output = Result<T>> + Send>>,
) {
    let answer = {
        let verb = verb;
        tokio::select! {
            biased;
            answer = verb => answer,
            error = call.given_up() => Err(error),
        }
    };
    end(&call, turn, answer);
}

fn end<T: Send + 'static>(call: &Arc<dl_call>, turn: Option<Turn>, answer: Result<T>) {
    let answer = answer.map(|answer| Box::new(answer) as Value);
    match turn {
        Some(turn) => turn.ended(call, answer),
        None => call.complete(answer),
    }
}

/// A future whose panic is an error.
async fn unwinding<T>(verb: impl Future<Output = Result<T>>) -> Result<T> {
    let mut verb = pin!(verb);
    std::future::poll_fn(|context| match caught(|| Ok(verb.as_mut().poll(context))) {
        Ok(poll) => poll,
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}
