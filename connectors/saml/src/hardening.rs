//! Owns how the XML signature library is called: what it may do in this process, with the self-test that shows that this
//! took effect, and the one call that verifies. The only `unsafe` of the project.
//! Never touches which documents are verified: the gate stands before `covered`.
//!
//! xmlsec offers far more than signatures of SAML need, to anybody who can send a document, before a signature is
//! verified: it fetches `http://` and `file://` references, and runs XPath and XSLT (security.md F2, F3). Its settings
//! are global and have no safe interface, so that they are made here, once, before the first foreign document.
//!
//! Nothing else in the process may use the library while this runs: [`harden`] comes first, on the main thread. What
//! verifies goes to `native/verify.c`, which parses strictly and takes a key that was read before: reading it from its
//! certificate takes the library as long as everything else.

#![expect(unsafe_code, reason = "the library has a C interface only")]

use foreign_types_shared::ForeignTypeRef;
use openssl::{
    pkey::{PKeyRef, Public},
    x509::X509,
};
use samael::crypto::{CertificateDer, Crypto, CryptoProvider, ReduceMode};
use std::{
    ffi::{CString, c_char, c_int, c_void},
    net::{Ipv4Addr, TcpListener},
    ptr, slice,
    sync::OnceLock,
};

/// With its feature `xmlsec` off, samael's `Crypto` verifies nothing and accepts everything. Then this does not compile.
const _: Crypto = samael::crypto::XmlSec;

/// Why the process must not judge any document.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Hole {
    /// The library could not be set up.
    #[error("the XML signature library could not be set up")]
    Setup,
    /// A signature as it should be is not accepted: nobody could sign in.
    #[error("the XML signature library refuses a good signature")]
    Refuses,
    /// The named canary got through.
    #[error("the XML signature library lets `{0}` through")]
    LetsThrough(&'static str),
}

/// Set the library up, and see that it took effect. The server calls this first of all and does not start if there is a
/// hole; every judgement asks it again, which costs nothing.
pub fn harden() -> Result<(), Hole> {
    static DONE: OnceLock<Result<(), Hole>> = OnceLock::new();
    DONE.get_or_init(|| {
        // samael initialises libxml2 and xmlsec at its first verification.
        if !accepts(PLAIN) {
            return Err(Hole::Refuses);
        }
        restrict()?;
        self_test()
    })
    .clone()
}

const CERTIFICATE: &str = include_str!("canary/certificate.pem");
/// Signed as it should be.
const PLAIN: &str = include_str!("canary/plain.xml");
/// Each is signed correctly with something that must not work, so that only its absence refuses it.
const CANARIES: [(&str, &str); 4] = [
    ("xpath", include_str!("canary/xpath.xml")),
    ("xslt", include_str!("canary/xslt.xml")),
    ("sha1", include_str!("canary/sha1.xml")),
    ("file", include_str!("canary/file.xml")),
];

/// The library alone is tested, without the gate in front and without samael's own list of algorithms; and then the way
/// that documents go, which is narrower still.
fn self_test() -> Result<(), Hole> {
    if !accepts(PLAIN) || !verifies(PLAIN) {
        return Err(Hole::Refuses);
    }
    if let Some((name, _)) = CANARIES.iter().find(|(_, canary)| accepts(canary) || verifies(canary)) {
        return Err(Hole::LetsThrough(name));
    }
    // A reference is fetched before the signature is looked at: whether somebody called is what counts.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|_no_loopback| Hole::Setup)?;
    listener.set_nonblocking(true).map_err(|_no_loopback| Hole::Setup)?;
    let address = listener.local_addr().map_err(|_no_loopback| Hole::Setup)?;
    let fetching = PLAIN.replace("#_canary", &format!("http://{address}/"));
    if accepts(&fetching) || verifies(&fetching) || listener.accept().is_ok() {
        return Err(Hole::LetsThrough("http"));
    }
    Ok(())
}

/// Whether a canary verifies as documents of others do.
fn verifies(canary: &str) -> bool {
    let key = X509::from_pem(CERTIFICATE.as_bytes()).and_then(|read| read.public_key());
    key.is_ok_and(|key| covered(canary, &key, "_canary").is_some())
}

fn accepts(canary: &str) -> bool {
    let Ok(certificate) = X509::from_pem(CERTIFICATE.as_bytes()).and_then(|read| read.to_der()) else {
        return false;
    };
    let keys = [CertificateDer::from(certificate)];
    Crypto::reduce_xml_to_signed(canary, &keys, ReduceMode::PreDigest).is_ok()
}

/// A class of transforms, an algorithm to xmlsec.
type Class = *const c_void;

#[link(name = "xmlsec1")]
unsafe extern "C" {
    fn xmlSecIOCleanupCallbacks();
    fn xmlSecTransformIdsGet() -> *mut c_void;
    fn xmlSecPtrListEmpty(list: *mut c_void);
    fn xmlSecTransformIdsRegister(class: Class) -> c_int;
    fn xmlSecErrorsSetCallback(callback: Option<Report>);
    fn xmlSecTransformEnvelopedGetKlass() -> Class;
    fn xmlSecTransformExclC14NGetKlass() -> Class;
    fn xmlSecTransformInclC14NGetKlass() -> Class;
}

