//! Positions.

use std::ffi::c_char;

use dl_core::{Dlsn, Error, ErrorKind, Result};

use crate::boundary::{answer, boundary};
use crate::error::dl_error;
use crate::handle::Out;
use crate::text;

/// The position of a record in its log: unique, and increasing in append order.
///
/// Its text form is `segment:entry:slot`, such as `3:120:0`. Compare with dl_dlsn_compare.
///
/// No record has a negative part. They are taken all the same, as bounds: DistributedLog stores `0:-1:-1` where it has no position,
/// and `1:0:-1` is in front of every record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(C)]
pub struct dl_dlsn {
    /// The number of the segment, from 1.
    pub segment: i64,
    /// The entry in the segment, from 0.
    pub entry: i64,
    /// The slot in the entry, from 0.
    pub slot: i64,
}

impl From<Dlsn> for dl_dlsn {
    fn from(dlsn: Dlsn) -> Self {
        Self { segment: dlsn.segment(), entry: dlsn.entry(), slot: dlsn.slot() }
    }
}

impl From<dl_dlsn> for Dlsn {
    fn from(dlsn: dl_dlsn) -> Self {
        Self::new(dlsn.segment, dlsn.entry, dlsn.slot)
    }
}

/// Compares two positions: below 0 if `a` comes first, above 0 if `b` does, 0 if they are the same.
#[unsafe(no_mangle)]
pub extern "C" fn dl_dlsn_compare(a: dl_dlsn, b: dl_dlsn) -> i32 {
    answer(0, || Ok(a.cmp(&b) as i32))
}

/// The least position behind this one.
#[unsafe(no_mangle)]
pub extern "C" fn dl_dlsn_next(dlsn: dl_dlsn) -> dl_dlsn {
    answer(dlsn, || Ok(Dlsn::from(dlsn).next().into()))
}

/// Reads the text form of a position.
///
/// Errors: invalid-argument for any other text.
#[unsafe(no_mangle)]
pub extern "C" fn dl_dlsn_parse(text: *const c_char, dlsn: *mut dl_dlsn) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(dlsn, "dlsn")?;
        out.put(text::read(text, "text")?.parse::<Dlsn>()?.into());
        Ok(())
    })
}

/// Writes the text form of a position and a NUL into a buffer. DISTLOG_DLSN_TEXT_BYTES are always enough.
///
/// Errors: too-large if the buffer is too small, and nothing is written.
#[unsafe(no_mangle)]
pub extern "C" fn dl_dlsn_format(dlsn: dl_dlsn, buffer: *mut c_char, bytes: usize) -> *mut dl_error {
    boundary(|| {
        Out::new(buffer, "buffer")?;
        write(&text::to_c(&Dlsn::from(dlsn).to_string()).into_bytes_with_nul(), buffer, bytes)
    })
}

/// The position of the caller, or `None` for NULL.
pub(crate) fn read_or_null(pointer: *const dl_dlsn) -> Option<Dlsn> {
    // SAFETY: by the rules of the header it is NULL or a position.
    unsafe { pointer.as_ref() }.map(|dlsn| (*dlsn).into())
}

fn write(text: &[u8], buffer: *mut c_char, bytes: usize) -> Result<()> {
    if text.len() > bytes {
        let message = format!("the text takes {} bytes with its NUL; the buffer has {bytes}", text.len());
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    // SAFETY: the buffer is not NULL, by the rules of the header it has so many bytes, and it is not the text just made.
    unsafe { buffer.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len()) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::DISTLOG_DLSN_TEXT_BYTES;

    #[test]
    fn the_longest_text_fits() {
        let longest = Dlsn::new(i64::MIN, i64::MIN, i64::MIN).to_string();
        assert!(longest.len() < DISTLOG_DLSN_TEXT_BYTES);
    }
}
