//! Owns the forms on which a visitor chooses: an organization, a connection, or to go on.
//! Never touches which may be chosen.

use super::{
    LoginFault, Logins,
    form::{Answered, Sent},
};
use crate::page::Form;
use axum::{extract::State, response::Response};
use portico_core::{
    connector::Field,
    id::{ConnectionId, OrganizationId},
    login::flow::Chosen,
};
use std::sync::Arc;

/// `POST /u/login/identifier`: a connection's button, or an identifier.
pub(super) async fn choose(State(logins): State<Arc<Logins>>, sent: Sent) -> Response {
    let flow = &logins.flow;
    let work = |form: Answered| async move {
        let button = form.parameters.get(Form::CONNECTION).and_then(|id| ConnectionId::parse(id).ok());
        let typed = form.parameters.get(Field::Identifier.name()).map(str::trim).map(str::to_owned);
        let chosen = button
            .map(Chosen::Connection)
            .or_else(|| typed.map(Chosen::Identifier))
            .ok_or(LoginFault::NoAnswer)?;
        Ok(flow.choose(&form.login, &form.visitor, chosen).await?)
    };
    logins.take(sent, "/u/login/identifier", work).await
}

/// `POST /invitation`: go on to the organization's own sign-in.
pub(super) async fn confirm(State(logins): State<Arc<Logins>>, sent: Sent) -> Response {
    let flow = &logins.flow;
    let work = |form: Answered| async move { Ok(flow.confirm(&form.login, &form.visitor).await?) };
    logins.take(sent, "/invitation", work).await
}

/// `POST /u/continue`: go on as whom the identity provider named, unasked.
pub(super) async fn arrive(State(logins): State<Arc<Logins>>, sent: Sent) -> Response {
    let flow = &logins.flow;
    let work = |form: Answered| async move { Ok(flow.arrive(&form.login, &form.visitor).await?) };
    logins.take(sent, "/u/continue", work).await
}

/// `POST /u/organization`: the organization's name (contract §1.2.2 row 4).
pub(super) async fn locate(State(logins): State<Arc<Logins>>, sent: Sent) -> Response {
    let flow = &logins.flow;
    let work = |form: Answered| async move {
        let name = form.parameters.get(Form::ORGANIZATION).ok_or(LoginFault::NoAnswer)?;
        Ok(flow.locate(&form.login, &form.visitor, name).await?)
    };
    logins.take(sent, "/u/organization", work).await
}

/// `POST /u/organization-picker`: one of the user's organizations (contract §1.2.2 row 5).
pub(super) async fn pick(State(logins): State<Arc<Logins>>, sent: Sent) -> Response {
    let flow = &logins.flow;
    let work = |form: Answered| async move {
        let named = form.parameters.get(Form::ORGANIZATION).ok_or(LoginFault::NoAnswer)?;
        let organization = OrganizationId::parse(named).map_err(|_not_an_id| LoginFault::NoAnswer)?;
        Ok(flow.pick(&form.login, &form.visitor, organization).await?)
    };
    logins.take(sent, "/u/organization-picker", work).await
}
