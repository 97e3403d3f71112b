//! Owns logout (contract §1.8, OpenID Connect RP-Initiated Logout 1.0): whether to end the session, and where to go then.
//! Never touches cookies or pages.

use super::{
    OpenIdProvider,
    entry::{Caller, Entry},
};
use crate::{
    connector::{Evidence, Interaction, Reply, WayBack},
    id::{ClientId, ConnectionId},
    jose::jwt::{IdTokenHint, verify_id_token_hint},
    model::{Client, EventKind, Session, TenantSettings},
    port::store::{Store, StoreError, UnitOfWork},
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use std::time::Duration;
use url::Url;

/// Which of the two endpoints was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogoutEndpoint {
    /// `/v2/logout`, with `returnTo`. Never asks.
    V2,
    /// `/oidc/logout`, with `post_logout_redirect_uri`.
    Oidc,
}

/// A request to log out.
#[derive(Clone, Debug)]
pub struct LogoutRequest<'r> {
    /// Which endpoint.
    pub endpoint: LogoutEndpoint,
    /// Its parameters.
    pub parameters: &'r Reply,
    /// Whether the session at the identity provider is to end too.
    pub federated: bool,
    /// The session's cookie.
    pub cookie: Option<&'r Secret>,
    /// Where it came from.
    pub caller: Caller,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Logout {
    /// There is no session now. Go there, or show that it is done.
    Done {
        /// One of the registered addresses, with `state` if there was one.
        location: Option<String>,
    },
    /// There is no session now; the browser has to do this so that there is none at the identity provider either, and
    /// comes back to [`OpenIdProvider::landed`].
    Upstream(Interaction),
    /// Ask first: nothing shows that the person wants it.
    Ask {
        /// The application's name, if one asks.
        client_name: Option<String>,
        /// What the form must bring back as [`CONFIRMATION`], with all the parameters of this request.
        confirmation: String,
        /// Where it will go then: the page's policy must let the form lead there.
        location: Option<String>,
    },
    /// The address is not registered, or there is no such application: a page, no redirect, and the session stays.
    Refused(LogoutFault),
}

/// Why a request to log out is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LogoutFault {
    /// There is no such client.
    #[error("unknown client: `{0}`")]
    UnknownClient(String),
    /// The address is none that the client, or the installation, has registered (OP-18).
    #[error("`{0}` is not a registered address")]
    Redirect(String),
    /// The hint was made for another client than the one that is named.
    #[error("the ID token was made for another client")]
    OtherClient,
}

/// The parameter by which the page of [`Logout::Ask`] confirms.
pub const CONFIRMATION: &str = "confirmation";

/// How long a browser may be away to end its session upstream.
const AWAY: Duration = Duration::from_mins(10);

impl OpenIdProvider {
    /// Log out of the session that the cookie names, if that is what the request may do.
    pub async fn log_out(&self, request: &LogoutRequest<'_>) -> Result<Logout, StoreError> {
        let hint = self.hint(request).await;
        let cookie = request.cookie.map(|cookie| TokenHash::of(cookie.expose()));
        let named = request.get("client_id").and_then(|id| ClientId::parse(id).ok());
        let client_id = named.or_else(|| hint.as_ref().map(|hint| hint.client_id.clone()));
        let known: Known = self.store.read(|unit| Box::pin(Known::load(unit, client_id, cookie))).await?;
        let decision = decide(request, &known, hint.as_ref());
        let now = self.now();
        let kinds = (EventKind::Logout, EventKind::LogoutFailed);
        let mut entry = Entry::new(kinds, known.client.as_ref(), &request.caller, (now, &*self.entropy));
        match (&decision, known.session) {
            (Logout::Done { location }, Some(session)) => {
                entry = entry.of_session(&session);
                let (connection, evidence) = (session.connection_id.clone(), session.upstream.clone());
                let ended: Result<(), StoreError> = self
                    .store
                    .write(move |unit| {
                        Box::pin(async move {
                            if unit.sessions().delete(&session.id).await? {
                                unit.grants().revoke_of_session(&session.id, now).await?;
                                unit.events().insert(&entry.succeeded(&[])).await?;
                            }
                            Ok(())
                        })
                    })
                    .await;
                ended?;
                if request.federated && evidence != Evidence::default() {
                    let upstream = self.upstream(&connection, &evidence, location.as_deref()).await?;
                    return Ok(upstream.map_or(decision, Logout::Upstream));
                }
            }
            (Logout::Refused(fault), _) if known.client.is_some() => {
                let event = entry.failed("redirect_not_registered", &fault.to_string());
                let noted: Result<(), StoreError> = self
                    .store
                    .write(move |unit| Box::pin(async move { unit.events().insert(&event).await }))
                    .await;
                noted?;
            }
            _ => {}
        }
        Ok(decision)
    }

    /// What ends the session upstream. That it cannot be ended keeps nobody from going on: ours is over.
    async fn upstream(
        &self,
        connection: &ConnectionId,
        evidence: &Evidence,
        location: Option<&str>,
    ) -> Result<Option<Interaction>, StoreError> {
        let mut landing = self.issuer.clone();
        landing.set_path(&format!("{}logout", self.issuer.path()));
        let back = WayBack { landing, handle: self.entropy.token() };
        let asked = async { self.connectors.get(connection).await?.end_session(evidence, &back).await };
        let interaction = match asked.await {
            Ok(Some(Interaction::Prompt(_)) | None) => return Ok(None),
            Ok(Some(elsewhere @ (Interaction::Redirect(_) | Interaction::Post { .. }))) => elsewhere,
            Err(error) => {
                tracing::warn!(connection.id = %connection, %error, "a session upstream was not ended");
                return Ok(None);
            }
        };
        if let Some(location) = location {
            let (handle, until) = (TokenHash::of(&back.handle), self.now().plus(AWAY));
            let location = location.to_owned();
            self.store
                .write::<_, StoreError, _>(move |unit| {
                    Box::pin(async move { unit.sessions().depart(&handle, &location, until).await })
                })
                .await?;
        }
        Ok(Some(interaction))
    }

