//! What is being written: pieces of frames, as many as fit one call, whatever part of them the socket takes.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::codec::Frame;

/// Pieces that are given to the socket at once.
const MAX_PARTS: usize = 64;

/// Bytes after which no more frames are gathered.
const ENOUGH_BYTES: usize = 256 * 1024;

/// Bytes on their way to the socket.
#[derive(Default)]
pub(super) struct Outgoing {
    parts: VecDeque<Bytes>,
    bytes: usize,
}

impl Outgoing {
    /// Gathers frames until there is enough for one call.
    pub(super) fn gather(&mut self, mut next: impl FnMut() -> Option<Frame>) {
        // A frame has up to three pieces.
        while self.parts.len() + 3 <= MAX_PARTS && self.bytes < ENOUGH_BYTES {
            let Some(frame) = next() else { break };
            self.bytes += frame.len();
            self.parts.extend(frame.parts().into_iter().filter(|part| !part.is_empty()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Writes once: as much as the socket takes. Dropping the future writes nothing more.
    pub(super) async fn write_to(&mut self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let mut slices = [IoSlice::new(&[]); MAX_PARTS];
        let count = self.parts.len().min(MAX_PARTS);
        for (slice, part) in slices.iter_mut().zip(&self.parts) {
            *slice = IoSlice::new(part);
        }
        let written = writer.write_vectored(&slices[..count]).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.advance(written);
        Ok(())
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some(part) = self.parts.front_mut() {
            if written < part.len() {
                part.advance(written);
                return;
            }
            written -= part.len();
            self.parts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use proptest::prelude::*;

    use super::*;
    use crate::codec::{DEFAULT_MAX_FRAME_BYTES, ProtocolVersion};
    use crate::protocol::{AddRequest, EncodedEntry, Priority, Request};
    use crate::types::{EntryId, LedgerId, MasterKey};

    /// Takes as many bytes of each call as it is told.
    struct Miser {
        takes: Vec<usize>,
        got: Vec<u8>,
    }

    impl AsyncWrite for Miser {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let this = self.get_mut();
            let take = this.takes.pop().unwrap_or(usize::MAX).min(bytes.len());
            this.got.extend_from_slice(&bytes[..take]);
            Poll::Ready(Ok(take))
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let bytes: Vec<&[u8]> = slices.iter().map(|slice| &**slice).collect();
            let bytes = bytes.concat();
            self.poll_write(context, &bytes)
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn frame(number: u64, payload: usize) -> Frame {
        let entry = EntryId::new(number as i64).unwrap();
        let body = EncodedEntry { head: vec![1; 44].into(), payload: vec![number as u8; payload].into() };
        let ledger = LedgerId::new(1).unwrap();
        let key = MasterKey::from_password(b"");
        let add = AddRequest {
            ledger,
            entry,
            key,
            body,
            recovery: false,
            deferred_sync: false,
            priority: Priority::Normal,
        };
        ProtocolVersion::V3.encode_request(&Request::Add(add), number, DEFAULT_MAX_FRAME_BYTES).unwrap().0
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_byte_is_written_once_and_in_order(
            payloads in prop::collection::vec(0..5_000_usize, 1..60),
            takes in prop::collection::vec(1..8_000_usize, 0..60),
        ) {
            let frames: Vec<Frame> =
                payloads.iter().enumerate().map(|(number, bytes)| frame(number as u64, *bytes)).collect();
            let expected = frames.iter().map(Frame::to_bytes).collect::<Vec<_>>().concat();
            let mut frames = frames.into_iter();
            let mut miser = Miser { takes, got: Vec::new() };
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let mut outgoing = Outgoing::default();
                loop {
                    outgoing.gather(|| frames.next());
                    if outgoing.is_empty() {
                        break;
                    }
                    outgoing.write_to(&mut miser).await.unwrap();
                }
                assert_eq!(outgoing.bytes, 0);
            });
            prop_assert!(miser.got == expected);
        }
    }
}
