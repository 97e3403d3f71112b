//! Owns the port of outgoing HTTP.
//! Never touches a socket: time-outs, size limits, redirects and private addresses are its adapter's (`security.md` §3.7).

use super::BoxError;
use async_trait::async_trait;
use bytes::Bytes;

/// The only way out.
///
/// The adapter speaks https (http only to hosts the operator lists), follows no redirect, connects to the address it
/// vetted, and gives up after its time and size limits.
#[async_trait]
pub trait HttpClient: Send + Sync {
    /// Send one request and read the whole answer, whatever its status.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError>;
}

/// Why there is no answer. The texts are for the log: no visitor and no script sees which of them it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The egress policy does not let it out.
    #[error("`{url}` may not be reached: {reason}")]
    Refused {
        /// Where it would have gone.
        url: String,
        /// The rule that it breaks, and what an operator may do.
        reason: String,
    },
    /// The answer is larger than it may be.
    #[error("the answer of `{0}` is larger than it may be")]
    TooLarge(String),
    /// It took too long.
    #[error("`{0}` did not answer in time")]
    TimedOut(String),
    /// The other side cannot be reached or does not speak HTTP.
    #[error("`{url}` cannot be reached")]
    Unreachable {
        /// Where it went.
        url: String,
        /// What the transport said.
        #[source]
        cause: BoxError,
    },
}
