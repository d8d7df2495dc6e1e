//! A namespace: where logs are found, made and removed.

use std::path::Path;

use dl_core::{Dlsn, LogName, Namespace, Snapshot, file_uri};
use napi::Either;
use napi_derive::napi;

use crate::error::NativeError;
use crate::log::NativeLog;
use crate::operating::Telling;
use crate::options;
use crate::port::{Port, now};
use crate::settler::Settler;
use crate::watch::NativeLogWatcher;

/// An open namespace.
#[napi]
pub struct NativeNamespace {
    settler: Settler,
    namespace: Namespace,
    /// The call that opened it, by which the port keeps it.
    number: f64,
}

/// The text of a position, checked.
#[napi(catch_unwind)]
pub fn parse_dlsn(text: String) -> Either<NativeError, String> {
    now(text.parse::<Dlsn>().map(|dlsn| dlsn.to_string()))
}

/// The URI of a directory.
#[napi(catch_unwind)]
pub fn directory_uri(path: String) -> Either<NativeError, String> {
    now(file_uri(Path::new(&path)))
}

/// Opens a namespace; `events` is the number of who is told of its events.
#[napi(catch_unwind)]
pub fn open_namespace(port: &Port, call: f64, uri: String, options: Vec<String>, events: Option<f64>) {
    let settler = port.settler.clone();
    let telling = events.map(|number| Telling::new(&settler, number));
    port.settler.start(call, async move {
        let chosen = options::of_namespace(&options)?;
        let opened = match telling {
            None => Namespace::open(&uri, chosen).await,
            Some(telling) => {
                Namespace::open_with_events(&uri, chosen, move |event| telling.tell(event)).await
            }
        };
        let namespace = opened.map_err(|error| options::as_written(error, &options))?;
        settler.keep(call, &namespace);
        Ok(NativeNamespace { settler, namespace, number: call })
    });
}

#[napi]
impl NativeNamespace {
    /// Makes a log.
    #[napi(catch_unwind)]
    pub fn create_log(&self, call: f64, name: String) {
        let namespace = self.namespace.clone();
        self.settler.start(call, async move { namespace.create_log(&LogName::new(&name)?).await });
    }

    /// A handle on a log that exists.
    #[napi(catch_unwind)]
    pub fn open_log(&self, call: f64, name: String) {
        let (namespace, settler) = (self.namespace.clone(), self.settler.clone());
        self.settler.start(call, async move {
            let log = namespace.open_log(&LogName::new(&name)?).await?;
            Ok(NativeLog::new(&settler, log))
        });
    }

    /// A handle on a log that may not exist.
    #[napi(catch_unwind)]
    pub fn log(&self, name: String) -> Either<NativeError, NativeLog> {
        now(LogName::new(&name).map(|name| NativeLog::new(&self.settler, self.namespace.log(&name))))
    }

    /// Whether a log exists.
    #[napi(catch_unwind)]
    pub fn log_exists(&self, call: f64, name: String) {
        let namespace = self.namespace.clone();
        self.settler.start(call, async move { namespace.log_exists(&LogName::new(&name)?).await });
    }

    /// Removes a log.
    #[napi(catch_unwind)]
    pub fn delete_log(&self, call: f64, name: String) {
        let namespace = self.namespace.clone();
        self.settler.start(call, async move { namespace.delete_log(&LogName::new(&name)?).await });
    }

    /// Gives a log another name.
    #[napi(catch_unwind)]
    pub fn rename_log(&self, call: f64, from: String, to: String) {
        let namespace = self.namespace.clone();
        self.settler.start(call, async move {
            namespace.rename_log(&LogName::new(&from)?, &LogName::new(&to)?).await
        });
    }

    /// Names of logs.
    #[napi(catch_unwind)]
    pub fn list_logs(&self, call: f64, prefix: String, after: Option<String>, limit: Option<u32>) {
        let namespace = self.namespace.clone();
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        self.settler.start(call, async move {
            let after = after.map(|after| LogName::new(&after)).transpose()?;
            let names = namespace.list_logs(&prefix, after.as_ref(), limit).await?;
            Ok(names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>())
        });
    }

    /// Watches the logs.
    #[napi(catch_unwind)]
    pub fn watch_logs(&self, call: f64, prefix: String) {
        let (namespace, settler) = (self.namespace.clone(), self.settler.clone());
        self.settler
            .start(call, async move { Ok(NativeLogWatcher::new(&settler, namespace.watch_logs(&prefix)?)) });
    }

    /// Its metrics, as Prometheus reads them.
    #[napi(catch_unwind)]
    pub fn metrics(&self, call: f64, by_log: bool) {
        let namespace = self.namespace.clone();
        self.settler.start(call, async move {
            let snapshot: Snapshot =
                if by_log { namespace.metrics_by_log().await } else { namespace.metrics().await };
            Ok(snapshot.to_prometheus_text())
        });
    }

    /// Closes it.
    #[napi(catch_unwind)]
    pub fn close(&self, call: f64) {
        let (namespace, settler, number) = (self.namespace.clone(), self.settler.clone(), self.number);
        self.settler.start(call, async move {
            settler.release(number);
            namespace.close().await
        });
    }
}

impl Drop for NativeNamespace {
    fn drop(&mut self) {
        self.settler.release(self.number);
    }
}
