//! Appending standard input as a stream of bytes.

use std::pin::pin;

use bytes::Bytes;
use dl_core::{ByteWriter, Error, ErrorKind, Log, WriterOptions};
use tokio::sync::mpsc;

use super::super::failure::Result;
use super::super::stop::Stop;
use super::feed::Ended;
use super::framing::Framing;
use super::input;

/// Appends until the input ends.
pub(super) async fn append(log: &Log, options: WriterOptions) -> Result<()> {
    let mut writer = log.open_byte_writer(options).await?;
    let start = writer.position();
    let stop = Stop::default();
    stop.at_interrupts()?;
    let fed = feed(&mut writer, input::blocks(Framing::Pieces)?, &stop).await;
    let closed = writer.close().await;
    let ended = fed?;
    closed?;
    match ended {
        Ended::Input => Ok(()),
        Ended::Stopped => {
            let count = writer.position() - start;
            let message = format!(
                "interrupted after {count} bytes, which are in the log; the rest of the input is not"
            );
            Err(Error::new(ErrorKind::Cancelled, message).into())
        }
    }
}

async fn feed(
    writer: &mut ByteWriter,
    mut blocks: mpsc::Receiver<dl_core::Result<Vec<Bytes>>>,
    stop: &Stop,
) -> dl_core::Result<Ended> {
    let mut cut_off = pin!(writer.fenced());
    let mut stopped = pin!(stop.requested());
    loop {
        let block = tokio::select! {
            biased;
            () = &mut stopped => return Ok(Ended::Stopped),
            error = &mut cut_off => return Err(error),
            block = blocks.recv() => block,
        };
        let Some(block) = block else { return Ok(Ended::Input) };
        for piece in block? {
            tokio::select! {
                biased;
                () = &mut stopped => return Ok(Ended::Stopped),
                written = writer.write(piece) => written?,
            }
        }
    }
}
