//! Owns the one address to which identity providers send their answers (contract §1.10).
//! Never touches what an answer means: that it carries our handle as `state` or `RelayState` is all that is known here.

use super::{LoginFault, Logins, Visit};
use crate::{
    http::extract::params::{Params, ParamsFault},
    page::{AutoPostPage, Page},
};
use axum::{extract::State, response::Response};
use http::Method;
use portico_core::{id::TransactionId, login::scene::Outcome};
use std::sync::Arc;

/// The mark of an answer that was posted a second time, by a page of ours.
pub(super) const REPOSTED: &str = "portico_reposted";

/// `GET|POST /login/callback`.
///
/// A post from another site comes without our `SameSite=Lax` cookie. A page of ours posts it once more, from our own
/// origin; if the cookie is missing then, too, it is another browser.
pub(super) async fn callback(
    State(logins): State<Arc<Logins>>,
    visit: Visit,
    method: Method,
    parameters: Result<Params, ParamsFault>,
) -> Response {
    let parameters = match parameters {
        Ok(parameters) => parameters,
        Err(fault) => return logins.answer(Err(fault.into()), &visit, None).await,
    };
    if method == Method::POST && visit.visitor.browser.is_none() && parameters.get(REPOSTED).is_none() {
        let fields = parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fields: Vec<_> = fields.chain([(REPOSTED.to_owned(), "1".to_owned())]).collect();
        let page = Page::AutoPost(AutoPostPage::new(logins.flow.callback(), fields));
        return logins.plain_page(&page, &visit).await;
    }
    let answered = async {
        let posted = (method == Method::POST).then(|| parameters.get("RelayState")).flatten();
        let handle = parameters.get("state").or(posted).and_then(|text| TransactionId::parse(text).ok());
        let Some(id) = handle else {
            // Whatever else stands there is the other side's own: nothing is found by it, and nobody is sent to it.
            let named = parameters.get("connection").filter(|_| method == Method::POST);
            let named = named.ok_or(LoginFault::NoState)?.to_owned();
            let organization = parameters.get("organization").map(str::to_owned);
            let reply = parameters.into_reply();
            let arrived = logins.flow.unsolicited(&named, organization.as_deref(), &visit.visitor, reply);
            return Ok(arrived.await?);
        };
        Ok::<Outcome, LoginFault>(logins.flow.answer(&id, &visit.visitor, parameters.into_reply()).await?)
    };
    let outcome = answered.await;
    logins.answer(outcome, &visit, None).await
}
