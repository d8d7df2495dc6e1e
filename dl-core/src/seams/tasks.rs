//! Tasks and threads.

use std::future::Future;
use std::io;
use std::pin::Pin;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs work beside the caller.
pub trait Tasks: Send + Sync + 'static {
    /// Runs a future to its end, detached. It must not block.
    fn spawn(&self, task: BoxFuture<'static, ()>);

    /// Runs a future to its end on a thread of its own, where it may block in system calls between its await
    /// points. `name` names the thread (at most 15 bytes are kept). If there is no thread to be had, the future is
    /// dropped and the error says why.
    fn spawn_thread(&self, name: &str, task: BoxFuture<'static, ()>) -> io::Result<()>;

    /// Runs a closure that may block in system calls, on a pool of threads; the future completes when it has run.
    /// The closure runs to its end even if the future is dropped. It must not wait for other closures: when there are
    /// no threads to be had they run one after another, or even in this call.
    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()>;

    /// [`run_blocking`](Self::run_blocking) for work that nobody waits for: its threads give way to all others where
    /// there are too few processors.
    fn run_behind(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        self.run_blocking(work)
    }

    /// Little more will be done: no thread stays to wait for work, and what a runtime keeps as long as somebody knows it is let
    /// go. What comes all the same is done as before, but where it needs a runtime: that is now the caller's. Without one, tasks are
    /// dropped and sleeps end at once.
    fn rest(&self) {}

    /// Runs a future to its end on the thread of the caller, which sleeps while the future waits.
    fn block_on(&self, task: BoxFuture<'_, ()>);
}

impl dyn Tasks {
    /// Runs a closure that may block and answers with its result.
    ///
    /// # Panics
    /// Panics if the closure did.
    pub async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        self.begin_blocking(work).await
    }

    /// Starts a closure that may block, now; the future answers with its result.
    ///
    /// # Panics
    /// The future panics if the closure did.
    pub fn begin_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> BoxFuture<'static, T> {
        answering(work, |work| self.run_blocking(work))
    }

    /// Runs closures that may block, side by side, and answers with their results in order. `behind` says that nobody waits
    /// for them: see [`run_behind`](Tasks::run_behind).
    ///
    /// # Panics
    /// Panics if one of them did.
    pub async fn blocking_each<T: Send + 'static>(
        &self,
        behind: bool,
        work: impl IntoIterator<Item: FnOnce() -> T + Send + 'static>,
    ) -> Vec<T> {
        let run = |work| if behind { self.run_behind(work) } else { self.run_blocking(work) };
        let running: Vec<_> = work.into_iter().map(|work| answering(work, run)).collect();
        let mut results = Vec::with_capacity(running.len());
        for result in running {
            results.push(result.await);
        }
        results
    }

    /// Runs a future to its end on the thread of the caller and answers with its result.
    pub fn wait_for<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        let mut result = None;
        self.block_on(Box::pin(async { result = Some(future.await) }));
        result.expect("it ran to its end")
    }
}

/// Runs a closure; the future answers with its result.
fn answering<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    run: impl FnOnce(Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()>,
) -> BoxFuture<'static, T> {
    let (send, receive) = tokio::sync::oneshot::channel();
    let done = run(Box::new(move || {
        // The receiver is gone only if the caller no longer wants the result.
        let _unwanted = send.send(work());
    }));
    Box::pin(async move {
        done.await;
        receive.await.expect("the closure sends its result unless it panicked")
    })
}
