//! Owns what is kept of an identity provider's metadata in a connection's options (`published`), and how new metadata
//! changes it: old certificates overlap with new ones.
//! Never touches the network, and nothing in here is ever taken from an administrator.

use super::read::{IdentityProvider, Service};
use portico_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a certificate that is no longer published is still trusted: responses that are under way, and an identity
/// provider whose nodes do not all change at once.
pub(crate) const OVERLAP: Duration = Duration::from_hours(24);

/// What an identity provider published when it was last looked at.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Published {
    /// Its entity ID.
    pub(crate) entity_id: String,
    /// Where requests go.
    pub(crate) sign_in: Vec<PublishedService>,
    /// Where logout messages go.
    #[serde(default)]
    pub(crate) sign_out: Vec<PublishedService>,
    /// Whether it wants requests signed.
    #[serde(default)]
    pub(crate) wants_signed_requests: bool,
    /// Certificates that it may sign with.
    pub(crate) certificates: Vec<PublishedCertificate>,
    /// When the document counts no longer, by its own word (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) valid_until: Option<String>,
    /// Why it could not be read again, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    /// When it was last read with a change (RFC 3339).
    #[serde(default)]
    pub(crate) read_at: String,
}

/// An endpoint.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct PublishedService {
    /// The URI of its binding.
    pub(crate) binding: String,
    /// Where it is.
    pub(crate) location: String,
    /// Where answers go, when that is elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) response_location: Option<String>,
}

/// A certificate, and since when it is known.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct PublishedCertificate {
    /// In base64 of DER.
    pub(crate) cert: String,
    /// Its SHA-256, in hexadecimal digits.
    pub(crate) thumbprint: String,
    /// When it ends (RFC 3339).
    pub(crate) expires: String,
    /// When it was no longer published (RFC 3339): it is trusted for a day longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gone: Option<String>,
}

impl Published {
    /// What a document says that was read at this instant. Certificates that nobody should trust were taken out before.
    pub(crate) fn new(
        document: IdentityProvider,
        certificates: Vec<PublishedCertificate>,
        at: Timestamp,
    ) -> Self {
        let services = |all: Vec<Service>| {
            all.into_iter()
                .map(|service| PublishedService {
                    binding: service.binding.uri().to_owned(),
                    location: service.location,
                    response_location: service.response_location,
                })
                .collect()
        };
        Self {
            entity_id: document.entity_id,
            sign_in: services(document.sign_in),
            sign_out: services(document.sign_out),
            wants_signed_requests: document.wants_signed_requests,
            certificates,
            valid_until: document.valid_until.map(Timestamp::iso),
            problem: None,
            read_at: at.iso(),
        }
    }

    /// This after that: certificates that are gone overlap with the new ones.
    pub(crate) fn after(mut self, before: &Self, at: Timestamp) -> Self {
        for old in &before.certificates {
            if self.certificates.iter().any(|new| new.thumbprint == old.thumbprint) {
                continue;
            }
            let gone = old.gone.clone().unwrap_or_else(|| at.iso());
            let over = Timestamp::parse(&gone).is_none_or(|gone| at.since(gone) >= OVERLAP);
            if !over {
                self.certificates.push(PublishedCertificate { gone: Some(gone), ..old.clone() });
            }
        }
        self
    }

    /// Certificates that are trusted here and were not there, and the other way round, by thumbprint.
    pub(crate) fn difference(&self, before: &Self) -> (Vec<String>, Vec<String>) {
        let prints = |of: &Self| of.certificates.iter().map(|one| one.thumbprint.clone()).collect::<Vec<_>>();
        let (new, old) = (prints(self), prints(before));
        let missing = |from: &[String], of: &[String]| {
            of.iter().filter(|print| !from.contains(print)).cloned().collect::<Vec<_>>()
        };
        (missing(&old, &new), missing(&new, &old))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(prints: &[&str]) -> Published {
        let certificates = prints.iter().map(|print| PublishedCertificate {
            cert: (*print).to_owned(),
            thumbprint: (*print).to_owned(),
            expires: "2027-01-01T00:00:00.000Z".to_owned(),
            gone: None,
        });
        Published { certificates: certificates.collect(), ..Published::default() }
    }

    fn prints(of: &Published) -> Vec<&str> {
        of.certificates.iter().map(|one| one.thumbprint.as_str()).collect()
    }

    #[test]
    fn an_old_certificate_overlaps_with_the_new_one_for_a_day() {
        let at = Timestamp(1_795_521_600_000);
        let before = published(&["old"]);
        let rotated = published(&["new"]).after(&before, at);
        assert_eq!(prints(&rotated), ["new", "old"]);
        assert_eq!(rotated.difference(&before), (vec!["new".to_owned()], vec![]));
        let later = published(&["new"]).after(&rotated, at.plus(OVERLAP / 2));
        assert_eq!(prints(&later), ["new", "old"]);
        let over = published(&["new"]).after(&later, at.plus(OVERLAP));
        assert_eq!(prints(&over), ["new"]);
        assert_eq!(over.difference(&later), (vec![], vec!["old".to_owned()]));
    }

    #[test]
    fn a_certificate_that_is_published_again_is_not_gone() {
        let at = Timestamp(1_795_521_600_000);
        let gone = published(&["b"]).after(&published(&["a"]), at);
        let back = published(&["a", "b"]).after(&gone, at.plus(OVERLAP / 2));
        assert!(back.certificates.iter().all(|one| one.gone.is_none()));
    }
}
