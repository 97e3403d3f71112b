//! Owns the one call into the XML signature library by which documents of others are verified.
//! Never touches which documents these are: the gate stands before it.
//!
//! The call goes to `native/verify.c`, which parses strictly and verifies with a key that was read before: reading it from
//! its certificate takes the library as long as everything else.

#![expect(unsafe_code, reason = "the library has a C interface only")]

use foreign_types_shared::ForeignTypeRef;
use openssl::pkey::{PKeyRef, Public};
use std::{
    ffi::{CString, c_char, c_int, c_void},
    ptr, slice,
};

/// Bytes that the library made.
#[repr(C)]
struct Bytes {
    start: *mut u8,
    length: usize,
}

unsafe extern "C" {
    fn portico_verify(
        document: *const c_char,
        length: c_int,
        key: *mut c_void,
        uri: *const c_char,
        digested: *mut Bytes,
    ) -> c_int;
    fn portico_release(start: *mut u8);
}

/// Verify **all** signatures of a document with a key, and give the bytes that the signature of the element with this ID
/// covers. None: one of them is wrong, there is none of that element, or the document is not well-formed.
///
/// Only [`harden`](super::harden) makes this safe to call, which the callers see to.
pub(crate) fn covered(document: &str, key: &PKeyRef<Public>, id: &str) -> Option<String> {
    let length = c_int::try_from(document.len()).ok()?;
    let uri = CString::new(format!("#{id}")).ok()?;
    let mut digested = Bytes { start: ptr::null_mut(), length: 0 };
    // SAFETY: the document has `length` bytes, the URI ends with a zero byte, and both outlive the call, which keeps
    // neither. The key is OpenSSL's own and outlives the call too: what the library keeps for its time, it counts.
    // `digested` is a structure as C lays it out.
    let is_good = unsafe {
        portico_verify(document.as_ptr().cast(), length, key.as_ptr().cast(), uri.as_ptr(), &raw mut digested)
    } == 1;
    if !is_good {
        return None;
    }
    // SAFETY: the call said that it allocated `length` initialised bytes, of which there is one at least, and nobody
    // else has them.
    let bytes = unsafe { slice::from_raw_parts(digested.start, digested.length) }.to_vec();
    // SAFETY: they were allocated by the library that releases them, and are not used any more.
    unsafe { portico_release(digested.start) };
    String::from_utf8(bytes).ok()
}