#[link(name = "xmlsec1-openssl")]
unsafe extern "C" {
    fn xmlSecOpenSSLTransformRsaSha256GetKlass() -> Class;
    fn xmlSecOpenSSLTransformRsaSha384GetKlass() -> Class;
    fn xmlSecOpenSSLTransformRsaSha512GetKlass() -> Class;
    fn xmlSecOpenSSLTransformEcdsaSha256GetKlass() -> Class;
    fn xmlSecOpenSSLTransformEcdsaSha384GetKlass() -> Class;
    fn xmlSecOpenSSLTransformEcdsaSha512GetKlass() -> Class;
    fn xmlSecOpenSSLTransformSha256GetKlass() -> Class;
    fn xmlSecOpenSSLTransformSha384GetKlass() -> Class;
    fn xmlSecOpenSSLTransformSha512GetKlass() -> Class;
}

/// How xmlsec reports an error: file, line, function, object, subject, reason, message.
type Report = unsafe extern "C" fn(
    *const c_char,
    c_int,
    *const c_char,
    *const c_char,
    *const c_char,
    c_int,
    *const c_char,
);

/// Says nothing: by itself xmlsec writes to standard error whatever a stranger sends.
unsafe extern "C" fn silence(
    _file: *const c_char,
    _line: c_int,
    _function: *const c_char,
    _object: *const c_char,
    _subject: *const c_char,
    _reason: c_int,
    _message: *const c_char,
) {
}

/// Take everything away, and give back what signatures of SAML need.
fn restrict() -> Result<(), Hole> {
    // SAFETY: xmlsec is initialised, since it verified a document; no other thread is in it, since this runs once,
    // before any judgement. The functions take no pointers but the library's own: its list of transforms, which is
    // there from initialisation to the end of the process, and classes, which are constants. The callback is a function
    // of the type that the header declares and keeps no state.
    unsafe {
        xmlSecErrorsSetCallback(Some(silence));
        xmlSecIOCleanupCallbacks();
        xmlSecPtrListEmpty(xmlSecTransformIdsGet());
        let classes = [
            xmlSecTransformEnvelopedGetKlass(),
            xmlSecTransformExclC14NGetKlass(),
            xmlSecTransformInclC14NGetKlass(),
            xmlSecOpenSSLTransformRsaSha256GetKlass(),
            xmlSecOpenSSLTransformRsaSha384GetKlass(),
            xmlSecOpenSSLTransformRsaSha512GetKlass(),
            xmlSecOpenSSLTransformEcdsaSha256GetKlass(),
            xmlSecOpenSSLTransformEcdsaSha384GetKlass(),
            xmlSecOpenSSLTransformEcdsaSha512GetKlass(),
            xmlSecOpenSSLTransformSha256GetKlass(),
            xmlSecOpenSSLTransformSha384GetKlass(),
            xmlSecOpenSSLTransformSha512GetKlass(),
        ];
        let is_set = classes.iter().all(|class| !class.is_null() && xmlSecTransformIdsRegister(*class) == 0);
        if is_set { Ok(()) } else { Err(Hole::Setup) }
    }
}

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
/// Only [`harden`] makes this safe to call, which the callers see to.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `make memory` runs this under valgrind: every way into and out of the library, for what is read or kept too long.
    #[test]
    fn memory_only_the_signed_element_comes_out_whatever_happens_to_the_document() {
        harden().unwrap();
        let key = X509::from_pem(CERTIFICATE.as_bytes()).unwrap().public_key().unwrap();
        let signed = covered(PLAIN, &key, "_canary").unwrap();
        let stranger = openssl::rsa::Rsa::generate(2048).unwrap();
        let stranger = openssl::rsa::Rsa::from_public_components(
            stranger.n().to_owned().unwrap(),
            stranger.e().to_owned().unwrap(),
        );
        let stranger = openssl::pkey::PKey::from_rsa(stranger.unwrap()).unwrap();
        assert_eq!(covered(PLAIN, &stranger, "_canary"), None, "another key");
        assert_eq!(covered(PLAIN, &key, "_other"), None, "another element");
        assert_eq!(covered("", &key, "_canary"), None, "nothing");
        for at in (0..PLAIN.len()).step_by(41).filter(|at| PLAIN.is_char_boundary(*at)) {
            let (before, after) = PLAIN.split_at(at);
            let mut altered = vec![format!("{before}\u{fffd}{after}"), format!("{before}<a/>{after}")];
            altered.extend((!after.trim().is_empty()).then(|| before.to_owned()));
            altered.push(format!("{before}{}", after.get(1..).unwrap_or_default()));
            for document in altered {
                let came = covered(&document, &key, "_canary");
                assert!(came.is_none() || came.as_ref() == Some(&signed), "at {at}: {document}");
            }
        }
        let (start, end) = (PLAIN.find("<ds:Signature").unwrap(), PLAIN.find("</ds:Signature>").unwrap());
        let signature = &PLAIN[start..end + "</ds:Signature>".len()];
        let twice = PLAIN.replace(signature, &signature.repeat(2));
        assert_eq!(covered(&twice, &key, "_canary"), None, "two signatures of one element");
    }
}
