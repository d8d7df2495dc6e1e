//! A connection from being made to being of no use any more: what is sent and received over it. Apart from the link, which
//! outlives it and decides when there is a next one.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Environment, Shared};
use crate::codec::FrameReader;
use crate::connection::handshake;
use crate::connection::outgoing::Outgoing;
use crate::connection::reply::{Settled, send_all};
use crate::connection::tls;
use crate::error::{Error, ErrorKind, Result};
use crate::seams::Stream;

impl Shared {
    /// Makes the connection, within its time.
    pub(super) async fn connect(&self) -> Result<Box<dyn Stream>> {
        let Environment { registry, options, seams } = &self.environment;
        let attempt = async {
            let address = registry.resolve(&self.bookie).await.map_err(|error| {
                Error::new(ErrorKind::Unavailable, "it is not known where the bookie listens")
                    .caused_by(error)
            })?;
            let address = address.ok_or_else(|| {
                Error::new(
                    ErrorKind::Unavailable,
                    "the bookie is not registered: it is down, or its id is wrong",
                )
            })?;
            let stream = seams.network.connect(&address).await.map_err(|error| {
                let message = format!("no connection to the bookie at {address}: {error}");
                Error::new(ErrorKind::Unavailable, message).caused_by(error)
            })?;
            handshake::prepare(stream, host_of(&address), self.version, options, seams).await
        };
        tokio::select! {
            biased;
            connected = attempt => connected,
            () = seams.clock.sleep(options.connect_timeout) => {
                let message = format!("the bookie did not let us in within {:?}", options.connect_timeout);
                Err(Error::new(ErrorKind::Unavailable, message))
            }
        }
    }

    /// Sends and receives until the connection is of no use any more; answers why.
    pub(super) async fn serve(&self, stream: Box<dyn Stream>) -> Error {
        self.begin();
        let (reader, writer) = tokio::io::split(stream);
        // Writing first: what may be in flight is bounded, what may be received is not.
        tokio::select! {
            biased;
            error = self.watch() => error,
            error = self.write(writer) => self.judge(error),
            error = self.read(reader) => self.judge(error),
        }
    }

    /// What it means that the connection broke: a bookie that does not like our certificate looks at it when TLS has begun
    /// for us, and its refusal may be lost over the end of the connection.
    fn judge(&self, error: Error) -> Error {
        let answered = self.state().useful;
        if answered || self.environment.options.tls.is_none() || error.kind() != ErrorKind::Unavailable {
            return error;
        }
        tls::ended(error)
    }

    fn begin(&self) {
        let now = self.now();
        let mut state = self.state();
        state.received = now;
        state.useful = false;
    }

    async fn watch(&self) -> Error {
        loop {
            if let Some(error) = self.state().calls.take_broken() {
                return error;
            }
            self.broken.notified().await;
        }
    }

    async fn write(&self, mut writer: impl AsyncWrite + Unpin) -> Error {
        let mut outgoing = Outgoing::default();
        loop {
            self.gather(&mut outgoing);
            let written = if outgoing.is_empty() {
                let flushed = writer.flush().await;
                self.queued.notified().await;
                flushed
            } else {
                outgoing.write_to(&mut writer).await
            };
            if let Err(error) = written {
                return broke(error);
            }
        }
    }

    fn gather(&self, outgoing: &mut Outgoing) {
        let now = self.now();
        let mut state = self.state();
        outgoing.gather(|| state.calls.next_frame(now));
    }

    async fn read(&self, mut reader: impl AsyncRead + Unpin) -> Error {
        let mut frames = FrameReader::new(self.environment.options.max_frame_bytes);
        loop {
            match reader.read_buf(frames.buffer()).await {
                Ok(0) => return Error::new(ErrorKind::Unavailable, "the bookie closed the connection"),
                Ok(_) => {}
                Err(error) => return broke(error),
            }
            let (settled, result) = self.take_answers(&mut frames);
            send_all(settled);
            if let Err(error) = result {
                let message = format!("the connection is damaged: {}", error.message());
                return Error::new(ErrorKind::Unavailable, message).caused_by(error);
            }
        }
    }

    /// All answers that have come whole, those before a damaged one too.
    fn take_answers(&self, frames: &mut FrameReader) -> (Vec<Settled>, Result<()>) {
        let mut answers = Vec::new();
        let read = loop {
            match frames.next_frame() {
                Ok(None) => break Ok(()),
                Ok(Some(frame)) => match self.version.decode_answer(frame) {
                    Ok(answer) => answers.push(answer),
                    Err(error) => break Err(error),
                },
                Err(error) => break Err(error),
            }
        };
        let now = self.now();
        let mut settled = Vec::new();
        let mut state = self.state();
        state.received = now;
        for answer in answers {
            match state.calls.answer(answer) {
                Ok(one) => settled.extend(one),
                Err(error) => return (settled, Err(error)),
            }
        }
        if !settled.is_empty() {
            state.useful = true;
        }
        self.notify(&state);
        (settled, read)
    }
}

fn broke(error: std::io::Error) -> Error {
    if let Some(refusal) = tls::refusal(&error) {
        return refusal.caused_by(error);
    }
    Error::new(ErrorKind::Unavailable, format!("the connection to the bookie broke: {error}"))
        .caused_by(error)
}

/// The host of `host:port`.
fn host_of(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
