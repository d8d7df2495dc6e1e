//! What is said on a new connection before the first request: TLS, then who we are.

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::auth::{DISABLED_PLUGIN, Exchange, SASL_PLUGIN, SaslCredentials, Step, refused};
use super::options::ConnectionOptions;
use super::tls;
use crate::codec::{FrameReader, ProtocolVersion};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{AuthMessage, Operation, Request, Response, Status};
use crate::seams::{Seams, Stream};

/// More rounds are no authentication.
const MAX_ROUNDS: usize = 16;

/// Makes a connected stream one that requests can be sent on.
pub(super) async fn prepare(
    mut stream: Box<dyn Stream>,
    host: &str,
    version: ProtocolVersion,
    options: &ConnectionOptions,
    seams: &Seams,
) -> Result<Box<dyn Stream>> {
    if let Some(tls) = &options.tls {
        ask_for_tls(&mut stream, options).await?;
        stream = tls.connect(host, stream).await?;
    }
    if let Some(credentials) = &options.credentials {
        authenticate(&mut stream, version, credentials, options, seams).await?;
    }
    Ok(stream)
}

/// Always in version 3, whatever version follows.
async fn ask_for_tls(stream: &mut Box<dyn Stream>, options: &ConnectionOptions) -> Result<()> {
    match exchange(stream, ProtocolVersion::V3, &Request::StartTls, options).await? {
        Ok(_) => Ok(()),
        Err(Status::BadRequest) => Err(Error::new(
            ErrorKind::Security,
            "the bookie does not speak TLS; set it up there, or connect without",
        )),
        Err(status) => Err(Error::new(ErrorKind::Security, format!("TLS was refused: {status}"))),
    }
}

async fn authenticate(
    stream: &mut Box<dyn Stream>,
    version: ProtocolVersion,
    credentials: &SaslCredentials,
    options: &ConnectionOptions,
    seams: &Seams,
) -> Result<()> {
    let (mut sasl, mut payload) = Exchange::begin(credentials, &*seams.random)?;
    // Before the request that made us connect runs out of time: what it is told then would say nothing of passwords.
    let patience = options.connect_timeout.min(options.request_timeout) / 2;
    for _ in 0..MAX_ROUNDS {
        let request = Request::Auth(AuthMessage { plugin: SASL_PLUGIN.to_owned(), payload });
        let answer = tokio::select! {
            biased;
            answer = exchange(stream, version, &request, options) => answer,
            () = seams.clock.sleep(patience) => return Err(Error::new(ErrorKind::Unavailable, SILENT)),
        };
        // In version 2 a bookie may say no by closing the connection.
        let answer = answer.map_err(|error| match error.kind() {
            ErrorKind::Unavailable => refused(REFUSED).caused_by(error),
            _ => error,
        })?;
        let Ok(Response::Auth(auth)) = answer else { return Err(refused(REFUSED)) };
        if auth.plugin == DISABLED_PLUGIN {
            return Ok(());
        }
        payload = match sasl.next(&auth.payload)? {
            Step::Done => return Ok(()),
            Step::Send(payload) => payload,
        };
    }
    Err(refused("the authentication does not come to an end"))
}

/// To a wrong password BookKeeper's own plugin says nothing at all, which a frozen bookie does too.
const SILENT: &str = "the bookie does not go on with the authentication: the name or password is wrong, or it is stuck; \
                      see its log";

const REFUSED: &str = "the bookie does not accept the name and password; see its JAAS configuration";

/// One request and its answer, alone on the stream.
async fn exchange(
    stream: &mut Box<dyn Stream>,
    version: ProtocolVersion,
    request: &Request,
    options: &ConnectionOptions,
) -> Result<std::result::Result<Response, Status>> {
    let (frame, _) = version.encode_request(request, 0, options.max_frame_bytes)?;
    stream.write_all(&frame.to_bytes()).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let mut frames = FrameReader::new(options.max_frame_bytes);
    loop {
        let frame = read_frame(stream, &mut frames).await?;
        if *request != Request::StartTls && is_about_tls(&frame) {
            continue;
        }
        let answer = version.decode_answer(frame)?;
        if answer.operation != request.operation() {
            return Err(Error::corrupt("the bookie answered what it was not asked"));
        }
        // What follows the answer to a wish for TLS would be TLS, and nothing comes unasked.
        if frames.is_inside_frame() {
            return Err(Error::corrupt("the bookie says more than it was asked"));
        }
        return Ok(answer.outcome);
    }
}

/// A bookie that wants names and passwords says, when TLS has begun, that nobody has authenticated yet: a second answer to
/// the wish for TLS, in version 3 whatever is spoken, before it answers anything else. It means nothing.
fn is_about_tls(frame: &Bytes) -> bool {
    let answer = ProtocolVersion::V3.decode_answer(frame.clone());
    answer.is_ok_and(|answer| answer.operation == Operation::StartTls)
}

async fn read_frame(stream: &mut Box<dyn Stream>, frames: &mut FrameReader) -> Result<Bytes> {
    loop {
        if let Some(frame) = frames.next_frame()? {
            return Ok(frame);
        }
        if stream.read_buf(frames.buffer()).await.map_err(lost)? == 0 {
            return Err(lost(std::io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

fn lost(error: std::io::Error) -> Error {
    if let Some(refusal) = tls::refusal(&error) {
        return refusal.caused_by(error);
    }
    Error::new(ErrorKind::Unavailable, format!("the connection broke while it was set up: {error}"))
        .caused_by(error)
}
