//! Owns the pages that show where a login stands, and the forms of connectors.
//! Never touches what an answer means.

use super::{
    LoginFault, Logins, Visit,
    answer::path_of,
    form::{Answered, Sent},
    transaction,
};
use crate::http::extract::params::{ParamsFault, QueryParams};
use axum::{extract::State, response::Response};
use http::Uri;
use portico_core::{
    connector::Intent,
    login::scene::{Next, Outcome, View},
};
use std::sync::Arc;

/// `GET` of any page of a login: what it shows now, at the path it belongs to.
///
/// Two paths lead elsewhere from a form: to the choice it came from, and between signing in and signing up.
pub(super) async fn show(
    State(logins): State<Arc<Logins>>,
    visit: Visit,
    uri: Uri,
    parameters: Result<QueryParams, ParamsFault>,
) -> Response {
    let shown = async {
        let QueryParams(parameters) = parameters?;
        let id = transaction(&parameters)?;
        let outcome = logins.flow.show(&id, &visit.visitor).await?;
        match leads_to(&outcome, uri.path()) {
            Some(Turn::Back) => Ok(logins.flow.back(&id, &visit.visitor).await?),
            Some(Turn::To(intent)) => Ok(logins.flow.turn(&id, &visit.visitor, intent).await?),
            None => Ok::<Outcome, LoginFault>(outcome),
        }
    };
    let outcome = shown.await;
    logins.answer(outcome, &visit, Some(uri.path())).await
}

/// `POST` of a connector's form.
pub(super) async fn answer(State(logins): State<Arc<Logins>>, uri: Uri, sent: Sent) -> Response {
    let flow = &logins.flow;
    let work = |form: Answered| async move {
        Ok(flow.answer(&form.login, &form.visitor, form.parameters.into_reply()).await?)
    };
    logins.take(sent, uri.path(), work).await
}

enum Turn {
    Back,
    To(Intent),
}

fn leads_to(outcome: &Outcome, path: &str) -> Option<Turn> {
    let Next::Show(shown) = &outcome.next else { return None };
    let View::Connector { may_go_back, may_sign_up, .. } = &shown.view else { return None };
    let here = path_of(&shown.view)?;
    match path {
        "/u/login/identifier" if *may_go_back => Some(Turn::Back),
        "/u/signup" if here != path && *may_sign_up => Some(Turn::To(Intent::SignUp)),
        "/u/login" if here == "/u/signup" => Some(Turn::To(Intent::SignIn)),
        _ => None,
    }
}
