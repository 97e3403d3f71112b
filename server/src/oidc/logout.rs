//! Owns `/v2/logout` and `/oidc/logout` (contract §1.8).
//! Never touches whether the session ends.

use super::{From, Provider};
use crate::{
    http::{
        extract::params::{Params, ParamsFault},
        layer::CspNonce,
        voice::page::PageFault,
    },
    page::{
        AutoPostPage, Brand, Form, Label, Locale, LoggedOutPage, LogoutConfirmPage, Look, Page, PassagePage,
        Trouble,
    },
};
use axum::{
    extract::{FromRequestParts, State},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{ACCEPT_LANGUAGE, LOCATION, SET_COOKIE},
    request::Parts,
};
use portico_core::{
    connector::{Interaction, Reply},
    oauth::{
        Caller,
        logout::{CONFIRMATION, Logout, LogoutEndpoint, LogoutFault, LogoutRequest},
    },
};
use std::{convert::Infallible, sync::Arc};

pub(super) async fn v2(
    State(state): State<Arc<Provider>>,
    came: Came,
    parameters: Result<Params, ParamsFault>,
) -> Result<Response, PageFault> {
    log_out(&state, LogoutEndpoint::V2, came, parameters?).await
}

pub(super) async fn oidc(
    State(state): State<Arc<Provider>>,
    came: Came,
    parameters: Result<Params, ParamsFault>,
) -> Result<Response, PageFault> {
    log_out(&state, LogoutEndpoint::Oidc, came, parameters?).await
}

/// Who came, and how.
pub(super) struct Came {
    method: Method,
    headers: HeaderMap,
    nonce: CspNonce,
    caller: Caller,
}

impl<S: Sync> FromRequestParts<S> for Came {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let From(caller) = From::from_request_parts(parts, state).await?;
        let nonce = CspNonce::from_request_parts(parts, state).await?;
        Ok(Self { method: parts.method.clone(), headers: parts.headers.clone(), nonce, caller })
    }
}

async fn log_out(
    state: &Provider,
    endpoint: LogoutEndpoint,
    came: Came,
    parameters: Params,
) -> Result<Response, PageFault> {
    // SDKs send it without a value.
    let federated = parameters.mentions(FEDERATED) && parameters.get(FEDERATED) != Some("false");
    let parameters = parameters.into_reply();
    // An image or a frame of another site must not end a session that a person can see nothing of (OP-18).
    if came.headers.get("sec-fetch-dest").is_some_and(|to| to.as_bytes() != b"document") {
        return Err(PageFault::new(Trouble::BadRequest).with_detail("logout is a page, not a part of one"));
    }
    let cookie = state.cookies.read_session(&came.headers);
    let request = LogoutRequest {
        endpoint,
        parameters: &parameters,
        federated,
        cookie: cookie.as_ref(),
        caller: came.caller.clone(),
    };
    match state.provider.log_out(&request).await? {
        Logout::Done { location } => {
            let posted = came.method == Method::POST;
            let mut response = match location {
                Some(location) => match PassagePage::after_form(&location, posted) {
                    Some(passage) => show(state, &came, &parameters, Page::Passage(passage)).await?,
                    None => redirect(&came.method, &location)?,
                },
                None => show(state, &came, &parameters, Page::LoggedOut(LoggedOutPage::default())).await?,
            };
            response.headers_mut().append(SET_COOKIE, state.cookies.clear_session());
            Ok(response)
        }
        Logout::Upstream(interaction) => {
            let mut response = upstream(state, &came, &parameters, interaction).await?;
            response.headers_mut().append(SET_COOKIE, state.cookies.clear_session());
            Ok(response)
        }
        Logout::Ask { client_name, confirmation, location } => {
            let mut form = Form::to("/oidc/logout").carrying(CONFIRMATION, confirmation);
            for name in CARRIED {
                if let Some(value) = parameters.get(name) {
                    form = form.carrying(name, value);
                }
            }
            if federated {
                form = form.carrying(FEDERATED, "true");
            }
            if let Some(location) = &location {
                form = form.landing_at(location);
            }
            let client = client_name.map(|name| Label::new(&name));
            show(
                state,
                &came,
                &parameters,
                Page::LogoutConfirm(LogoutConfirmPage { form, client, stay: None }),
            )
            .await
        }
        Logout::Refused(fault) => {
            let trouble = match fault {
                LogoutFault::UnknownClient(_) => Trouble::UnknownClient,
                LogoutFault::Redirect(_) => Trouble::WrongLogoutUrl,
                LogoutFault::OtherClient => Trouble::BadRequest,
            };
            Err(PageFault::new(trouble).because(fault))
        }
    }
}

/// `GET|POST /logout`: where browsers come back to from the end of their session at an identity provider. They go on to
/// where they were going.
pub(super) async fn landing(
    State(state): State<Arc<Provider>>,
    came: Came,
    parameters: Result<Params, ParamsFault>,
) -> Result<Response, PageFault> {
    let parameters = parameters?.into_reply();
    let handle = parameters.get("state").unwrap_or_default();
    match state.provider.landed(handle).await? {
        Some(location) => redirect(&came.method, &location),
        None => show(&state, &came, &parameters, Page::LoggedOut(LoggedOutPage::default())).await,
    }
}

/// Let the browser end its session at the identity provider. After a form a page leads there: nobody knows to where it
/// sends the browser on.
async fn upstream(
    state: &Provider,
    came: &Came,
    parameters: &Reply,
    interaction: Interaction,
) -> Result<Response, PageFault> {
    let page = match interaction {
        Interaction::Redirect(url) => {
            match PassagePage::after_form(url.as_str(), came.method == Method::POST) {
                Some(passage) => Page::Passage(passage),
                None => return redirect(&came.method, url.as_str()),
            }
        }
        Interaction::Post { action, fields } => Page::AutoPost(AutoPostPage::new(action, fields)),
        Interaction::Prompt(_) => Page::LoggedOut(LoggedOutPage::default()),
    };
    show(state, came, parameters, page).await
}

/// After a form a 303: what was posted stays here (OP-35).
fn redirect(method: &Method, location: &str) -> Result<Response, PageFault> {
    let status = if *method == Method::POST { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
    let location =
        HeaderValue::from_str(location).map_err(|error| PageFault::new(Trouble::Internal).because(error))?;
    Ok((status, [(LOCATION, location)]).into_response())
}

async fn show(state: &Provider, came: &Came, parameters: &Reply, page: Page) -> Result<Response, PageFault> {
    let settings =
        state.provider.store.read(|unit| Box::pin(async move { unit.tenant().settings().await })).await?;
    let asked: Vec<String> = parameters
        .get("ui_locales")
        .unwrap_or_default()
        .split_ascii_whitespace()
        .map(str::to_owned)
        .collect();
    let accepted = came.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let look = Look {
        brand: Brand::of(None, &settings),
        locale: Locale::choose(&asked, accepted, &settings.enabled_locales),
        nonce: came.nonce.0.clone(),
    };
    Ok(state.pages.render(&page, &look))
}

/// What the page that asks brings back.
const CARRIED: [&str; 6] =
    ["client_id", "post_logout_redirect_uri", "state", "logout_hint", "id_token_hint", "ui_locales"];

/// The switch that ends the session at the identity provider too (contract §1.8).
const FEDERATED: &str = "federated";
