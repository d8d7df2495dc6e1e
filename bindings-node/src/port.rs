//! Where JavaScript takes what ended: one port for each of its threads that has loaded the package.
//!
//! Whatever ends on a thread of the runtime is queued here, and the first in the queue rings the bell, which has
//! JavaScript take the whole queue. So one crossing settles all that ended since the last one.

use dl_core::Error;
use napi::Env;
use napi::bindgen_prelude::{Array, BigInt64Array, Function};
use napi_derive::napi;

use crate::error::NativeError;
use crate::settler::{Ended, Other, Settler};

/// What JavaScript takes.
#[napi(object, object_from_js = false)]
pub struct Taken<'env> {
    /// For each acknowledged append its call and its receipt: see [`columns::RECEIPT`](crate::columns::RECEIPT).
    pub receipts: Option<BigInt64Array>,
    /// For each other call its number, whether it succeeded, its result or error, and how many numbers of `receipts` ended before
    /// it, in turn. Events are among them, and what fails with nothing when there will be no more.
    pub others: Array<'env>,
}

/// The port of a thread of JavaScript.
#[napi]
pub struct Port {
    pub(crate) settler: Settler,
}

#[napi]
impl Port {
    /// Makes the port of this thread; `bell` is called when there is something to take.
    ///
    /// # Errors
    /// If JavaScript has no memory left for it.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, bell: Function<'_, (), ()>) -> napi::Result<Self> {
        let bell = bell.build_threadsafe_function::<()>().callee_handled::<false>().weak::<true>().build()?;
        let settler = Settler::new(bell);
        env.add_env_cleanup_hook(settler.clone(), |settler| settler.end())?;
        Ok(Self { settler })
    }

    /// Whatever ended since this was called last.
    ///
    /// # Errors
    /// If JavaScript has no memory left for it.
    #[napi(catch_unwind)]
    pub fn take<'env>(&self, env: &'env Env) -> napi::Result<Taken<'env>> {
        let Ended { receipts, others, .. } = self.settler.take();
        let mut list = env.create_array(0)?;
        for Other { call, succeeded, value, behind } in others {
            let at = list.len();
            list.set(at, call)?;
            list.set(at + 1, succeeded)?;
            value(&mut list, at + 2)?;
            list.set(at + 3, u32::try_from(behind).unwrap_or(u32::MAX))?;
        }
        let receipts = Some(receipts).filter(|receipts| !receipts.is_empty()).map(BigInt64Array::new);
        Ok(Taken { receipts, others: list })
    }

    /// Looks for a while whether a lone append has ended. Answers whether there is something to take: then no bell rings for it.
    #[napi(catch_unwind)]
    pub fn look(&self) -> bool {
        self.settler.look()
    }

    /// Gives a call up. It is settled as any other: it may have ended meanwhile.
    #[napi(catch_unwind)]
    pub fn cancel(&self, call: f64) {
        self.settler.cancel(call);
    }

    /// Gives a call up whose answer nobody wants.
    #[napi(catch_unwind)]
    pub fn give_up(&self, call: f64) {
        self.settler.give_up(call);
    }

    /// Whether the process is to live on for calls in flight.
    ///
    /// # Errors
    /// If this thread is ending.
    #[napi(catch_unwind)]
    #[allow(
        deprecated,
        reason = "there is no other way to hold the event loop only while calls are in flight"
    )]
    pub fn hold(&self, env: Env, hold: bool) -> napi::Result<()> {
        let mut bell = self.settler.bell();
        if hold { bell.refer(&env) } else { bell.unref(&env) }
    }
}

/// The error of a call, where JavaScript is told at once.
pub(crate) fn now<T>(result: Result<T, Error>) -> napi::Either<NativeError, T>
where
    T: napi::bindgen_prelude::TypeName,
{
    match result {
        Ok(value) => napi::Either::B(value),
        Err(error) => napi::Either::A(error.into()),
    }
}
