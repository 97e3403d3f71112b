//! Owns which connections a login may go through: invitation, then organization, then e-mail domain, then application.
//! Never touches the store: what there is comes in, what may be used goes out.

use crate::{
    connector::Presence,
    email::Email,
    id::ConnectionId,
    model::{Connection, OrganizationConnection},
};
use serde_json::Value;
use url::Url;

/// A connection that is enabled for the organization, or for the application where there is none.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The connection.
    pub connection: Connection,
    /// The organization's place for it.
    pub organization: Option<OrganizationConnection>,
    /// Where people sign in through it.
    pub presence: Presence,
    /// Where its first move may lead.
    pub destinations: Vec<Url>,
}

impl Candidate {
    /// Whether the page that lets the visitor choose shows it. Our own form always can be shown; a place elsewhere has
    /// a button if the organization wants one (contract §3.3).
    pub fn is_visible(&self) -> bool {
        self.presence == Presence::Here
            || self.organization.as_ref().is_none_or(|organization| organization.show_as_button)
    }

    /// Whether this domain's addresses belong to it (`options.domain_aliases`).
    pub fn claims(&self, domain: &str) -> bool {
        let aliases = self.connection.options.get("domain_aliases").and_then(Value::as_array);
        aliases
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .any(|alias| alias.eq_ignore_ascii_case(domain))
    }
}

/// Why there is no way in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoConnection {
    /// The connection that was named is not enabled here (ORG-05, ORG-11).
    #[error("the connection is not enabled for the organization or the application")]
    NotEnabled,
    /// The invitation's connection is not enabled any more (INV-06).
    #[error("the invitation's connection is not enabled for the organization")]
    InvitationConnectionNotEnabled,
    /// None is enabled.
    #[error("no connections enabled for the organization or the application")]
    None,
    /// All that are enabled are hidden (contract §3.3).
    #[error("no connections enabled for the organization are visible")]
    NoneVisible,
}

/// The candidates of a login, in order: what was named, else all that are enabled.
///
/// An invitation that names a connection admits no other; a request that names one neither. Without either, one that
/// is hidden can still be reached by its e-mail domain, so it stays a candidate as long as something is visible.
pub fn discover(
    enabled: Vec<Candidate>,
    invited_through: Option<&ConnectionId>,
    named: Option<&str>,
    invited: bool,
) -> Result<Vec<Candidate>, NoConnection> {
    let candidates: Vec<_> = enabled
        .into_iter()
        .filter(|candidate| {
            candidate.organization.as_ref().is_none_or(|organization| organization.is_enabled)
        })
        .collect();
    if let Some(id) = invited_through {
        let mut only = candidates;
        only.retain(|candidate| &candidate.connection.id == id);
        only.retain(|candidate| named.is_none_or(|name| candidate.connection.name == name));
        return if only.is_empty() { Err(NoConnection::InvitationConnectionNotEnabled) } else { Ok(only) };
    }
    if let Some(name) = named {
        let mut only = candidates;
        only.retain(|candidate| candidate.connection.name == name);
        return if only.is_empty() { Err(NoConnection::NotEnabled) } else { Ok(only) };
    }
    if candidates.is_empty() {
        return Err(NoConnection::None);
    }
    let reachable = candidates.iter().any(|candidate| {
        candidate.is_visible()
            || candidate.connection.options.get("domain_aliases").is_some_and(Value::is_array)
    });
    if invited || reachable { Ok(candidates) } else { Err(NoConnection::NoneVisible) }
}

/// The candidate that an identifier belongs to (home realm discovery): the one that claims its e-mail domain, else our
/// own form.
pub fn by_identifier<'a>(candidates: &'a [Candidate], identifier: &str) -> Option<&'a Candidate> {
    let domain = Email::parse(identifier).ok();
    let domain = domain.as_ref().map(Email::domain);
    let claimed = domain.and_then(|domain| candidates.iter().find(|candidate| candidate.claims(domain)));
    claimed.or_else(|| candidates.iter().find(|candidate| candidate.presence == Presence::Here))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{connection, organization_connection};
    use serde_json::json;

    fn candidate(name: &str, presence: Presence, options: Value) -> Candidate {
        let id = ConnectionId::parse(format!("con_{name}")).unwrap();
        Candidate {
            connection: Connection { id: id.clone(), name: name.to_owned(), options, ..connection() },
            organization: Some(OrganizationConnection { connection_id: id, ..organization_connection() }),
            presence,
            destinations: Vec::new(),
        }
    }

    fn names(found: Result<Vec<Candidate>, NoConnection>) -> Result<Vec<String>, NoConnection> {
        found.map(|all| all.into_iter().map(|candidate| candidate.connection.name).collect())
    }

    #[test]
    fn inv_06_an_invitation_admits_its_own_connection_alone() {
        let all = || {
            vec![candidate("db", Presence::Here, json!({})), candidate("idp", Presence::Elsewhere, json!({}))]
        };
        let db = ConnectionId::parse("con_db").unwrap();
        assert_eq!(names(discover(all(), Some(&db), None, true)), Ok(vec!["db".to_owned()]));
        assert_eq!(
            names(discover(all(), Some(&db), Some("idp"), true)),
            Err(NoConnection::InvitationConnectionNotEnabled)
        );
        let gone = ConnectionId::parse("con_gone").unwrap();
        assert_eq!(
            names(discover(all(), Some(&gone), None, true)),
            Err(NoConnection::InvitationConnectionNotEnabled)
        );
    }

    #[test]
    fn org_05_a_connection_of_another_organization_cannot_be_named() {
        let own = vec![candidate("db", Presence::Here, json!({}))];
        assert_eq!(names(discover(own.clone(), None, Some("db"), false)), Ok(vec!["db".to_owned()]));
        assert_eq!(names(discover(own, None, Some("other"), false)), Err(NoConnection::NotEnabled));
    }

    #[test]
    fn hidden_connections_are_found_by_domain_alone() {
        let mut hidden = candidate("idp", Presence::Elsewhere, json!({}));
        hidden.organization.as_mut().unwrap().show_as_button = false;
        assert_eq!(names(discover(vec![hidden.clone()], None, None, false)), Err(NoConnection::NoneVisible));
        hidden.connection.options = json!({"domain_aliases": ["bank.test"]});
        assert_eq!(names(discover(vec![hidden.clone()], None, None, false)), Ok(vec!["idp".to_owned()]));
        let all = [candidate("db", Presence::Here, json!({})), hidden];
        assert_eq!(by_identifier(&all, "amy@BANK.test").unwrap().connection.name, "idp");
        assert_eq!(by_identifier(&all, "amy@other.test").unwrap().connection.name, "db");
        assert_eq!(by_identifier(&all, "amy").unwrap().connection.name, "db");
        assert!(by_identifier(&all[1..], "amy@other.test").is_none());
    }
}
