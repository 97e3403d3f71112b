//! Owns the way from raw parameters to an [`AuthorizeRequest`]: everything is looked up and checked, in an order in which
//! no redirect can happen before client and redirect URI are known to belong together (RFC 9700 §4.11.2, OP-03).
//! Never touches sessions or logins.

use super::{
    AuthorizeRequest, PromptValue, ResponseMode,
    redirect::{self, RedirectFault},
    response::ResponseTarget,
};
use crate::{
    connector::Reply,
    id::{ClientId, InvitationId, OrganizationId},
    login::scene::Scene,
    model::{
        Client, CodeChallenge, Invitation, Organization, OrganizationName, OrganizationUsage,
        RequireBehavior, ResourceServer, TenantSettings, TicketSource,
    },
    port::store::{Store, StoreError, UnitOfWork},
    secret::TokenHash,
    time::Timestamp,
};

/// Scopes of OpenID Connect that every client may ask for (OIDC Core §5.4, §11).
pub const OIDC_SCOPES: &[&str] = &["openid", "profile", "email", "address", "phone", "offline_access"];

/// Why there is no login.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizeFault {
    /// There is no such client: a page, no redirect.
    #[error("unknown client: `{0}`")]
    UnknownClient(String),
    /// The redirect URI is not the client's: a page, no redirect.
    #[error("redirect address refused: {1:?}")]
    Redirect(Box<Client>, RedirectFault),
    /// A parameter that was needed to get there is missing: a page, no redirect.
    #[error("parameter `{0}` is missing")]
    Missing(&'static str),
    /// The application is told.
    #[error("{error}: {description}")]
    Answer {
        /// Where and how.
        target: ResponseTarget,
        /// The client.
        client: Box<Client>,
        /// The code (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6).
        error: &'static str,
        /// What is wrong.
        description: String,
        /// Whether somebody may be guessing tickets.
        guess: bool,
    },
    /// Too many tickets were tried from there (INV-01).
    #[error("too many invitation tickets were tried")]
    TooManyTickets,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A request that is good, and what was read to find that out.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The request.
    pub request: AuthorizeRequest,
    /// Who asks, for which organization, on whose invitation.
    pub scene: Scene,
}

/// Check a request (contract §1.2). One read of the store.
pub async fn accept(
    store: &dyn Store,
    now: Timestamp,
    parameters: &Reply,
) -> Result<Accepted, AuthorizeFault> {
    let found = store.read(|unit| Box::pin(look_up(unit, parameters))).await?;
    let Some(client) = &found.client else {
        return Err(match parameters.get("client_id") {
            Some(id) => AuthorizeFault::UnknownClient(id.to_owned()),
            None => AuthorizeFault::Missing("client_id"),
        });
    };
    let redirect = redirect::accept(client, parameters.get("redirect_uri"))
        .map_err(|fault| AuthorizeFault::Redirect(Box::new(client.clone()), fault))?;
    let mode = response_mode(parameters, client, &redirect.uri);
    let target = ResponseTarget {
        redirect_uri: redirect.uri.clone(),
        mode: mode.unwrap_or(ResponseMode::Query),
        state: parameters.get("state").map(str::to_owned),
    };
    match found.check(parameters, now, &target, mode) {
        Ok(request) => {
            let request = AuthorizeRequest { redirect_uri_given: redirect.given, ..request };
            let scene = found.scene(&request);
            Ok(Accepted { request, scene })
        }
        Err(problem) => Err(AuthorizeFault::Answer {
            target,
            client: Box::new(client.clone()),
            error: problem.error,
            description: problem.description,
            guess: problem.guess,
        }),
    }
}

/// What the store says about what a request names.
#[derive(Debug, Default)]
struct Found {
    client: Option<Client>,
    settings: TenantSettings,
    organization: Option<(Organization, ByName)>,
    invitation: Option<(Invitation, TicketSource)>,
    audience: Option<ResourceServer>,
}

type ByName = bool;

