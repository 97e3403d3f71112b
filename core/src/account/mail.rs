//! Owns the messages about accounts as they are written to the outbox.
//! Never touches how they are rendered or sent.

use crate::{
    email::Email,
    entropy::Entropy,
    id::MailId,
    model::{Client, Connection, Organization, OutboxMail, OutboxState, User},
    time::Timestamp,
};
use serde_json::{Map, Value};
use url::Url;

/// What a message tells of.
#[derive(Clone, Debug)]
pub struct MailFacts<'f> {
    /// To whom.
    pub user: &'f User,
    /// In which connection.
    pub connection: &'f Connection,
    /// From which application.
    pub client: Option<&'f Client>,
    /// In whose branding.
    pub organization: Option<&'f Organization>,
    /// The link, if the message has one.
    pub url: Option<&'f Url>,
}

/// A message of this template to this stored address.
///
/// Its data: `email`, `name` where the profile has one, `connection`, `url`, `client`, `organization`; all of them texts.
pub fn account_mail(
    template: &str,
    to: &Email,
    facts: &MailFacts<'_>,
    at: Timestamp,
    entropy: &dyn Entropy,
) -> OutboxMail {
    let mut data = Map::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            data.insert(name.to_owned(), Value::from(value));
        }
    };
    put("email", Some(to.as_given()));
    put("name", facts.user.text("name"));
    put("connection", Some(facts.connection.title()));
    put("url", facts.url.map(Url::as_str));
    put("client", facts.client.map(|client| client.name.as_str()));
    put("organization", facts.organization.map(Organization::title));
    OutboxMail {
        id: MailId::next(entropy),
        to: to.as_given().to_owned(),
        template: template.to_owned(),
        organization_id: facts.organization.map(|organization| organization.id.clone()),
        data,
        state: OutboxState::Pending,
        attempts: 0,
        last_error: None,
        created_at: at,
        next_attempt_at: at,
    }
}
