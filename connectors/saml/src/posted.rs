//! Owns taking a message out of a form: base64 of a document of limited size (`security.md` §3.1.1).
//! Never touches the document.

use crate::{fault::Fault, reason::Reason};
use base64::{Engine, engine::general_purpose::STANDARD};

/// The most characters of base64.
const MAX_TEXT: usize = 384 << 10;
/// The most bytes of a document.
pub(crate) const MAX_DOCUMENT: usize = 256 << 10;

/// The document of a form's field. White space is what some identity providers break lines with; nothing else is let by.
pub fn document(field: &str) -> Result<Vec<u8>, Fault> {
    if field.len() > MAX_TEXT {
        return Err(Fault::new(Reason::TooLarge, MAX_DOCUMENT, field.len() / 4 * 3));
    }
    // Most do not break lines, and what is not broken need not be put together.
    let document = if field.bytes().any(|byte| byte.is_ascii_whitespace()) {
        STANDARD.decode(field.split_ascii_whitespace().collect::<String>())
    } else {
        STANDARD.decode(field)
    };
    let document = document.map_err(|_not_base64| Fault::from(Reason::Base64))?;
    if document.len() > MAX_DOCUMENT {
        return Err(Fault::new(Reason::TooLarge, MAX_DOCUMENT, document.len()));
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_base64_with_or_without_line_breaks() {
        assert_eq!(document("PGEv\r\nPg==\n").unwrap(), b"<a/>");
        for bad in ["PGEvPg", "PGEv*Pg==", "PGEvPg==PGEvPg==", "PGEv-_8=", "\u{0}PGEvPg=="] {
            assert_eq!(document(bad).unwrap_err().reason(), Reason::Base64, "{bad}");
        }
    }

    #[test]
    fn saml_51_what_is_too_large_is_not_looked_at() {
        let large = STANDARD.encode(vec![b' '; MAX_DOCUMENT + 1]);
        assert_eq!(document(&large).unwrap_err().reason(), Reason::TooLarge);
        assert_eq!(document(&"A".repeat(10 << 20)).unwrap_err().reason(), Reason::TooLarge);
        assert_eq!(document(&STANDARD.encode(vec![b' '; MAX_DOCUMENT])).unwrap().len(), MAX_DOCUMENT);
    }
}