async fn look_up(unit: &mut (dyn UnitOfWork + '_), parameters: &Reply) -> Result<Found, StoreError> {
    let mut found = Found { settings: unit.tenant().settings().await?, ..Found::default() };
    if let Some(id) = parameters.get("client_id").and_then(|text| ClientId::parse(text).ok()) {
        found.client = unit.clients().find(&id).await?;
    }
    if let Some(named) = parameters.get("organization") {
        if let Ok(id) = OrganizationId::parse(named) {
            found.organization =
                unit.organizations().find(&id).await?.map(|organization| (organization, false));
        } else if let Ok(name) = OrganizationName::parse(&named.to_lowercase()) {
            found.organization =
                unit.organizations().find_by_name(&name).await?.map(|organization| (organization, true));
        }
    }
    if let Some(ticket) = parameters.get("invitation") {
        found.invitation = unit.invitations().find_by_ticket(&TokenHash::of(ticket)).await?;
    }
    let audience =
        parameters.get("audience").map(str::to_owned).or_else(|| found.settings.default_audience.clone());
    if let Some(audience) = audience.filter(|audience| !audience.is_empty()) {
        found.audience = unit.resource_servers().find_by_identifier(&audience).await?;
    }
    Ok(found)
}

struct Problem {
    error: &'static str,
    description: String,
    guess: bool,
}

fn problem<T>(error: &'static str, description: impl Into<String>) -> Result<T, Problem> {
    Err(Problem { error, description: description.into(), guess: false })
}

impl Found {
    fn scene(self, request: &AuthorizeRequest) -> Scene {
        Scene {
            client: self.client,
            organization: self.organization.map(|(organization, _)| organization),
            invitation: self.invitation.map(|(invitation, _)| invitation),
            settings: self.settings,
            ui_locales: request.ui_locales.clone(),
        }
    }

    fn check(
        &self,
        parameters: &Reply,
        now: Timestamp,
        target: &ResponseTarget,
        mode: Option<ResponseMode>,
    ) -> Result<AuthorizeRequest, Problem> {
        let Some(client) = &self.client else { return problem("invalid_request", "client_id is missing") };
        check_shape(parameters, client, mode)?;
        let code_challenge = code_challenge(parameters, client)?;
        let prompt = prompt(parameters)?;
        let max_age = max_age(parameters)?;
        let organization = self.organization(parameters, client)?;
        let invitation = self.invitation(parameters, client, organization.as_ref().map(|(id, _)| id), now)?;
        if invitation.is_some() && prompt.contains(&PromptValue::None) {
            return problem("interaction_required", "an invitation is never accepted silently");
        }
        let audience = self.audience(parameters)?;
        let scope = scope(parameters, client, self.audience.as_ref().filter(|_| audience.is_some()));
        Ok(AuthorizeRequest {
            client_id: client.id.clone(),
            redirect_uri: target.redirect_uri.clone(),
            redirect_uri_given: true,
            response_mode: target.mode,
            scope,
            state: target.state.clone(),
            nonce: parameters.get("nonce").map(str::to_owned),
            code_challenge,
            audience,
            prompt,
            max_age,
            login_hint: parameters.get("login_hint").filter(|hint| hint.len() <= 320).map(str::to_owned),
            screen_hint: parameters.get("screen_hint").map(str::to_owned),
            connection: parameters.get("connection").map(str::to_owned),
            organization_by_name: organization.as_ref().is_some_and(|(_, by_name)| *by_name),
            organization: organization.map(|(id, _)| id),
            invitation,
            acr_values: words(parameters.get("acr_values")),
            ui_locales: words(parameters.get("ui_locales")),
        })
    }

    /// Contract §1.2.2, rows 1 to 4.
    fn organization(
        &self,
        parameters: &Reply,
        client: &Client,
    ) -> Result<Option<(OrganizationId, ByName)>, Problem> {
        let named = parameters.get("organization");
        match (client.organization_usage, named) {
            (OrganizationUsage::Deny, Some(_)) => {
                problem("invalid_request", "parameter organization is not allowed for this client")
            }
            (OrganizationUsage::Require, None)
                if client.organization_require_behavior == RequireBehavior::NoPrompt =>
            {
                problem("invalid_request", "parameter organization is required for this client")
            }
            (_, None) => Ok(None),
            (_, Some(named)) => match &self.organization {
                Some((organization, by_name))
                    if !by_name || self.settings.allow_organization_name_in_authentication_api =>
                {
                    Ok(Some((organization.id.clone(), *by_name)))
                }
                _ => problem("invalid_request", format!("parameter organization is invalid: {named}")),
            },
        }
    }

    /// Contract §3.2: a ticket that is unknown, over, used, of another organization or for another client is one thing.
    fn invitation(
        &self,
        parameters: &Reply,
        client: &Client,
        organization: Option<&OrganizationId>,
        now: Timestamp,
    ) -> Result<Option<(InvitationId, TicketSource)>, Problem> {
        if parameters.get("invitation").is_none() {
            return Ok(None);
        }
        let valid = self.invitation.as_ref().filter(|(invitation, _)| {
            invitation.consumed_at.is_none()
                && now < invitation.expires_at
                && organization == Some(&invitation.organization_id)
                && invitation.client_id == client.id
        });
        match valid {
            Some((invitation, source)) => Ok(Some((invitation.id.clone(), *source))),
            None => Err(Problem {
                error: "invalid_request",
                description: "invitation not found or already used".to_owned(),
                guess: true,
            }),
        }
    }

    fn audience(&self, parameters: &Reply) -> Result<Option<String>, Problem> {
        let named = parameters.get("audience").filter(|audience| !audience.is_empty());
        match (&self.audience, named) {
            (Some(server), _) => Ok(Some(server.identifier.clone())),
            (None, None) => Ok(None),
            (None, Some(named)) => problem("access_denied", format!("Service not found: {named}")),
        }
    }
}

/// What is not for this server at all, and what travels how.
fn check_shape(parameters: &Reply, client: &Client, mode: Option<ResponseMode>) -> Result<(), Problem> {
    if parameters.get("request").is_some() {
        return problem("request_not_supported", "request objects are not supported");
    }
    if parameters.get("request_uri").is_some() {
        return problem("request_uri_not_supported", "request objects are not supported");
    }
    match parameters.get("response_type") {
        None => return problem("invalid_request", "Missing required parameter: response_type"),
        Some("code") => {}
        Some(other) => {
            return problem("unsupported_response_type", format!("Unsupported response type: {other}"));
        }
    }
    if !client.may_use("authorization_code") {
        return problem("unauthorized_client", "Grant type 'authorization_code' not allowed for the client.");
    }
    match mode {
        Some(_) => Ok(()),
        None => problem("invalid_request", "response_mode is not supported for this client"),
    }
}

fn response_mode(parameters: &Reply, client: &Client, redirect_uri: &str) -> Option<ResponseMode> {
    match parameters.get("response_mode") {
        None | Some("" | "query") => Some(ResponseMode::Query),
        Some("fragment") => Some(ResponseMode::Fragment),
        Some("form_post") => Some(ResponseMode::FormPost),
        // OP-20: only to an origin that the client has named as its own.
        Some("web_message") => redirect::origin(redirect_uri)
            .filter(|origin| {
                client.web_origins.iter().chain(&client.allowed_origins).any(|allowed| allowed == origin)
            })
            .map(|_| ResponseMode::WebMessage),
        Some(_) => None,
    }
}

/// RFC 7636 §4.3 and §7.2: S256 only; public clients must, others may.
fn code_challenge(parameters: &Reply, client: &Client) -> Result<Option<CodeChallenge>, Problem> {
    match (parameters.get("code_challenge"), parameters.get("code_challenge_method")) {
        (None, None) if client.is_confidential() => Ok(None),
        (None, _) => problem("invalid_request", "Missing required parameter: code_challenge"),
        (Some(challenge), Some("S256")) => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if challenge.len() == 43 && challenge.bytes().all(plain) {
                Ok(Some(CodeChallenge::S256(challenge.to_owned())))
            } else {
                problem("invalid_request", "code_challenge is not base64url of a SHA-256 hash")
            }
        }
        (Some(_), _) => problem("invalid_request", "code_challenge_method must be S256"),
    }
}

