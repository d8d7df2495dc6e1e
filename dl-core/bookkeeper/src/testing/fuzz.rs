//! What must hold for any bytes given to a decoder: the door for `fuzz`, and for property tests.
//!
//! Each function panics where a decoder breaks its promise: it reads what was written, or says what is wrong.

use bytes::Bytes;

use crate::codec::{DEFAULT_MAX_FRAME_BYTES, EntryCodec, FrameReader, ProtocolVersion};
use crate::metadata::LedgerMetadata;
use crate::protocol::EntryList;
use crate::types::{DigestType, LedgerId};

/// A request, read as a bookie reads it: what is understood is written and read again.
pub fn request(frame: &[u8]) {
    for version in [ProtocolVersion::V2, ProtocolVersion::V3] {
        let Ok(call) = version.decode_request(Bytes::copy_from_slice(frame)) else { continue };
        // A long poll that asks for an entry and for another one is read, but never written.
        let Ok((again, _)) = version.encode_request(&call.request, call.number, usize::MAX) else { continue };
        let again = again.to_bytes().slice(4..);
        let read = version.decode_request(again.clone()).expect("what was written is read");
        let (third, _) =
            version.encode_request(&read.request, read.number, usize::MAX).expect("and written again");
        assert_eq!(third.to_bytes().slice(4..), again);
    }
}

/// An answer, read as a client reads it.
pub fn answer(frame: &[u8]) {
    for version in [ProtocolVersion::V2, ProtocolVersion::V3] {
        let Ok(answer) = version.decode_answer(Bytes::copy_from_slice(frame)) else { continue };
        assert_eq!(version.decode_answer(Bytes::copy_from_slice(frame)).ok(), Some(answer));
    }
}

/// A stream of frames: the same frames come out of any pieces.
pub fn frames(stream: &[u8]) {
    let split = |piece: usize| {
        let mut reader = FrameReader::new(DEFAULT_MAX_FRAME_BYTES);
        let mut frames = Vec::new();
        for piece in stream.chunks(piece) {
            reader.buffer().extend_from_slice(piece);
            assert!(reader.buffer().capacity() <= 2 * (DEFAULT_MAX_FRAME_BYTES + stream.len()));
            loop {
                match reader.next_frame() {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(error) => return (frames, Some(error.kind())),
                }
            }
        }
        (frames, None)
    };
    assert_eq!(split(1), split(stream.len().max(1)));
}

/// An entry and a LAC record, under each digest: what is accepted is written again with the same bytes.
pub fn entry(stored: &[u8]) {
    let bytes = Bytes::copy_from_slice(stored);
    let number = stored.first_chunk().map_or(0, |number| i64::from_be_bytes(*number));
    let Ok(ledger) = LedgerId::new(number) else { return };
    for digest in DigestType::ALL {
        let codec = EntryCodec::new(digest, b"");
        if let Ok(entry) = codec.open(ledger, None, &bytes) {
            let again = codec.seal(ledger, entry.id, entry.lac, entry.length, entry.payload);
            assert_eq!(again.to_bytes(), bytes);
        }
        if let Ok(lac) = codec.open_lac(ledger, stored) {
            assert_eq!(codec.seal_lac(ledger, lac), bytes);
        }
    }
}

/// Metadata of a ledger: what is understood is written and read again.
pub fn metadata(stored: &[u8]) {
    if let Ok(metadata) = LedgerMetadata::decode(stored) {
        let again = LedgerMetadata::decode(&metadata.encode()).expect("what was written is read");
        assert_eq!(again, metadata);
    }
}

/// A list of entries: what is understood is written again with the same bytes, but for the header's reserve.
pub fn entry_list(stored: &[u8]) {
    if let Ok(list) = EntryList::decode(Bytes::copy_from_slice(stored)) {
        let again = list.encode();
        assert_eq!(again[..8], stored[..8]);
        assert_eq!(again[64..], stored[64..]);
        assert_eq!(list.count() > 0, !list.groups().is_empty());
    }
}
