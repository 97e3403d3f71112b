//! Owns the pages of a forgotten password (contract §1.3 `/u/reset-password…`).
//! Never touches what a ticket is good for, or what a password must be like.

use super::account::{AccountPages, Guest, onward, unusable};
use crate::{
    http::{
        extract::params::{Params, ParamsFault, QueryParams},
        layer::{CrossOrigin, SameOrigin},
        voice::page::PageFault,
    },
    page::{Form, Label, Page, ResetDonePage, ResetPage, ResetRequestPage, ResetSentPage, Trouble},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use portico_core::{
    account::{Changed, NotChanged, ResetForm, ResetRequest, ResetRequested},
    connector::{Field, Refusal},
    id::TransactionId,
    login::Transaction,
    model::Connection,
    port::store::StoreError,
    secret::Secret,
};
use std::sync::Arc;

/// The routes.
pub fn router(state: Arc<AccountPages>) -> Router {
    Router::new()
        .route("/u/reset-password/request/{connection}", get(ask).post(request))
        .route("/u/reset-password", get(form).post(change))
        .with_state(state)
}

/// The page that asks for the address.
async fn ask(
    State(state): State<Arc<AccountPages>>,
    guest: Guest,
    Path(name): Path<String>,
    parameters: Result<QueryParams, ParamsFault>,
) -> Result<Response, PageFault> {
    let QueryParams(parameters) = parameters?;
    let connection = state.service.reset_offered(&name).await?.ok_or(PageFault::new(Trouble::NotFound))?;
    let came_from = CameFrom::read(&state, &parameters).await?;
    Ok(came_from.ask(&state, &guest, &connection, None, None).await)
}

/// Its answer: the same page whether or not there is an account (DB-03).
async fn request(
    State(state): State<Arc<AccountPages>>,
    guest: Guest,
    Path(name): Path<String>,
    origin: Result<SameOrigin, CrossOrigin>,
    parameters: Result<Params, ParamsFault>,
) -> Result<Response, PageFault> {
    origin?;
    let parameters = parameters?;
    let connection = state.service.reset_offered(&name).await?.ok_or(PageFault::new(Trouble::NotFound))?;
    let came_from = CameFrom::read(&state, &parameters).await?;
    let email = parameters.get(Field::Email.name()).unwrap_or_default().to_owned();
    let login = came_from.login.as_ref().map(|login| &login.request);
    let request = ResetRequest {
        connection: connection.id.clone(),
        email: email.clone(),
        client: login.map(|request| request.client_id.clone()),
        organization: login.and_then(|request| request.organization.clone()),
    };
    let refusal = match state.service.request_password_change(&request, &guest.caller).await? {
        ResetRequested::Accepted => {
            let page = ResetSentPage { email: Label::new(&email), back: came_from.back() };
            return Ok(came_from.page(&state, &guest, &Page::ResetSent(page)).await);
        }
        ResetRequested::NotAnAddress => Refusal::EmailUnusable,
        ResetRequested::TooMany(_) => Refusal::TooManyAttempts,
        ResetRequested::Closed => return Err(PageFault::new(Trouble::NotFound)),
    };
    Ok(came_from.ask(&state, &guest, &connection, Some(email), Some(refusal)).await)
}

/// The page that asks for the new password. Nothing is used up by looking at it.
async fn form(
    State(state): State<Arc<AccountPages>>,
    guest: Guest,
    parameters: Result<QueryParams, ParamsFault>,
) -> Result<Response, PageFault> {
    let QueryParams(parameters) = parameters?;
    let ticket = parameters.get(Form::TICKET).unwrap_or_default();
    choose(&state, &guest, ticket, None).await
}

async fn choose(
    state: &AccountPages,
    guest: &Guest,
    ticket: &str,
    refusal: Option<Refusal>,
) -> Result<Response, PageFault> {
    let form = state.service.reset_form(ticket).await?;
    let ResetForm { page, password_rules } = form.map_err(unusable)?;
    let shown = ResetPage {
        // The ticket leaves the address bar with the first answer (INV-21).
        form: Form::to("/u/reset-password").carrying(Form::TICKET, ticket),
        email: page.email.to_string(),
        password_rules,
        refusal,
    };
    Ok(state.page(&Page::Reset(shown), page.organization.as_ref(), guest).await)
}

/// Its answer.
async fn change(
    State(state): State<Arc<AccountPages>>,
    guest: Guest,
    origin: Result<SameOrigin, CrossOrigin>,
    parameters: Result<Params, ParamsFault>,
) -> Result<Response, PageFault> {
    origin?;
    let parameters = parameters?;
    let ticket = parameters.get(Form::TICKET).unwrap_or_default();
    let password = Secret::new(parameters.get(Field::NewPassword.name()).unwrap_or_default());
    match state.service.change_password(ticket, password, &guest.caller).await? {
        Ok(Changed { page }) => {
            let done = Page::ResetDone(ResetDonePage { onward: onward(&page) });
            Ok(state.done(done, &page, &guest).await)
        }
        Err(NotChanged::Faults(faults)) => {
            choose(&state, &guest, ticket, Some(Refusal::PasswordTooWeak(faults))).await
        }
        // Why is for administrators: the person chooses another one.
        Err(NotChanged::Refused) => {
            choose(&state, &guest, ticket, Some(Refusal::PasswordTooWeak(Vec::new()))).await
        }
        Err(NotChanged::Unusable) => Err(PageFault::new(Trouble::TicketUnusable)),
    }
}

/// The login that somebody forgot their password in, if there was one: for the way back, and for branding.
struct CameFrom {
    login: Option<Transaction>,
}

impl CameFrom {
    async fn read(state: &AccountPages, parameters: &Params) -> Result<Self, PageFault> {
        let id = parameters.get(Form::STATE).and_then(|text| TransactionId::parse(text).ok());
        let Some(id) = id else { return Ok(Self { login: None }) };
        let id = &id;
        let found = state.store.read(|unit| Box::pin(async move { unit.transactions().find(id).await }));
        Ok(Self { login: found.await? })
    }

    fn back(&self) -> Option<String> {
        self.login.as_ref().map(|login| format!("/u/login?state={}", login.id))
    }

    async fn ask(
        &self,
        state: &AccountPages,
        guest: &Guest,
        connection: &Connection,
        email: Option<String>,
        refusal: Option<Refusal>,
    ) -> Response {
        let mut form = Form::to(format!("/u/reset-password/request/{}", connection.name));
        if let Some(login) = &self.login {
            form = form.carrying(Form::STATE, login.id.as_str());
        }
        let page = ResetRequestPage { form, email, refusal, back: self.back() };
        self.page(state, guest, &Page::ResetRequest(page)).await
    }

    async fn page(&self, state: &AccountPages, guest: &Guest, page: &Page) -> Response {
        let id = self.login.as_ref().and_then(|login| login.request.organization.as_ref());
        let organization = match id {
            Some(id) => {
                let found: Result<_, StoreError> = state
                    .store
                    .read(|unit| Box::pin(async move { unit.organizations().find(id).await }))
                    .await;
                found.ok().flatten()
            }
            None => None,
        };
        state.page(page, organization.as_ref(), guest).await
    }
}
