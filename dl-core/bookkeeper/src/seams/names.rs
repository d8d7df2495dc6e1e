//! Looking up what host names stand for.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

/// What one look-up found, as all who wait for it are told.
type Found = Result<Vec<SocketAddr>, (io::ErrorKind, String)>;

/// The host names that are being looked up.
type Waiting = BTreeMap<String, Looking>;

/// For how long a look-up is waited for by who asks for the same.
const PATIENCE: Duration = Duration::from_secs(60);

/// The look-ups of a host name that have not ended.
struct Looking {
    /// Whom to tell what the first to end has found.
    waiting: Vec<oneshot::Sender<Found>>,
    /// When the last one began.
    since: Instant,
    /// After how long there may be another: each may hang for ever, and keep a thread.
    patience: Duration,
}

/// What is asked for the addresses of a host; their port is 0.
type LookUp = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// Looks host names up, each by a thread of its own: where the system refuses threads, tokio's look-up panics, and the task of
/// the connection with it, or waits for a thread that has other work.
///
/// The system's look-up cannot be broken off, and may hang for minutes. There is one at a time for each name, however often
/// that is asked for; who asks after a minute begins another, after two more a third, and so on.
pub(super) struct Names {
    waiting: Arc<Mutex<Waiting>>,
    look_up: Arc<LookUp>,
    patience: Duration,
}

impl Names {
    pub(super) fn new() -> Self {
        Self::over(|host| Ok((host, 0).to_socket_addrs()?.collect()))
    }

    fn over(look_up: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        Self { waiting: Arc::default(), look_up: Arc::new(look_up), patience: PATIENCE }
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
        // With the name of an interface in them brackets are no literal.
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let found = self.join(host)?.await.unwrap_or_else(|_| broke_off());
        let mut found = found.map_err(|(kind, text)| io::Error::new(kind, text))?;
        found.iter_mut().for_each(|address| address.set_port(port));
        Ok(found)
    }

    /// Waits with those who have asked for this host before, or begins.
    fn join(&self, host: &str) -> io::Result<oneshot::Receiver<Found>> {
        let (sender, receiver) = oneshot::channel();
        let (mut waiting, now) = (lock(&self.waiting), Instant::now());
        if let Some(looking) = waiting.get_mut(host) {
            looking.waiting.retain(|other| !other.is_closed());
            looking.waiting.push(sender);
            if now.duration_since(looking.since) < looking.patience {
                return Ok(receiver);
            }
            (looking.since, looking.patience) = (now, looking.patience.saturating_mul(2));
        } else {
            let looking = Looking { waiting: vec![sender], since: now, patience: self.patience };
            waiting.insert(host.to_owned(), looking);
        }
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

/// A look-up. However it ends, all who wait for its host are told, and who asks later begins anew.
struct Running {
    waiting: Arc<Mutex<Waiting>>,
    host: String,
    found: Found,
}

impl Drop for Running {
    fn drop(&mut self) {
        let looking = lock(&self.waiting).remove(&self.host);
        for sender in looking.into_iter().flat_map(|looking| looking.waiting) {
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
            Ok(vec![(Ipv4Addr::LOCALHOST, 0).into()])
        });
        // As many connections that are given up while the system does not answer.
        for _ in 0..10 {
            let mut given_up = pin!(names.resolve("far:1"));
            tokio::select! { biased; _ = &mut given_up => panic!("nobody answered"), () = async {} => {} }
        }
        let mut waits = pin!(async { tokio::join!(names.resolve("far:1"), names.resolve("far:2")) });
        tokio::select! { biased; _ = &mut waits => panic!("nobody answered"), () = async {} => {} }
        assert_eq!(lock(&names.waiting)["far"].waiting.len(), 2, "who has given up is forgotten");
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
    async fn a_look_up_that_hangs_is_not_waited_for_for_ever() {
        let (end, hangs) = mpsc::channel::<()>();
        let hangs = Mutex::new(Some(hangs));
        let mut names = Names::over(move |_| {
            let first = hangs.lock().unwrap().take();
            first.map(|hangs| hangs.recv());
            Ok(vec![(Ipv4Addr::LOCALHOST, 0).into()])
        });
        names.patience = Duration::ZERO;
        let mut first = pin!(names.resolve("far:1"));
        tokio::select! { biased; _ = &mut first => panic!("nobody answered"), () = async {} => {} }
        // Its answer is one for both.
        let (one, two) = tokio::join!(first, names.resolve("far:2"));
        assert_eq!((one.unwrap()[0].port(), two.unwrap()[0].port()), (1, 2));
        drop(end);
        names.resolve("far:3").await.unwrap();
    }

    #[tokio::test]
    async fn an_address_of_one_interface_keeps_it() {
        for written in ["[fe80::1%1]:5", "fe80::1%1:5"] {
            let found = Names::new().resolve(written).await.unwrap();
            assert_eq!(found, ["[fe80::1%1]:5".parse().unwrap()], "{written}");
        }
        // As it is asked of the system, which knows the names of its interfaces.
        let names =
            Names::over(|host| (host == "fe80::1%eth0").then(Vec::new).ok_or(io::ErrorKind::NotFound.into()));
        assert_eq!(names.resolve("[fe80::1%eth0]:5").await.unwrap(), []);
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
