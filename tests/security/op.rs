//! Owns the cases of the OpenID provider's token side (`security.md` §1.3): codes, tokens, keys, logout.
//! Never touches `/authorize`: its cases are journeys.

mod clients;
mod codes;
mod keys;
mod logout;
mod refresh;
mod stage;

const INVALID_CODE: (u16, &str, &str) = (403, "invalid_grant", "Invalid authorization code");
const INVALID_VERIFIER: (u16, &str, &str) = (403, "invalid_grant", "Failed to verify code verifier");
const INVALID_REFRESH: (u16, &str, &str) = (403, "invalid_grant", "Unknown or invalid refresh token.");
const UNAUTHORIZED: (u16, &str, &str) = (401, "access_denied", "Unauthorized");

/// Whether a refusal has this status, code and description.
fn is(answer: &stage::Answer, expected: (u16, &str, &str)) {
    let (status, code, description) = answer.refusal();
    assert_eq!((status, code.as_str(), description.as_str()), expected);
}
