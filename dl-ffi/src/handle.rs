//! Objects that C holds by pointers: who owns them, and how a pointer becomes a reference.
//!
//! The header demands of the caller what no function here can check: that a pointer to an object comes from this library,
//! that the object was not freed, and that a result points to memory of its type. NULL is checked.

use std::sync::Arc;

use dl_core::{Error, ErrorKind, Result};

use crate::forks::Birth;

/// Something that C holds by a pointer.
pub(crate) trait Object {
    /// What errors call it.
    const NAME: &'static str;

    /// When it was made, if it reaches threads or descriptors: then a forked child must not use it.
    fn birth(&self) -> Option<Birth> {
        None
    }
}

/// An object in a box, which the caller owns.
pub(crate) trait Boxed: Object {}

/// An object of which the caller holds a share; calls in flight may hold others.
pub(crate) trait Shared: Object {}

/// Gives the caller an object.
pub(crate) fn give<T: Boxed>(object: T) -> *mut T {
    Box::into_raw(Box::new(object))
}

/// Gives the caller a share of an object.
pub(crate) fn give_share<T: Shared>(object: Arc<T>) -> *mut T {
    Arc::into_raw(object).cast_mut()
}

/// The object of the caller.
///
/// # Errors
/// `invalid-argument` for NULL; `closed` in a forked child, if the object is its parent's.
pub(crate) fn borrow<'a, T: Object>(pointer: *const T) -> Result<&'a T> {
    // SAFETY: by the rules of the header it is NULL or an object that lives until the call is over.
    let object = unsafe { pointer.as_ref() }.ok_or_else(|| null(T::NAME))?;
    object.birth().map_or(Ok(()), Birth::check)?;
    Ok(object)
}

/// The object of the caller, to be changed: options, which one thread uses at a time.
///
/// # Errors
/// `invalid-argument` for NULL.
pub(crate) fn borrow_mut<'a, T: Object>(pointer: *mut T) -> Result<&'a mut T> {
    // SAFETY: by the rules of the header it is NULL or an object that lives, and which no other call uses now.
    unsafe { pointer.as_mut() }.ok_or_else(|| null(T::NAME))
}

/// The object of the caller, or `None` for NULL.
pub(crate) fn borrow_or_null<'a, T: Object>(pointer: *const T) -> Result<Option<&'a T>> {
    if pointer.is_null() { Ok(None) } else { borrow(pointer).map(Some) }
}

/// Another share of the object of the caller.
///
/// # Errors
/// As [`borrow`].
pub(crate) fn share<T: Shared>(pointer: *const T) -> Result<Arc<T>> {
    borrow(pointer)?;
    // SAFETY: it is not NULL, so by the rules of the header it came from `give_share` and its share was not taken back;
    // the share counted here is the one answered.
    Ok(unsafe {
        Arc::increment_strong_count(pointer);
        Arc::from_raw(pointer)
    })
}

/// Takes an object back; `None` for NULL, and in a forked child for what is its parent's, which is left as it is.
pub(crate) fn take<T: Boxed>(pointer: *mut T) -> Option<Box<T>> {
    borrow(pointer).ok()?;
    // SAFETY: it is not NULL, so by the rules of the header it came from `give` and was not taken back before.
    Some(unsafe { Box::from_raw(pointer) })
}

/// Takes a share of an object back, as [`take`].
pub(crate) fn take_share<T: Shared>(pointer: *mut T) -> Option<Arc<T>> {
    borrow(pointer).ok()?;
    // SAFETY: it is not NULL, so by the rules of the header it came from `give_share` and was not taken back before.
    Some(unsafe { Arc::from_raw(pointer) })
}

/// Frees an object of the caller, on a runtime that it may need for that.
pub(crate) fn free<T: Boxed>(pointer: *mut T) {
    crate::boundary::answer((), || {
        let Some(object) = take(pointer) else { return Ok(()) };
        let _entered = object.birth().and_then(|_| crate::runtime::enter());
        drop(object);
        Ok(())
    });
}

/// Where a result goes.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// The place for a result that the caller has to want.
    ///
    /// # Errors
    /// `invalid-argument` for NULL.
    pub(crate) fn new(pointer: *mut T, name: &'static str) -> Result<Self> {
        if pointer.is_null() { Err(null(name)) } else { Ok(Self(pointer)) }
    }

    /// The place for a result that the caller may not want.
    pub(crate) fn optional(pointer: *mut T) -> Self {
        Self(pointer)
    }

    /// Whether the caller wants it.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.0.is_null()
    }

    /// The place so many further in an array.
    pub(crate) fn at(self, index: usize) -> Self {
        // By the rules of the header the array is that long; the pointer is not looked into before `put`.
        if self.0.is_null() { self } else { Self(self.0.wrapping_add(index)) }
    }

    /// Writes results into an array, for which by the rules of the header there is room.
    pub(crate) fn put_each(self, values: impl Iterator<Item = T>) {
        if self.0.is_null() {
            return;
        }
        for (index, value) in values.enumerate() {
            // SAFETY: the caller of this has no more values than the array has places, which may not be initialised.
            unsafe { self.0.wrapping_add(index).write(value) };
        }
    }

    /// Writes the result.
    pub(crate) fn put(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: by the rules of the header it points to memory for a T, which may not be initialised.
            unsafe { self.0.write(value) };
        }
    }
}

impl Out<u8> {
    /// Writes bytes, for which by the rules of the header there is room.
    pub(crate) fn put_all(self, bytes: &[u8]) {
        // SAFETY: the caller of this asked for no more bytes than the memory has, and nobody else has that memory.
        unsafe { self.0.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }
}

impl<T> Out<T> {
    /// Writes what a verb answers, unless it failed.
    ///
    /// # Errors
    /// What the verb failed with.
    pub(crate) fn fill(self, answer: Result<T>) -> Result<()> {
        self.put(answer?);
        Ok(())
    }
}

impl<T: Boxed> Out<*mut T> {
    /// Gives the caller the object that a verb answers, unless it failed.
    ///
    /// # Errors
    /// What the verb failed with.
    pub(crate) fn give(self, answer: Result<T>) -> Result<()> {
        self.put_object(answer?);
        Ok(())
    }

    /// Gives the caller an object as the result; drops it where the caller does not want it.
    pub(crate) fn put_object(self, object: T) {
        if self.is_wanted() {
            self.put(give(object));
        }
    }
}

/// The error for a pointer that may not be NULL.
#[cold]
pub(crate) fn null(name: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("NULL was given for {name}"))
}
