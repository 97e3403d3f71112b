//! Owns what the pages of accounts share: who is at them, how they look, and where they lead.
//! Never touches what an account is: `portico_core::account` decides.

use crate::{
    http::{
        layer::{ClientAddress, CspNonce},
        voice::page::PageFault,
    },
    page::{Brand, Label, Locale, Look, Onward, Page, Pages, Trouble},
};
use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{ACCEPT_LANGUAGE, LOCATION, USER_AGENT},
    request::Parts,
};
use portico_core::{
    account::{Caller, SelfService, TicketPage, Unusable},
    model::Organization,
    port::store::Store,
};
use std::{convert::Infallible, sync::Arc};
use url::Url;

/// What the pages of accounts need.
pub struct AccountPages {
    pub(super) service: Arc<SelfService>,
    pub(super) store: Arc<dyn Store>,
    pub(super) pages: Arc<Pages>,
}

impl AccountPages {
    /// Over these use cases; the store gives the branding.
    pub fn new(service: Arc<SelfService>, store: Arc<dyn Store>, pages: Arc<Pages>) -> Self {
        Self { service, store, pages }
    }

    /// A page in the looks of an organization, or of the house.
    pub(super) async fn page(
        &self,
        page: &Page,
        organization: Option<&Organization>,
        guest: &Guest,
    ) -> Response {
        let settings = self.store.read(|unit| Box::pin(async move { unit.tenant().settings().await })).await;
        // A page in plain looks beats none.
        let settings = settings.unwrap_or_default();
        let look = Look {
            brand: Brand::of(organization, &settings),
            locale: Locale::choose(&[], guest.accept_language.as_deref(), &settings.enabled_locales),
            nonce: guest.nonce.clone(),
        };
        self.pages.render(page, &look)
    }

    /// Where whoever used a ticket goes: to where its maker said, or to a page of ours.
    pub(super) async fn done(&self, page: Page, ticket: &TicketPage, guest: &Guest) -> Response {
        match ticket.result_url.as_deref().and_then(onward_url) {
            Some(url) => to(&url),
            None => self.page(&page, ticket.organization.as_ref(), guest).await,
        }
    }
}

/// A link of ours that cannot be used.
pub(super) fn unusable(_unusable: Unusable) -> PageFault {
    PageFault::new(Trouble::TicketUnusable)
}

/// A link to where an application's logins begin, when it says where.
pub(super) fn onward(ticket: &TicketPage) -> Option<Onward> {
    let client = ticket.client.as_ref()?;
    Onward::to(Label::new(&client.name), client.initiate_login_uri.as_deref()?)
}

/// Contract §2.10: whoever made the ticket learns from the query that it was used.
fn onward_url(result_url: &str) -> Option<Url> {
    let mut url = Url::parse(result_url).ok()?;
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return None;
    }
    url.query_pairs_mut().append_pair("success", "true");
    Some(url)
}

/// 303: never does a browser post a password once more (OP-35).
fn to(url: &Url) -> Response {
    match HeaderValue::from_str(url.as_str()) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_not_a_header) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Somebody at a page that needs no cookie.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    pub(super) caller: Caller,
    nonce: String,
    accept_language: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Guest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let CspNonce(nonce) = CspNonce::from_request_parts(parts, state).await?;
        let ClientAddress(ip) = ClientAddress::of(&parts.extensions);
        let caller = Caller { ip: Some(ip), user_agent: text(&parts.headers, &USER_AGENT) };
        Ok(Self { caller, nonce, accept_language: text(&parts.headers, &ACCEPT_LANGUAGE) })
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(|text| text.chars().take(512).collect())
}
