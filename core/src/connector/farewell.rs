//! Owns what the other side says about ended sessions, as it comes in and as a connector understands it.
//! Never touches sessions: the router ends them.

use super::{Interaction, Once, Reply};
use url::form_urlencoded;

/// A message about ended sessions, as it came: signatures cover queries octet by octet.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// The query as it was sent.
    pub query: Option<String>,
    /// What was posted.
    pub form: Reply,
}

impl Delivery {
    /// What we gave the browser to bring back, if it brought it.
    pub fn relay_state(&self) -> Option<String> {
        let in_query = self.query.iter().flat_map(|query| form_urlencoded::parse(query.as_bytes()));
        let mut found =
            in_query.filter(|(name, _)| name == "RelayState").map(|(_, value)| value.into_owned());
        found.next().or_else(|| self.form.get("RelayState").map(str::to_owned))
    }
}

/// What it says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Farewell {
    /// Sessions ended there and have to end here.
    Ended {
        /// Whom the other side calls so ([`Evidence::name`](super::Evidence::name)).
        name: String,
        /// Which of their sessions ([`Evidence::session_index`](super::Evidence::session_index)); all, when empty.
        session_indexes: Vec<String>,
        /// What makes the message unusable once it was used: it travels through the browser.
        once: Once,
        /// Where the browser goes with our answer; none where nobody waits for one.
        answer: Option<Box<Interaction>>,
    },
    /// The other side answers what we told it.
    Answered {
        /// Whether their session ended.
        is_success: bool,
    },
}
