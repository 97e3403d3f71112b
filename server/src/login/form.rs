//! Owns the frame of every form of a login: it is ours, the flow gets its answer, and the browser what the flow says.
//! Never touches what an answer means.

use super::{LoginFault, Logins, Visit, transaction};
use crate::{
    http::{
        extract::params::{Params, ParamsFault},
        layer::{CrossOrigin, SameOrigin},
    },
    page::Form,
};
use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    response::Response,
};
use portico_core::{
    id::TransactionId,
    login::{Visitor, flow::FlowError, scene::Outcome},
    secret::Secret,
};
use std::{convert::Infallible, sync::Arc};

/// A form as it was sent: ours, or the reason why it is not.
pub(super) struct Sent {
    visit: Visit,
    answered: Result<Answered, LoginFault>,
}

/// A form of ours, and the answer in it.
pub(super) struct Answered {
    pub(super) visitor: Visitor,
    pub(super) login: TransactionId,
    pub(super) parameters: Params,
}

impl FromRequest<Arc<Logins>> for Sent {
    type Rejection = Infallible;

    async fn from_request(request: Request, logins: &Arc<Logins>) -> Result<Self, Infallible> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, logins).await?;
        let origin = SameOrigin::from_request_parts(&mut parts, logins).await;
        let parameters = Params::from_request(Request::from_parts(parts, body), logins).await;
        let answered = own(origin, &visit, parameters);
        Ok(Self { visit, answered })
    }
}

impl Logins {
    /// Give the flow the answer of a form, and the browser what the flow says; the form is shown at `here`.
    pub(super) async fn take<F>(
        &self,
        sent: Sent,
        here: &str,
        work: impl FnOnce(Answered) -> F + Send,
    ) -> Response
    where
        F: Future<Output = Result<Outcome, LoginFault>> + Send,
    {
        let Sent { visit, answered } = sent;
        let outcome = match answered {
            Ok(answered) => work(answered).await,
            Err(fault) => Err(fault),
        };
        self.answer(outcome, &visit, Some(here)).await
    }
}

/// Sent by a page of ours: by its origin, and by the token that only this browser's page has (OP-25).
fn own(
    origin: Result<SameOrigin, CrossOrigin>,
    visit: &Visit,
    parameters: Result<Params, ParamsFault>,
) -> Result<Answered, LoginFault> {
    origin?;
    let parameters = parameters?;
    let login = transaction(&parameters)?;
    let token = Secret::new(parameters.get(Form::TOKEN).unwrap_or_default());
    if visit.visitor.browser.is_none() {
        return Err(FlowError::OtherBrowser.into());
    }
    if !token.matches(&visit.form_token(&login)) {
        return Err(CrossOrigin::Token.into());
    }
    Ok(Answered { visitor: visit.visitor.clone(), login, parameters })
}
