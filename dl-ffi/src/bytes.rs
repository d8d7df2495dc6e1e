//! Bytes that go in and out.

use std::ptr;
use std::slice;

use bytes::{Bytes, BytesMut};
use dl_core::{Error, ErrorKind, MAX_PAYLOAD_BYTES, Result};

use crate::boundary::answer;
use crate::handle::{self, Boxed, Object, null};

/// No memory has more.
const MOST_TOGETHER: usize = isize::MAX.cast_unsigned();

/// A view of bytes.
///
/// Whoever has the bytes owns them; see at each function how long they have to stay, or do.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct dl_bytes {
    /// The first byte. May be NULL if there is none.
    pub data: *const u8,
    /// Their number.
    pub length: usize,
}

impl dl_bytes {
    /// No bytes.
    pub(crate) const EMPTY: Self = Self { data: ptr::null(), length: 0 };

    /// A view of bytes that live on.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), length: bytes.len() }
    }

    /// What it shows.
    ///
    /// # Errors
    /// `invalid-argument` for NULL with a length, or a length that no memory has.
    pub(crate) fn read<'a>(self) -> Result<&'a [u8]> {
        if self.length == 0 {
            return Ok(&[]);
        }
        if self.data.is_null() {
            return Err(null("the data of bytes that are not empty"));
        }
        if isize::try_from(self.length).is_err() {
            return Err(Error::new(ErrorKind::InvalidArgument, "the length of bytes is larger than memory"));
        }
        // SAFETY: by the rules of the header so many bytes are there and stay as they are until the call is over.
        Ok(unsafe { slice::from_raw_parts(self.data, self.length) })
    }

    /// A copy of what it shows, which is the payload of a record.
    ///
    /// # Errors
    /// As [`copy`](Self::copy).
    pub(crate) fn copy_payload(self) -> Result<Bytes> {
        check_payload(self.length)?;
        self.read().map(Bytes::copy_from_slice)
    }

    /// A copy of what it shows, of at most `most` bytes.
    ///
    /// # Errors
    /// As [`read`](Self::read); `too-large`, before anything is allocated.
    pub(crate) fn copy(self, most: usize) -> Result<Bytes> {
        let bytes = self.read()?;
        if bytes.len() > most {
            return Err(too_large(bytes.len(), most));
        }
        Ok(Bytes::copy_from_slice(bytes))
    }
}

/// Copies of what many views show, which are payloads of records, one behind another in one piece of memory.
///
/// # Errors
/// As [`dl_bytes::copy_payload`].
pub(crate) fn copy_payloads(views: &[dl_bytes]) -> Result<impl Iterator<Item = Bytes>> {
    let mut total: usize = 0;
    for view in views {
        check_payload(view.length)?;
        view.read()?;
        total = total.checked_add(view.length).ok_or_else(|| too_large(usize::MAX, MOST_TOGETHER))?;
    }
    let mut memory = BytesMut::with_capacity(total);
    for view in views {
        memory.extend_from_slice(view.read()?);
    }
    let mut rest = memory.freeze();
    Ok(views.iter().map(move |view| rest.split_to(view.length)))
}

/// The views of an array.
///
/// # Errors
/// `invalid-argument` for NULL with a count, or a count that no memory has.
pub(crate) fn array<'a, T>(first: *const T, count: usize, name: &'static str) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if first.is_null() {
        return Err(null(name));
    }
    if count.checked_mul(size_of::<T>()).is_none_or(|bytes| isize::try_from(bytes).is_err()) {
        return Err(Error::new(ErrorKind::InvalidArgument, format!("{name} are more than memory has")));
    }
    // SAFETY: by the rules of the header so many are there and stay as they are until the call is over.
    Ok(unsafe { slice::from_raw_parts(first, count) })
}

/// Whether so many bytes can be the payload of a record.
///
/// # Errors
/// `too-large`, in the words of the core, which the bytes do not come to: nothing of such a length is copied.
pub(crate) fn check_payload(length: usize) -> Result<()> {
    if length <= MAX_PAYLOAD_BYTES {
        return Ok(());
    }
    let message = format!(
        "a payload has {length} bytes; the most is {MAX_PAYLOAD_BYTES}: split it into several records"
    );
    Err(Error::new(ErrorKind::TooLarge, message))
}

#[cold]
fn too_large(length: usize, most: usize) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!("{length} bytes were given; the most is {most}: give them in parts"),
    )
}

/// Bytes that the library made.
#[derive(Debug)]
pub struct dl_buffer {
    bytes: Bytes,
}

impl Object for dl_buffer {
    const NAME: &'static str = "the buffer";
}

impl Boxed for dl_buffer {}

impl dl_buffer {
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into() }
    }
}

/// The bytes of a buffer. They live as long as it.
#[unsafe(no_mangle)]
pub extern "C" fn dl_buffer_bytes(buffer: *const dl_buffer) -> dl_bytes {
    answer(dl_bytes::EMPTY, || Ok(dl_bytes::of(&handle::borrow(buffer)?.bytes)))
}

/// Frees a buffer.
#[unsafe(no_mangle)]
pub extern "C" fn dl_buffer_free(buffer: *mut dl_buffer) {
    handle::free(buffer);
}
