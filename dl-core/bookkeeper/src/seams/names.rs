//! Looking up what host names stand for.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

/// What one look-up found, as all who wait for it are told.
type Found = Result<Vec<IpAddr>, (io::ErrorKind, String)>;

/// Whom to tell what was found, for each host name that is being looked up.
type Waiting = BTreeMap<String, Vec<oneshot::Sender<Found>>>;

/// What is asked for the addresses of a host.
type LookUp = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Looks host names up, each by a thread of its own: where the system refuses threads, tokio's look-up panics, and the task of
/// the connection with it, or waits for a thread that has other work.
///
/// The system's look-up cannot be broken off, and may hang for minutes. There is one at a time for each name, however often
/// that is asked for.
pub(super) struct Names {
    waiting: Arc<Mutex<Waiting>>,
    look_up: Arc<LookUp>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self::over(|host| Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }

    fn over(look_up: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self { waiting: Arc::default(), look_up: Arc::new(look_up) }
    }

    /// What `host:port` stands for. Dropping the call leaves the look-up to those who ask later.
    pub(super) async fn resolve(&self, address: &str) -> io::Result<Vec<SocketAddr>> {
        if let Ok(literal) = address.parse() {
            return Ok(vec![literal]);
        }
        let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port): (_, u16) = parts.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "an address is written HOST:PORT, the port a number")
        })?;
        let found = self.join(host)?.await.unwrap_or_else(|_| broke_off());
        let ips = found.map_err(|(kind, text)| io::Error::new(kind, text))?;
        Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }

    /// Waits with those who have asked for this host before, or begins.
    fn join(&self, host: &str) -> io::Result<oneshot::Receiver<Found>> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = lock(&self.waiting);
        if let Some(others) = waiting.get_mut(host) {
            others.retain(|other| !other.is_closed());
            others.push(sender);
            return Ok(receiver);
        }
        waiting.insert(host.to_owned(), vec![sender]);
        drop(waiting);
        let (waiting, look_up) = (self.waiting.clone(), self.look_up.clone());
        let mut running = Running { waiting, host: host.to_owned(), found: broke_off() };
        let look = move || {
            running.found = look_up(&running.host).map_err(|error| (error.kind(), error.to_string()));
        };
        match thread::Builder::new().name("dl-resolve".to_owned()).spawn(look) {
            Ok(_detached) => Ok(receiver),
            Err(error) => {
                let message = format!("the system refuses a thread to look up its address: {error}");
                Err(io::Error::new(error.kind(), message))
            }
        }
    }
}

/// A look-up. However it ends, all who wait for it are told, and who asks later begins anew.
struct Running {
    waiting: Arc<Mutex<Waiting>>,
    host: String,
    found: Found,
}

impl Drop for Running {
    fn drop(&mut self) {
        let waiting = lock(&self.waiting).remove(&self.host);
        for sender in waiting.into_iter().flatten() {
            // Who does not wait any more has gone.
            let _gone = sender.send(self.found.clone());
        }
    }
}

fn broke_off() -> Found {
    Err((io::ErrorKind::Other, "the look-up of its address broke off".to_owned()))
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    // Each change of it is one call.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::pin::pin;
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_host_is_looked_up_once_however_many_ask_meanwhile() {
        let (begin, begun) = mpsc::channel();
        let (answer, answers) = mpsc::channel::<()>();
        let answers = Mutex::new(answers);
        let names = Names::over(move |host| {
            begin.send(host.to_owned()).unwrap();
            answers.lock().unwrap().recv().unwrap();
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        });
        // As many connections that are given up while the system does not answer.
        for _ in 0..10 {
            let mut given_up = pin!(names.resolve("far:1"));
            tokio::select! { biased; _ = &mut given_up => panic!("nobody answered"), () = async {} => {} }
        }
        let mut waits = pin!(async { tokio::join!(names.resolve("far:1"), names.resolve("far:2")) });
        tokio::select! { biased; _ = &mut waits => panic!("nobody answered"), () = async {} => {} }
        assert_eq!(lock(&names.waiting)["far"].len(), 2, "who has given up is forgotten");
        answer.send(()).unwrap();
        let (one, two) = waits.await;
        assert_eq!((one.unwrap()[0].port(), two.unwrap()[0].port()), (1, 2));
        assert_eq!(begun.try_iter().collect::<Vec<_>>(), ["far"]);
        // The next begins anew.
        answer.send(()).unwrap();
        names.resolve("far:3").await.unwrap();
        assert_eq!(begun.try_iter().count(), 1);
    }

    #[tokio::test]
    async fn a_look_up_that_fails_tells_all_who_wait_why() {
        let names = Names::over(|_| Err(io::Error::new(io::ErrorKind::NotFound, "no such host")));
        let (one, two) = tokio::join!(names.resolve("none:1"), names.resolve("none:2"));
        for failed in [one.unwrap_err(), two.unwrap_err()] {
            assert_eq!((failed.kind(), &*failed.to_string()), (io::ErrorKind::NotFound, "no such host"));
        }
        let names = Names::over(|_| panic!("as a bug would"));
        assert!(names.resolve("none:1").await.unwrap_err().to_string().contains("broke off"));
        for bad in ["none", "none:", "none:port", "none:70000"] {
            assert_eq!(names.resolve(bad).await.unwrap_err().kind(), io::ErrorKind::InvalidInput, "{bad}");
        }
        assert_eq!(names.resolve("[::1]:5").await.unwrap(), ["[::1]:5".parse().unwrap()]);
    }
}
