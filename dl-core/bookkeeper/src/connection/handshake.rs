//! What is said on a new connection before the first request: TLS, then who we are.

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::auth::{DISABLED_PLUGIN, Exchange, SASL_PLUGIN, SaslCredentials, Step, refused};
use super::options::ConnectionOptions;
use crate::codec::{FrameReader, ProtocolVersion};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{AuthMessage, Request, Response, Status};
use crate::seams::{Random, Stream};

/// More rounds are no authentication.
const MAX_ROUNDS: usize = 16;

/// Makes a connected stream one that requests can be sent on.
pub(super) async fn prepare(
    mut stream: Box<dyn Stream>,
    host: &str,
    version: ProtocolVersion,
    options: &ConnectionOptions,
    random: &dyn Random,
) -> Result<Box<dyn Stream>> {
    if let Some(tls) = &options.tls {
        ask_for_tls(&mut stream, options).await?;
        stream = tls.connect(host, stream).await?;
    }
    if let Some(credentials) = &options.credentials {
        authenticate(&mut stream, version, credentials, options, random).await?;
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
    random: &dyn Random,
) -> Result<()> {
    let (mut sasl, mut payload) = Exchange::begin(credentials, random)?;
    for _ in 0..MAX_ROUNDS {
        let request = Request::Auth(AuthMessage { plugin: SASL_PLUGIN.to_owned(), payload });
        // In version 2 a bookie says no by closing the connection.
        let answer =
            exchange(stream, version, &request, options).await.map_err(|error| match error.kind() {
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

const REFUSED: &str = "the bookie does not accept the name and password; see its JAAS configuration";

/// One request and its answer, alone on the stream.
async fn exchange(
    stream: &mut Box<dyn Stream>,
    version: ProtocolVersion,
    request: &Request,
    options: &ConnectionOptions,
) -> Result<std::result::Result<Response, Status>> {
    let lost = |error: std::io::Error| {
        Error::new(ErrorKind::Unavailable, format!("the connection broke while it was set up: {error}"))
            .caused_by(error)
    };
    let (frame, _) = version.encode_request(request, 0, options.max_frame_bytes)?;
    stream.write_all(&frame.to_bytes()).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let answer = read_frame(stream, options).await?;
    let answer = version.decode_answer(answer)?;
    if answer.operation != request.operation() {
        return Err(Error::corrupt("the bookie answered what it was not asked"));
    }
    Ok(answer.outcome)
}

/// Exactly one frame: what follows it on the stream may be TLS.
async fn read_frame(stream: &mut Box<dyn Stream>, options: &ConnectionOptions) -> Result<Bytes> {
    let mut frames = FrameReader::new(options.max_frame_bytes);
    loop {
        if let Some(frame) = frames.next_frame()? {
            if frames.is_inside_frame() {
                return Err(Error::corrupt("the bookie says more than it was asked"));
            }
            return Ok(frame);
        }
        let read = stream.read_buf(frames.buffer()).await;
        let closed =
            || Error::new(ErrorKind::Unavailable, "the bookie closed the connection while it was set up");
        match read {
            Ok(0) => return Err(closed()),
            Ok(_) => {}
            Err(error) => return Err(closed().caused_by(error)),
        }
    }
}
