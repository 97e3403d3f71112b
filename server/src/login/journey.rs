//! Owns `/continue`, where a browser comes back from where a rule or an action sent it (contract §4).
//! Never touches what it brings back: rules and actions read that.

use super::{LoginFault, Logins, Visit, callback::REPOSTED};
use crate::{
    http::extract::params::{Bodies, MAX_BODY_BYTES, Params, ParamsFault},
    page::{AutoPostPage, Page},
};
use axum::{
    extract::{Request, State},
    response::Response,
};
use http::{Method, Uri};
use portico_core::login::Returned;
use std::sync::Arc;

/// `GET|POST /continue`.
///
/// A post from another site comes without our `SameSite=Lax` cookie. As at `/login/callback`, a page of ours posts it once
/// more, from our own origin.
pub(super) async fn resume(State(logins): State<Arc<Logins>>, visit: Visit, request: Request) -> Response {
    let is_post = request.method() == Method::POST;
    let (query, form) = match parameters(request).await {
        Ok(parameters) => parameters,
        Err(fault) => return logins.answer(Err(fault.into()), &visit, None).await,
    };
    let Some(state) = query.get("state").or_else(|| form.get("state")).map(str::to_owned) else {
        return logins.answer(Err(LoginFault::NoState), &visit, None).await;
    };
    if is_post && visit.visitor.browser.is_none() && form.get(REPOSTED).is_none() {
        let fields = form.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fields: Vec<_> = fields.chain([(REPOSTED.to_owned(), "1".to_owned())]).collect();
        let mut action = logins.issuer.clone();
        action.set_path(&format!("{}continue", logins.issuer.path()));
        action.query_pairs_mut().extend_pairs(query.iter());
        if query.iter().next().is_none() {
            action.set_query(None);
        }
        return logins.plain_page(&Page::AutoPost(AutoPostPage::new(action, fields)), &visit).await;
    }
    let told = |parameters: &Params| {
        let kept = parameters.iter().filter(|(name, _)| *name != REPOSTED);
        kept.map(|(name, value)| (name.to_owned(), value.into())).collect()
    };
    let method = if is_post { "POST" } else { "GET" };
    let returned = Returned { method, query: told(&query), body: told(&form) };
    let outcome = logins.flow.resume(&state, &visit.visitor, returned).await.map_err(LoginFault::from);
    logins.answer(outcome, &visit, None).await
}

/// Query and form apart, as rules read them. A name may stand in both.
async fn parameters(mut request: Request) -> Result<(Params, Params), ParamsFault> {
    let query = Params::of_query(request.uri().query().unwrap_or_default())?;
    *request.uri_mut() = Uri::from_static("/continue");
    let form = Params::read(request, MAX_BODY_BYTES, Bodies::Form).await?;
    Ok((query, form))
}
