//! Owns the pages of a login: it brings what browsers send to the flow, and shows what the flow says.
//! Never touches decisions.

mod account;
mod answer;
mod authorize;
mod callback;
mod choice;
pub mod dbconnections;
mod farewell;
mod fault;
mod form;
mod journey;
mod prompt;
pub mod reset;
pub mod verification;
mod visit;

pub use account::AccountPages;
pub(crate) use fault::LoginFault;
pub(crate) use visit::Visit;

use crate::{
    http::{cookies::Cookies, extract::params::Params},
    page::{Form, Pages},
};
use axum::{Router, routing::get};
use portico_core::{id::TransactionId, login::flow::Flow, port::store::Store};
use std::sync::Arc;
use url::Url;

/// What the pages of a login need.
pub struct Logins {
    pub(crate) flow: Arc<Flow>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) pages: Arc<Pages>,
    pub(crate) cookies: Cookies,
    pub(crate) issuer: Url,
}

impl Logins {
    /// Over this flow; the store gives the branding of pages that belong to no login.
    pub fn new(
        flow: Arc<Flow>,
        store: Arc<dyn Store>,
        pages: Arc<Pages>,
        cookies: Cookies,
        issuer: Url,
    ) -> Self {
        Self { flow, store, pages, cookies, issuer }
    }
}

/// The routes (contract §1.3, §1.10). The seed's paths, with Auth0's as aliases.
pub fn router(logins: Arc<Logins>) -> Router {
    let prompt = || get(prompt::show).post(prompt::answer);
    Router::new()
        .route("/authorize", get(authorize::authorize).post(authorize::authorize))
        .route("/login/callback", get(callback::callback).post(callback::callback))
        .route("/samlp/logout", get(farewell::farewell).post(farewell::farewell))
        .route("/continue", get(journey::resume).post(journey::resume))
        .route("/u/login", prompt())
        .route("/login", prompt())
        .route("/u/login/password", prompt())
        .route("/u/signup", prompt())
        .route("/signup/invitation", prompt())
        .route("/u/signup/invitation", prompt())
        .route("/u/login/identifier", get(prompt::show).post(choice::choose))
        .route("/invitation", get(prompt::show).post(choice::confirm))
        .route("/u/invitation", get(prompt::show).post(choice::confirm))
        .route("/u/continue", get(prompt::show).post(choice::arrive))
        .route("/u/organization", get(prompt::show).post(choice::locate))
        .route("/u/organization-picker", get(prompt::show).post(choice::pick))
        .with_state(logins)
}

/// The login a page is about.
fn transaction(parameters: &Params) -> Result<TransactionId, LoginFault> {
    let state = parameters.get(Form::STATE).ok_or(LoginFault::NoState)?;
    TransactionId::parse(state).map_err(|_not_a_handle| LoginFault::NoState)
}
