//! Owns the forms on which a visitor chooses: an organization, a connection, or to go on.
//! Never touches which may be chosen.

use super::{LoginFault, Logins, Visit, own_form};
use crate::{
    http::{
        extract::params::{Params, ParamsFault},
        layer::{CrossOrigin, SameOrigin},
    },
    page::Form,
};
use axum::{extract::State, response::Response};
use portico_core::{
    connector::Field,
    id::{ConnectionId, OrganizationId},
    login::{flow::Chosen, scene::Outcome},
};
use std::sync::Arc;

type Origin = Result<SameOrigin, CrossOrigin>;

/// `POST /u/login/identifier`: a connection's button, or an identifier.
pub(super) async fn choose(
    State(logins): State<Arc<Logins>>,
    visit: Visit,
    origin: Origin,
    parameters: Result<Params, ParamsFault>,
) -> Response {
    let chosen = async {
        let (id, parameters) = own_form(origin, &visit, parameters)?;
        let button = parameters.get(Form::CONNECTION).and_then(|id| ConnectionId::parse(id).ok());
        let typed = parameters.get(Field::Identifier.name()).map(str::trim).map(str::to_owned);
        let chosen = button
            .map(Chosen::Connection)
            .or_else(|| typed.map(Chosen::Identifier))
            .ok_or(LoginFault::NoAnswer)?;
        Ok::<Outcome, LoginFault>(logins.flow.choose(&id, &visit.visitor, chosen).await?)
    };
    let outcome = chosen.await;
    logins.answer(outcome, &visit, Some("/u/login/identifier")).await
}

/// `POST /invitation`: go on to the organization's own sign-in.
pub(super) async fn confirm(
    State(logins): State<Arc<Logins>>,
    visit: Visit,
    origin: Origin,
    parameters: Result<Params, ParamsFault>,
) -> Response {
    let confirmed = async {
        let (id, _) = own_form(origin, &visit, parameters)?;
        Ok::<Outcome, LoginFault>(logins.flow.confirm(&id, &visit.visitor).await?)
    };
    let outcome = confirmed.await;
    logins.answer(outcome, &visit, Some("/invitation")).await
}

/// `POST /u/continue`: go on as whom the identity provider named, unasked.
pub(super) async fn arrive(
    State(logins): State<Arc<Logins>>,
    visit: Visit,
    origin: Origin,
    parameters: Result<Params, ParamsFault>,
) -> Response {
    let arrived = async {
        let (id, _) = own_form(origin, &visit, parameters)?;
        Ok::<Outcome, LoginFault>(logins.flow.arrive(&id, &visit.visitor).await?)
    };
    let outcome = arrived.await;
    logins.answer(outcome, &visit, Some("/u/continue")).await
}

/// `POST /u/organization`: the organization's name (contract §1.2.2 row 4).
pub(super) async fn locate(
    State(logins): State<Arc<Logins>>,
    visit: Visit,
    origin: Origin,
    parameters: Result<Params, ParamsFault>,
) -> Response {
    let located = async {
        let (id, parameters) = own_form(origin, &visit, parameters)?;
        let name = parameters.get(Form::ORGANIZATION).ok_or(LoginFault::NoAnswer)?;
        Ok::<Outcome, LoginFault>(logins.flow.locate(&id, &visit.visitor, name).await?)
    };
    let outcome = located.await;
    logins.answer(outcome, &visit, Some("/u/organization")).await
}

/// `POST /u/organization-picker`: one of the user's organizations (contract §1.2.2 row 5).
pub(super) async fn pick(
    State(logins): State<Arc<Logins>>,
    visit: Visit,
    origin: Origin,
    parameters: Result<Params, ParamsFault>,
) -> Response {
    let picked = async {
        let (id, parameters) = own_form(origin, &visit, parameters)?;
        let named = parameters.get(Form::ORGANIZATION).ok_or(LoginFault::NoAnswer)?;
        let organization = OrganizationId::parse(named).map_err(|_not_an_id| LoginFault::NoAnswer)?;
        Ok::<Outcome, LoginFault>(logins.flow.pick(&id, &visit.visitor, organization).await?)
    };
    let outcome = picked.await;
    logins.answer(outcome, &visit, Some("/u/organization-picker")).await
}
