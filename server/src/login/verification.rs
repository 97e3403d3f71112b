//! Owns the page by which somebody shows that an address is theirs (contract §1.3 `/u/email-verification`).
//! Never touches what a ticket is good for.

use super::account::{AccountPages, Guest, onward, unusable};
use crate::{
    http::{
        extract::params::{Params, ParamsFault, QueryParams},
        layer::{CrossOrigin, SameOrigin},
        voice::page::PageFault,
    },
    page::{Form, Label, Page, VerifiedPage, VerifyPage},
};
use axum::{Router, extract::State, response::Response, routing::get};
use portico_core::account::Verified;
use std::sync::Arc;

/// The routes.
pub fn router(state: Arc<AccountPages>) -> Router {
    Router::new().route("/u/email-verification", get(form).post(verify)).with_state(state)
}

/// The page with the button. Mail programs open links by themselves: looking at it verifies nothing.
async fn form(
    State(state): State<Arc<AccountPages>>,
    guest: Guest,
    parameters: Result<QueryParams, ParamsFault>,
) -> Result<Response, PageFault> {
    let QueryParams(parameters) = parameters?;
    let ticket = parameters.get(Form::TICKET).unwrap_or_default();
    let page = state.service.verification_form(ticket).await?.map_err(unusable)?;
    let form = Form::to("/u/email-verification").carrying(Form::TICKET, ticket);
    let shown = VerifyPage { form, email: Label::new(page.email.as_given()) };
    Ok(state.page(&Page::Verify(shown), page.organization.as_ref(), &guest).await)
}

/// Its answer.
async fn verify(
    State(state): State<Arc<AccountPages>>,
    guest: Guest,
    origin: Result<SameOrigin, CrossOrigin>,
    parameters: Result<Params, ParamsFault>,
) -> Result<Response, PageFault> {
    origin?;
    let parameters = parameters?;
    let ticket = parameters.get(Form::TICKET).unwrap_or_default();
    let verified = state.service.verify_email(ticket, &guest.caller).await?;
    let Verified { page } = verified.map_err(unusable)?;
    let email = Label::new(page.email.as_given());
    let done = Page::Verified(VerifiedPage { email, onward: onward(&page) });
    Ok(state.done(done, &page, &guest).await)
}
