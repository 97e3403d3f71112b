//! Owns `/authorize`, the front door (contract §1.2).
//! Never touches which requests are good: `oauth::authorize` decides.

use super::{LoginFault, Logins, Visit};
use crate::http::extract::params::{Params, ParamsFault};
use axum::{extract::State, response::Response};
use portico_core::{
    login::scene::{Next, Outcome},
    oauth::authorize::AuthorizeFault,
};
use std::sync::Arc;

/// Parameters that no rule and no log gets to see.
const SECRET: &[&str] = &["invitation", "id_token_hint", "login_ticket", "code_challenge", "nonce", "state"];

/// `GET|POST /authorize`.
pub(super) async fn authorize(
    State(logins): State<Arc<Logins>>,
    mut visit: Visit,
    parameters: Result<Params, ParamsFault>,
) -> Response {
    let parameters = match parameters {
        Ok(parameters) if !parameters.came_both_ways() && parameters.with_control_character().is_none() => {
            parameters
        }
        Ok(_) => return logins.answer(Err(LoginFault::NoAnswer), &visit, None).await,
        Err(fault) => return logins.answer(Err(fault.into()), &visit, None).await,
    };
    let told = parameters.iter().filter(|(name, _)| !SECRET.contains(name));
    visit.visitor.query = told.map(|(name, value)| (name.to_owned(), value.into())).collect();
    let parameters = parameters.into_reply();
    let outcome = match logins.flow.request(&parameters, &visit.visitor).await {
        Ok(accepted) => logins.flow.start(accepted, &visit.visitor).await.map_err(LoginFault::from),
        Err(AuthorizeFault::Answer { target, error, description, .. }) => {
            Ok(Outcome::from(Next::Respond(target.error(error, &description, logins.issuer.as_str()))))
        }
        Err(fault) => Err(fault.into()),
    };
    logins.answer(outcome, &visit, None).await
}