    /// A browser came back with this handle from the end of its session upstream: where it goes, if it was on its way
    /// anywhere. What else came back with it says nothing about our session, which was over before.
    pub async fn landed(&self, handle: &str) -> Result<Option<String>, StoreError> {
        landed(&*self.store, handle, self.now()).await
    }

    /// The ID token that came along, if it is one of ours. A forged one is none: it neither helps nor hinders.
    async fn hint(&self, request: &LogoutRequest<'_>) -> Option<IdTokenHint> {
        let token = request.get("id_token_hint").filter(|_| request.endpoint == LogoutEndpoint::Oidc)?;
        let keys = self.keys.verifiers(token).await;
        verify_id_token_hint(token, &keys, self.issuer.as_str()).ok()
    }
}

impl LogoutRequest<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).filter(|value| !value.is_empty())
    }
}

/// Where a browser goes that came back with this handle.
pub(crate) async fn landed(
    store: &dyn Store,
    handle: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let handle = TokenHash::of(handle);
    store.write(move |unit| Box::pin(async move { unit.sessions().arrive(&handle, now).await })).await
}

/// What the store knows of a request.
#[derive(Clone, Debug, Default)]
struct Known {
    client: Option<Client>,
    session: Option<Session>,
    settings: TenantSettings,
}

impl Known {
    async fn load(
        unit: &mut (dyn UnitOfWork + '_),
        client: Option<ClientId>,
        cookie: Option<TokenHash>,
    ) -> Result<Self, StoreError> {
        let client = match client {
            Some(id) => unit.clients().find(&id).await?,
            None => None,
        };
        let session = match cookie {
            Some(cookie) => unit.sessions().find_by_cookie(&cookie).await?,
            None => None,
        };
        Ok(Self { client, session, settings: unit.tenant().settings().await? })
    }
}

/// The decision. Pure.
fn decide(request: &LogoutRequest<'_>, known: &Known, hint: Option<&IdTokenHint>) -> Logout {
    if let (Some(id), None) = (request.get("client_id"), &known.client) {
        return Logout::Refused(LogoutFault::UnknownClient(id.to_owned()));
    }
    if let (Some(client), Some(hint)) = (&known.client, hint)
        && client.id != hint.client_id
    {
        return Logout::Refused(LogoutFault::OtherClient);
    }
    let location = match location(request, known) {
        Ok(location) => location,
        Err(fault) => return Logout::Refused(fault),
    };
    match (&known.session, request.cookie) {
        (Some(session), Some(cookie)) if !is_wanted(request, known, session, (cookie, hint)) => Logout::Ask {
            client_name: known.client.as_ref().map(|client| client.name.clone()),
            confirmation: confirmation(cookie),
            location,
        },
        _ => Logout::Done { location },
    }
}

/// RP-Initiated Logout §2: with a hint that fits the session there is no need to ask; nor is there after it was asked.
fn is_wanted(
    request: &LogoutRequest<'_>,
    known: &Known,
    session: &Session,
    (cookie, hint): (&Secret, Option<&IdTokenHint>),
) -> bool {
    let of_session = |sid: &str| sid == session.id.as_str();
    let hinted = hint.is_some_and(|hint| match &hint.session_id {
        Some(sid) => of_session(sid),
        None => hint.subject == session.user_id.as_str(),
    });
    let confirmed = request
        .get(CONFIRMATION)
        .is_some_and(|brought| Secret::new(brought).matches(&Secret::new(confirmation(cookie))));
    request.endpoint == LogoutEndpoint::V2
        || !known.settings.oidc_logout_prompt_enabled
        || hinted
        || request.get("logout_hint").is_some_and(of_session)
        || confirmed
}

/// Only who can read the page can know it: it is made of the cookie, which no script and no other site sees.
fn confirmation(cookie: &Secret) -> String {
    TokenHash::of(&format!("logout:{}", cookie.expose())).as_str().to_owned()
}

/// Where to go: exactly a registered address, or nowhere (OP-18). Without a client the installation's addresses count.
fn location(request: &LogoutRequest<'_>, known: &Known) -> Result<Option<String>, LogoutFault> {
    let parameter = match request.endpoint {
        LogoutEndpoint::V2 => "returnTo",
        LogoutEndpoint::Oidc => "post_logout_redirect_uri",
    };
    let registered = match &known.client {
        Some(client) => &client.allowed_logout_urls,
        None => &known.settings.allowed_logout_urls,
    };
    let asked = match request.get(parameter) {
        Some(asked) if registered.iter().any(|url| url == asked) => asked.to_owned(),
        Some(asked) => return Err(LogoutFault::Redirect(asked.to_owned())),
        None if request.endpoint == LogoutEndpoint::V2 => return Ok(registered.first().cloned()),
        None => return Ok(None),
    };
    let (LogoutEndpoint::Oidc, Some(state)) = (request.endpoint, request.get("state")) else {
        return Ok(Some(asked));
    };
    let mut url = Url::parse(&asked).map_err(|_not_a_url| LogoutFault::Redirect(asked))?;
    url.query_pairs_mut().append_pair("state", state);
    Ok(Some(url.into()))
}
