//! Owns what a page of a login shows besides its form: who asks, for which organization, on whose invitation.
//! Never touches templates.

use super::discover::Candidate;
use crate::{
    connector::{Intent, Interaction, Presence, Refusal},
    id::{ConnectionId, ReferenceId, TransactionId},
    model::{Client, Connection, Invitation, Organization, OrganizationConnection, TenantSettings},
    oauth::{AuthorizeRequest, response::AuthorizeResponse},
    port::store::{Page, StoreError, UnitOfWork},
    secret::Secret,
};
use url::Url;

/// Who asks, for which organization, on whose invitation.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The application.
    pub client: Option<Client>,
    /// The organization, once it is known.
    pub organization: Option<Organization>,
    /// The invitation to be accepted.
    pub invitation: Option<Invitation>,
    /// Settings of the installation: branding where there is no organization, languages.
    pub settings: TenantSettings,
    /// The languages that were asked for.
    pub ui_locales: Vec<String>,
}

impl Scene {
    /// Read it for a request. A few look-ups by key.
    pub async fn load(unit: &mut dyn UnitOfWork, request: &AuthorizeRequest) -> Result<Self, StoreError> {
        let mut scene = Self {
            client: unit.clients().find(&request.client_id).await?,
            organization: None,
            invitation: None,
            settings: unit.tenant().settings().await?,
            ui_locales: request.ui_locales.clone(),
        };
        if let Some(id) = &request.organization {
            scene.organization = unit.organizations().find(id).await?;
            if let Some((invitation, _)) = &request.invitation {
                scene.invitation = unit.invitations().find(id, invitation).await?;
            }
        }
        Ok(scene)
    }

    /// What the visitor is about to do, as far as the request says.
    pub(super) fn intent(&self) -> Intent {
        match &self.invitation {
            Some(invitation) => Intent::Accept(invitation.invitee_email.clone()),
            None => Intent::SignIn,
        }
    }
}

/// The connections that are enabled for a request: the organization's, else the application's. At most 100.
pub(super) async fn enabled_connections(
    unit: &mut dyn UnitOfWork,
    request: &AuthorizeRequest,
) -> Result<Vec<(Connection, Option<OrganizationConnection>)>, StoreError> {
    let Some(organization) = &request.organization else {
        let of_client = unit.connections().of_client(&request.client_id).await?;
        return Ok(of_client.into_iter().map(|connection| (connection, None)).collect());
    };
    let places = unit.organizations().connections(organization, &Page::first(100)).await?;
    let ids: Vec<ConnectionId> = places.iter().map(|place| place.connection_id.clone()).collect();
    let connections = unit.connections().find_all(&ids).await?;
    let found = places.into_iter().filter_map(|place| {
        let connection = connections.iter().find(|connection| connection.id == place.connection_id)?.clone();
        Some((connection, Some(place)))
    });
    Ok(found.collect())
}

/// What the browser gets: what comes next, and cookies.
#[derive(Debug)]
pub struct Outcome {
    /// What comes next.
    pub next: Next,
    /// A new value for the cookie that ties logins to their browser.
    pub browser: Option<Secret>,
    /// A new value for the session's cookie.
    pub session: Option<Secret>,
}

impl From<Next> for Outcome {
    fn from(next: Next) -> Self {
        Self { next, browser: None, session: None }
    }
}

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// A page of ours, or a place elsewhere.
    Show(Box<Shown>),
    /// The application gets its answer.
    Respond(AuthorizeResponse),
    /// The login is over, and the application may not or need not be told.
    Stop(Box<Stopped>),
}

/// A page of a login.
#[derive(Debug)]
pub struct Shown {
    /// The login.
    pub transaction: TransactionId,
    /// Which page.
    pub view: View,
    /// What was refused just now.
    pub refusal: Option<Refusal>,
    /// The rest.
    pub scene: Scene,
}

/// Which page.
#[derive(Debug)]
pub enum View {
    /// Asks for the organization's name.
    Organization,
    /// Lets the visitor choose a connection.
    Choice {
        /// Those that are shown.
        choices: Vec<Choice>,
        /// Whether an identifier leads somewhere: to our own form, or to a place that claims its e-mail domain.
        by_identifier: bool,
        /// Where the first moves of all candidates may lead.
        destinations: Vec<Url>,
    },
    /// Tells that the organization's own sign-in comes next.
    Confirmation {
        /// The connection's name for people.
        connection: String,
        /// Where its first move may lead.
        destinations: Vec<Url>,
    },
    /// Asks somebody who began elsewhere whether to go on.
    Arrival {
        /// The connection's name for people.
        connection: String,
        /// Who they are there.
        who: String,
    },
    /// What a connector asks, and the way back to the choice, if there was one.
    Connector {
        /// What it asks.
        interaction: Interaction,
        /// The connection's name.
        connection: String,
        /// Whether there was a choice.
        may_go_back: bool,
        /// Whether the form may offer to make an account: the connector and the organization both say so.
        may_sign_up: bool,
    },
    /// Tells whoever signed up to look for mail; the same whether there was an account already (DB-03).
    SignedUp {
        /// The address that was typed.
        email: String,
    },
    /// Lets the user choose among their organizations.
    Picker(Vec<Organization>),
    /// A place elsewhere, where a rule or an action sends the browser.
    Away(Url),
}

/// A connection that can be chosen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Choice {
    /// Which.
    pub id: ConnectionId,
    /// Its name for people.
    pub title: String,
    /// Whether it is our own form, or a place elsewhere that has a button.
    pub presence: Presence,
}

impl View {
    /// The choice among these candidates.
    pub(super) fn choice(candidates: &[Candidate]) -> Self {
        let visible = candidates.iter().filter(|candidate| candidate.is_visible());
        let choices = visible.map(|candidate| Choice {
            id: candidate.connection.id.clone(),
            title: candidate.connection.title().to_owned(),
            presence: candidate.presence,
        });
        let by_identifier = candidates.iter().any(|candidate| {
            candidate.presence == Presence::Here
                || candidate.connection.options.get("domain_aliases").is_some()
        });
        let destinations = candidates.iter().flat_map(|candidate| candidate.destinations.clone()).collect();
        Self::Choice { choices: choices.collect(), by_identifier, destinations }
    }
}

/// A login that is over.
#[derive(Debug)]
pub struct Stopped {
    /// The HTTP status that fits.
    pub status: u16,
    /// The number that joins page and log.
    pub reference: ReferenceId,
    /// What the log calls it; never shown.
    pub reason: String,
    /// The rest, where it is known.
    pub scene: Option<Scene>,
    /// What an action wants the visitor to read.
    pub explanation: Option<String>,
}