fn prompt(parameters: &Reply) -> Result<Vec<PromptValue>, Problem> {
    let values = words(parameters.get("prompt")).into_iter().map(|word| match word.as_str() {
        "none" => Ok(PromptValue::None),
        "login" => Ok(PromptValue::Login),
        "consent" => Ok(PromptValue::Consent),
        "select_account" => Ok(PromptValue::SelectAccount),
        other => problem("invalid_request", format!("prompt is not supported: {other}")),
    });
    let values = values.collect::<Result<Vec<_>, _>>()?;
    if values.len() > 1 && values.contains(&PromptValue::None) {
        return problem("invalid_request", "prompt none cannot be combined");
    }
    Ok(values)
}

fn max_age(parameters: &Reply) -> Result<Option<i64>, Problem> {
    match parameters.get("max_age").map(str::parse::<u32>) {
        None => Ok(None),
        Some(Ok(seconds)) => Ok(Some(i64::from(seconds))),
        Some(Err(_)) => problem("invalid_request", "max_age is not a number of seconds"),
    }
}

/// What of the scopes asked for exists: OpenID Connect's, and those of the API. Others are ignored, as RFC 6749 §3.3
/// allows; `offline_access` counts where the client and the API let refresh tokens be had (contract §1.2.1).
fn scope(parameters: &Reply, client: &Client, api: Option<&ResourceServer>) -> Vec<String> {
    let mut scope = words(parameters.get("scope"));
    let mut seen = std::collections::BTreeSet::new();
    scope.retain(|word| {
        let offline = client.may_use("refresh_token") && api.is_none_or(|api| api.allow_offline_access);
        let known = match word.as_str() {
            "offline_access" => offline,
            word if OIDC_SCOPES.contains(&word) => true,
            word => api.is_some_and(|api| api.scopes.iter().any(|scope| scope.value == word)),
        };
        known && seen.insert(word.clone())
    });
    scope
}

fn words(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
}
