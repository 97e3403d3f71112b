//! Owns Proof Key for Code Exchange: does the verifier fit the challenge? (RFC 7636 §4.6)
//! Never touches who must use it: that is the authorization request's (`authorize.rs`).

use super::error::Refusal;
use crate::{model::CodeChallenge, secret::Secret};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// A challenge needs its verifier, and a verifier needs its challenge: a code cannot be moved to an exchange with fewer
/// checks, whichever side leaves them out (OP-08, OP-09; RFC 9700 §4.8).
pub(super) fn verify(challenge: Option<&CodeChallenge>, verifier: Option<&str>) -> Result<(), Refusal> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(Refusal::invalid_verifier("verifier_missing")),
        (None, Some(_)) => Err(Refusal::invalid_verifier("challenge_missing")),
        (Some(CodeChallenge::S256(challenge)), Some(verifier)) => {
            if !is_verifier(verifier) {
                return Err(Refusal::invalid_verifier("verifier_malformed"));
            }
            let computed = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
            if Secret::new(computed).matches(&Secret::new(challenge.as_str())) {
                Ok(())
            } else {
                Err(Refusal::invalid_verifier("verifier_wrong"))
            }
        }
    }
}

/// 43 to 128 unreserved characters (RFC 7636 §4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636, Appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn reason(challenge: Option<&str>, verifier: Option<&str>) -> Option<&'static str> {
        let challenge = challenge.map(|text| CodeChallenge::S256(text.to_owned()));
        verify(challenge.as_ref(), verifier).err().map(|refusal| refusal.reason())
    }

    #[test]
    fn op_08_only_the_right_verifier_fits() {
        assert_eq!(reason(Some(CHALLENGE), Some(VERIFIER)), None);
        assert_eq!(reason(None, None), None);
        let other = VERIFIER.replace('d', "e");
        assert_eq!(reason(Some(CHALLENGE), Some(&other)), Some("verifier_wrong"));
        assert_eq!(
            reason(Some(CHALLENGE), Some(CHALLENGE)),
            Some("verifier_wrong"),
            "`plain` does not exist"
        );
        for malformed in
            [&VERIFIER[1..], &"a".repeat(129), &format!("{VERIFIER} "), &VERIFIER.replace('-', "+")]
        {
            assert_eq!(reason(Some(CHALLENGE), Some(malformed)), Some("verifier_malformed"), "{malformed}");
        }
    }

    #[test]
    fn op_09_neither_side_can_be_left_out() {
        assert_eq!(reason(Some(CHALLENGE), None), Some("verifier_missing"));
        assert_eq!(reason(None, Some(VERIFIER)), Some("challenge_missing"));
    }
}
