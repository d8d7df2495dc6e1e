//! Cutting a stream of bytes into records.

use bytes::Bytes;
use clap::ValueEnum;
use dl_core::{Error, ErrorKind, MAX_PAYLOAD_BYTES, Result};

/// How records are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Framing {
    /// A record is a line, without its newline. A last line without one counts
    #[default]
    Line,
    /// In front of each record stands its length: 4 bytes, most significant first
    Length,
    /// All of the input is one record
    File,
    /// The pieces in which it comes, of a stream of bytes
    #[value(skip)]
    Pieces,
}

/// Takes the input in pieces and gives records, numbered from 0.
///
/// Holds the unfinished record and nothing else. After an error it gives the records in front of it, then no more.
#[derive(Debug)]
pub(super) struct Framer {
    framing: Framing,
    unfinished: Vec<u8>,
    records: Vec<Bytes>,
    count: u64,
}

const LENGTH_BYTES: usize = 4;

impl Framer {
    pub(super) fn new(framing: Framing) -> Self {
        Self { framing, unfinished: Vec::new(), records: Vec::new(), count: 0 }
    }

    /// Takes the next piece of the input.
    ///
    /// # Errors
    /// `too-large` if a record in it is, with its number.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<()> {
        match self.framing {
            Framing::Line => self.lines(piece),
            Framing::Length => self.lengths(piece),
            Framing::File => {
                self.unfinished.extend_from_slice(piece);
                self.check(self.unfinished.len())
            }
            Framing::Pieces => {
                self.push(Bytes::copy_from_slice(piece));
                Ok(())
            }
        }
    }

    /// Ends the input.
    ///
    /// # Errors
    /// `invalid-argument` if it ends inside a record that says its length.
    pub(super) fn end(&mut self) -> Result<()> {
        let rest = std::mem::take(&mut self.unfinished);
        match self.framing {
            Framing::Length if !rest.is_empty() => Err(Error::new(
                ErrorKind::InvalidArgument,
                "the input ends inside a record or its length; nothing of that record was appended",
            )
            .with("input", self.count)),
            Framing::Line if rest.is_empty() => Ok(()),
            Framing::Length | Framing::Pieces => Ok(()),
            Framing::Line | Framing::File => {
                self.push(rest.into());
                Ok(())
            }
        }
    }

    /// The records that are complete by now, in order.
    pub(super) fn records(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.records)
    }

    fn lines(&mut self, piece: &[u8]) -> Result<()> {
        let Some(last) = piece.iter().rposition(|byte| *byte == b'\n') else {
            self.unfinished.extend_from_slice(piece);
            return self.check(self.unfinished.len());
        };
        let (whole, rest) = piece.split_at(last + 1);
        let mut block = std::mem::take(&mut self.unfinished);
        block.extend_from_slice(whole);
        let mut block = Bytes::from(block);
        while let Some(end) = block.iter().position(|byte| *byte == b'\n') {
            self.check(end)?;
            let mut line = block.split_to(end + 1);
            line.truncate(end);
            self.push(line);
        }
        self.unfinished.extend_from_slice(rest);
        self.check(self.unfinished.len())
    }

    fn lengths(&mut self, piece: &[u8]) -> Result<()> {
        self.unfinished.extend_from_slice(piece);
        let mut start = 0;
        while let Some((length, rest)) = self.unfinished[start..].split_first_chunk::<LENGTH_BYTES>() {
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            self.check(length)?;
            let Some(record) = rest.get(..length) else { break };
            let record = Bytes::copy_from_slice(record);
            self.push(record);
            start += LENGTH_BYTES + length;
        }
        self.unfinished.drain(..start);
        Ok(())
    }

    fn push(&mut self, record: Bytes) {
        self.records.push(record);
        self.count += 1;
    }

    /// Checks the length of the record that is next.
    fn check(&self, length: usize) -> Result<()> {
        if length <= MAX_PAYLOAD_BYTES {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "record {} of the input (from 0) is larger than {MAX_PAYLOAD_BYTES} bytes; it was not appended, nor what follows it",
                self.count
            ),
        )
        .with("input", self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(framing: Framing, input: &[u8], piece: usize) -> (Vec<Bytes>, Result<()>) {
        let mut framer = Framer::new(framing);
        let mut records = Vec::new();
        for piece in input.chunks(piece) {
            let taken = framer.take(piece);
            records.append(&mut framer.records());
            if taken.is_err() {
                return (records, taken);
            }
        }
        let ended = framer.end();
        records.append(&mut framer.records());
        (records, ended)
    }

    #[test]
    fn lines_end_in_newlines_and_nothing_else() {
        for piece in 1..8 {
            let (records, ended) = cut(Framing::Line, b"a\n\nb\r\n\0\xffc", piece);
            assert!(ended.is_ok());
            assert_eq!(records, [&b"a"[..], b"", b"b\r", b"\0\xffc"], "pieces of {piece}");
            assert!(cut(Framing::Line, b"a\n", piece).0.len() == 1);
        }
        assert!(cut(Framing::Line, b"", 1).0.is_empty());
    }

    #[test]
    fn lengths_stand_in_front() {
        let input = b"\0\0\0\x02a\n\0\0\0\0\0\0\0\x01b";
        for piece in 1..input.len() {
            let (records, ended) = cut(Framing::Length, input, piece);
            assert!(ended.is_ok());
            assert_eq!(records, [&b"a\n"[..], b"", b"b"], "pieces of {piece}");
        }
        for (taken, whole, complete) in
            [(5, 0, false), (6, 1, true), (7, 1, false), (10, 2, true), (14, 2, false)]
        {
            let (records, ended) = cut(Framing::Length, &input[..taken], 3);
            assert_eq!((records.len(), ended.is_ok()), (whole, complete), "{taken} bytes of input");
        }
    }

    #[test]
    fn a_file_is_one_record_even_if_empty() {
        assert_eq!(cut(Framing::File, b"a\nb\n", 3).0, [&b"a\nb\n"[..]]);
        assert_eq!(cut(Framing::File, b"", 3).0, [&b""[..]]);
    }

    #[test]
    fn pieces_are_what_they_are() {
        assert_eq!(cut(Framing::Pieces, b"a\nbc", 3).0, [&b"a\nb"[..], b"c"]);
        assert!(cut(Framing::Pieces, b"", 3).0.is_empty());
    }

    #[test]
    fn a_record_over_the_limit_is_named_and_those_in_front_are_given() {
        let longest = vec![b'x'; MAX_PAYLOAD_BYTES];
        for framing in [Framing::Line, Framing::Length, Framing::File] {
            let framed = |payload: &[u8]| match framing {
                Framing::Line => [payload, b"\n"].concat(),
                Framing::Length => [&u32::try_from(payload.len()).unwrap().to_be_bytes(), payload].concat(),
                Framing::File | Framing::Pieces => payload.to_vec(),
            };
            assert_eq!(
                cut(framing, &framed(&longest), 65_536).0,
                std::slice::from_ref(&longest),
                "{framing:?}"
            );
            let large = framed(&[&longest[..], b"y"].concat());
            let (input, number) = match framing {
                Framing::File | Framing::Pieces => (large, 0),
                Framing::Line | Framing::Length => ([framed(b"1"), framed(b"2"), large].concat(), 2),
            };
            for piece in [1_000, 65_536, input.len()] {
                let (records, ended) = cut(framing, &input, piece);
                let error = ended.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::TooLarge);
                assert_eq!(error.context_value("input"), Some(&*number.to_string()));
                assert_eq!(records.len(), number, "{framing:?} in pieces of {piece}");
            }
        }
    }
}
